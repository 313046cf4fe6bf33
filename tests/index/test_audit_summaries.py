"""An audit finds what was learnt wrongly, and nothing where it was learnt by a search."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.index.audit_summaries import denies
from indexer.query.find.absences import Absences
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.query.find.span_query import SpanQuery
from indexer.spans.key_summary import ABSENT, FileKeySummary, KeySummary
from indexer.spans.value_filter import hash_text, make_filter
from tests.support.catalogs import audited, indexed
from tests.support.span_files import Span, write

EVENTS = '[{"name":"x","attributes":{"k":"in an event"}}]'


@pytest.mark.parametrize("change", ["", "SET is_present = false", "SET value_filter = ''::BLOB"])
def test_a_summary_that_denies_a_value_is_named(tmp_path: Path, change: str) -> None:
    """With its file and its key; those that are not kept are missed by nobody."""
    learnt: list[FileKeySummary] = []
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(attributes='{"k":"v"}', events=EVENTS)])
        one.settle()
        answers = one.answers(absences=Absences(keep=learnt.append))
        for owner in ("span", "event", "resource"):
            where = AttributeCondition(owner=owner, key="k")  # type: ignore[arg-type]
            answers.spans(SpanQuery(where=where))
        one.pipeline.register.record_key_summaries(learnt, 1 << 20)
        if change:
            one.rows(f"UPDATE file_key_summaries {change} WHERE owner = 'event'")
    found = audited(tmp_path / "spans", tmp_path / "catalog.duckdb").findings
    said = [(each.invariant, each.relative_path, each.detail) for each in found]
    detail = "what was learnt of the event attribute k denies a value that is there"
    assert said == ([("I1", "a.parquet", detail)] if change else [])


TEXT = KeySummary(is_present=True, has_text=True, value_filter=make_filter(hash_text("a")))


@pytest.mark.parametrize(
    ("summary", "value", "is_denied"),
    [
        (ABSENT, {}, True),
        (KeySummary(is_present=True), "a", False),
        (TEXT, "a", False),
        (TEXT, "b", True),
        (TEXT, 1, True),
        (TEXT, True, True),
        (TEXT, [], False),
        (TEXT, "\ufffd", False),
    ],
)
def test_a_value_is_denied_by_what_rules_it_out(
    summary: KeySummary, value: object, is_denied: bool
) -> None:
    assert denies(summary, value) == is_denied
