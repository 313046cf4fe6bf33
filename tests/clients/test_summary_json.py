"""A summary stays within its bytes, and counts by name what it leaves out."""

from __future__ import annotations

import pytest

from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.summary_json import BYTES_MAX, summary_json
from indexer.query.answer import Completeness, SummaryAnswer
from indexer.query.cost import NO_COST
from indexer.query.span import Span
from indexer.query.trace_summary import summarise
from tests.support.answered_spans import answered
from tests.support.span_files import T0


def answer(spans: list[Span], unread: int = 0) -> SummaryAnswer:
    return SummaryAnswer(
        trace_id="ab" * 16,
        summary=summarise(spans),
        spans_unread=unread,
        completeness=Completeness(),
        cost=NO_COST,
    )


def many(text: str) -> list[Span]:
    return [
        answered(
            span_id=f"{n + 1:016x}",
            parent_span_id="f" * 16,
            service_name=f"{text}{n}",
            name=text,
            start_time_unix_nano=T0 + 2_000 * n,
            status_code=2,
            status_message=text,
        )
        for n in range(50)
    ]


@pytest.mark.parametrize(("text", "entries"), [("x", 20), ("\U0001f600" * 5_000, 10)])
def test_it_has_as_many_entries_as_fit(text: str, entries: int) -> None:
    found = summary_json(answer(many(text)))
    assert len(as_json(found)) <= BYTES_MAX
    assert (len(found["services"]), len(found["gaps"])) == (entries, entries)
    assert found["left_out"] == {"services": 50 - entries, "gaps": 49 - entries}


def test_attributes_that_were_not_read_are_said() -> None:
    found = summary_json(answer(many("x")[:2], unread=1))
    assert found["left_out"] == {"spans_without_attributes": 1}
    assert found["tokens"] is None


def test_times_are_counted_from_the_first_span() -> None:
    found = summary_json(answer(many("x")[:2]))
    assert (found["duration_ns"], found["first_failing"]["start_offset_ns"]) == (3_000, 0)
    assert found["first_failing"]["status_message"] == "x"
    assert found["gaps"] == [{"start_offset_ns": 1_000, "duration_ns": 1_000}]
