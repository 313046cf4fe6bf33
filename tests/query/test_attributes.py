"""Spans by a promoted attribute equal brute force, and an answer says what it lacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.errors import QueryRefused
from indexer.query import attributes
from indexer.query.attributes import spans_with
from tests.support.catalogs import indexed
from tests.support.span_files import Span, spans, write

pytestmark = pytest.mark.duckdb

KEYS = ("gen_ai.operation.name", "error.type")
CHAT = '{"gen_ai.operation.name":"chat"}'
SPANS = st.tuples(
    st.integers(0, 60), st.sampled_from(("shop", "cart")), st.sampled_from((None, "chat", "embed"))
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    files=st.lists(st.lists(SPANS, max_size=5), min_size=1, max_size=10),
    value=st.none() | st.sampled_from(("chat", "embed", "never")),
    service=st.none() | st.sampled_from(("shop", "cart")),
    limit=st.integers(1, 6),
)
def test_the_newest_spans_are_those_of_a_full_scan(
    files: list[list[tuple[int, str, str | None]]],
    value: str | None,
    service: str | None,
    limit: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Whatever the files, stopping early loses none."""
    expected = []
    number = 0
    with indexed(tmp_path_factory.mktemp("with"), keys=KEYS) as one:
        for at, members in enumerate(files):
            rows = []
            for start, of, operation in members:
                number += 1
                text = json.dumps({KEYS[0]: operation})
                rows.append(Span(trace=number, start=start, service=of, attributes=text))
                if operation and value in (None, operation) and service in (None, of):
                    expected.append((-start, f"{number:032x}", operation))
            write(one.root / f"{at}.parquet", rows)
        one.settle()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(attributes, "FILES_AT_FIRST", 1)
            found = spans_with(
                one.catalog.cursor(), KEYS[0], value=value, service=service, limit=limit
            )
    assert found["complete"]
    assert [(-s["start_time_unix_nano"], s["trace_id"], s["value"]) for s in found["spans"]] == (
        sorted(expected)[:limit]
    )


def test_files_that_have_not_given_the_attribute_are_counted(tmp_path: Path) -> None:
    """Of the service that is asked for; another one's files cannot be missing."""
    with indexed(tmp_path, keys=KEYS) as one:
        write(one.root / "a.parquet", [Span(attributes=CHAT)])
        one.settle()
        write(one.root / "b.parquet", [Span(trace=2, attributes=CHAT)])
        write(one.root / "c.parquet", [Span(trace=3, service="cart", attributes=CHAT)])
        one.pipeline.sweep()
        one.pipeline.drain(lambda: False)
        found = spans_with(one.catalog.cursor(), KEYS[0], service="shop", limit=10)
        assert (len(found["spans"]), found["complete"]) == (1, False)
        assert found["missing"] == [
            {
                "error_type": "AttributesPending",
                "files": 1,
                "detail": "1 files have not given gen_ai.operation.name yet",
            }
        ]
        one.settle()
        found = spans_with(one.catalog.cursor(), KEYS[0], limit=10)
        assert (len(found["spans"]), found["complete"]) == (3, True)


def test_files_that_cannot_give_it_are_counted(tmp_path: Path) -> None:
    """An answer without their spans is not complete, however often it is asked."""
    with indexed(tmp_path, keys=KEYS) as one:
        write(one.root / "a.parquet", [Span(attributes=CHAT)])
        one.settle()
        one.rows("UPDATE file_attributes SET value_count = 0, error_type = 'CorruptPage'")
        found = spans_with(one.catalog.cursor(), KEYS[0], limit=10)
        assert not found["complete"]
        assert [lack["error_type"] for lack in found["missing"]] == ["AttributesUnreadable"]


def test_a_key_that_is_not_promoted_is_refused_with_the_setting(tmp_path: Path) -> None:
    """The next step is in the hint."""
    with indexed(tmp_path, keys=KEYS) as one:
        write(one.root / "a.parquet", spans(1))
        one.settle()
        with pytest.raises(QueryRefused, match=r"http.route is not among") as refusal:
            spans_with(one.catalog.cursor(), "http.route", limit=1)
        assert "INDEXER_PROMOTED_ATTRIBUTES" in refusal.value.advice


def test_a_quote_in_a_value_ends_no_string(tmp_path: Path) -> None:
    """Nor in a service."""
    with indexed(tmp_path, keys=KEYS) as one:
        write(one.root / "a.parquet", [Span(service="o'", attributes='{"error.type":"x\'y"}')])
        one.settle()
        found = spans_with(one.catalog.cursor(), "error.type", value="x'y", service="o'", limit=1)
        assert len(found["spans"]) == 1
