"""An answer about a promoted attribute says which files it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.errors import QueryRefused
from indexer.query.answer import SpansAnswer
from indexer.query.find.span_query import SpanQuery
from indexer.query.missing import ATTRIBUTES_PENDING, ATTRIBUTES_UNREADABLE, Missing
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import Span, spans, write

pytestmark = pytest.mark.duckdb

KEYS = ("gen_ai.operation.name", "error.type")
CHAT = '{"gen_ai.operation.name":"chat"}'


def listed(one: Indexed, service: str | None = None, **fields: object) -> SpansAnswer:
    key = fields.pop("attribute", KEYS[0])
    query = SpanQuery(attribute=key, service=service, **fields)
    return one.answers().spans(query, payload=False)


def test_files_that_have_not_given_the_attribute_are_counted(tmp_path: Path) -> None:
    """Of the service that is asked for; another one's files cannot be missing."""
    with indexed(tmp_path, keys=KEYS) as one:
        write(one.root / "a.parquet", [Span(attributes=CHAT)])
        one.settle()
        write(one.root / "b.parquet", [Span(trace=2, attributes=CHAT)])
        write(one.root / "c.parquet", [Span(trace=3, service="cart", attributes=CHAT)])
        one.pipeline.sweep()
        one.pipeline.drain(lambda: False)
        found = listed(one, "shop")
        assert len(found.spans) == 1
        detail = "1 file has not given gen_ai.operation.name"
        assert found.completeness.missing == (
            Missing(reason=ATTRIBUTES_PENDING, files=1, detail=detail),
        )
        one.settle()
        found = listed(one)
        assert (len(found.spans), found.completeness.is_complete) == (3, True)


def test_files_that_cannot_give_it_are_counted(tmp_path: Path) -> None:
    """An answer without their spans is not complete, however often it is asked."""
    with indexed(tmp_path, keys=KEYS) as one:
        write(one.root / "a.parquet", [Span(attributes=CHAT)])
        one.settle()
        one.rows("UPDATE file_attributes SET value_count = 0, error_type = 'CorruptPage'")
        found = listed(one)
        (missing,) = found.completeness.missing
        assert (missing.reason, missing.files) == (ATTRIBUTES_UNREADABLE, 1)


def test_a_key_that_is_not_promoted_is_refused_with_the_setting(tmp_path: Path) -> None:
    """The next step is in the hint."""
    with indexed(tmp_path, keys=KEYS) as one:
        write(one.root / "a.parquet", spans(1))
        one.settle()
        with pytest.raises(QueryRefused, match=r"http.route is not a promoted") as refusal:
            listed(one, attribute="http.route")
        assert "INDEXER_PROMOTED_ATTRIBUTES" in refusal.value.advice


def test_a_quote_in_a_value_ends_no_string(tmp_path: Path) -> None:
    """Nor in a service."""
    with indexed(tmp_path, keys=KEYS) as one:
        write(one.root / "a.parquet", [Span(service="o'", attributes='{"error.type":"x\'y"}')])
        one.settle()
        found = listed(one, "o'", attribute="error.type", value="x'y")
        assert len(found.spans) == 1
