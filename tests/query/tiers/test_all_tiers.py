"""An answer holds what each tier has, each span once, and says what it cannot know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from indexer.errors import HotUnavailable
from indexer.hot.view import DecodedRows, HotView
from indexer.query.answer import Answer, HotShare, SpansAnswer
from indexer.query.answers import Answers
from indexer.query.find.cursor import page_after
from indexer.query.find.span_query import SpanQuery
from indexer.query.span import Span as AnsweredSpan
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import Span, spans, table, write

pytestmark = pytest.mark.duckdb

TRACE = f"{1:032x}"
AS_OF = 1_795_000_000_000_000_007


def view(rows: list[Span], **fields: Any) -> HotView:
    """Hot spans in the 14 columns that every layout has."""
    given = {"recent_files": (), "source": "incremental", "bounded": False, **fields}
    return HotView(rows=DecodedRows(pa.table(table(rows))), as_of_unix_nano=AS_OF, **given)


def answers(one: Indexed, hot: HotView | None) -> Answers:
    def ask() -> HotView:
        if hot is None:
            raise HotUnavailable("nobody is there")
        return hot

    return one.answers(hot=ask)


def found(answer: SpansAnswer) -> list[tuple[str, bool]]:
    """(last digit of the span id, whether it is from a file)."""
    return [(span.span_id[-1], span.source.path is not None) for span in answer.spans]


def codes(answer: Answer) -> list[str]:
    return [missing.reason.code for missing in answer.completeness.missing]


def roots(asked: Answers, limit: int = 100) -> Sequence[AnsweredSpan]:
    return asked.spans(SpanQuery(service="shop", roots=True, limit=limit)).spans


def test_each_span_is_there_once_and_the_colder_copy_counts(tmp_path: Path) -> None:
    """1 in all three, 2 in the index and hot, 3 in a recent file and hot, 4 hot alone."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(2))
        one.settle()
        recent = write(one.root / "b.parquet", spans(1) + spans(1, first=3))
        hot = view(spans(4), recent_files=(str(recent),))
        answer = answers(one, hot).trace(TRACE)
    assert found(answer) == [("1", True), ("3", True), ("2", True), ("4", False)]
    said = answer.completeness
    assert (said.is_complete, said.as_of_unix_nano) == (True, AS_OF)
    assert said.recent_files == (str(recent),)
    assert said.hot == HotShare(source="incremental", spans=1)


def test_a_hot_span_of_another_kind_is_another_span(tmp_path: Path) -> None:
    """A client's in the index, its server's hot under the same id: in traces, lists and counts."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(kind=3)])
        one.settle()
        asked = answers(one, view([Span(kind=3), Span(kind=2)]))
        kinds = [[span.span_kind for span in asked.trace(TRACE).spans]]
        kinds.append([span.span_kind for span in roots(asked)])
        (service,) = asked.services().services
    assert kinds == [[2, 3], [2, 3]]
    assert service.total_spans == 2


def test_a_hot_tier_that_does_not_answer_is_said_and_costs_the_rest_nothing(
    tmp_path: Path,
) -> None:
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(2))
        one.settle()
        asked = answers(one, None)
        answer = asked.trace(TRACE)
        assert len(asked.services().services) == len(roots(asked)) == 1
    assert (len(answer.spans), answer.completeness.as_of_unix_nano) == (2, None)
    assert answer.completeness.hot == HotShare(source=None, spans=0)
    assert codes(answer) == ["HotUnavailable"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"bounded": True, "source": "snapshot"}, "HotBounded"),
        ({"problems": ("a body does not decode",)}, "HotIncomplete"),
    ],
)
def test_what_the_service_cannot_know_makes_the_answer_incomplete(
    tmp_path: Path, fields: dict[str, Any], said: str
) -> None:
    """Its spans are in the answer all the same."""
    with indexed(tmp_path) as one:
        answer = answers(one, view(spans(1), **fields)).trace(TRACE)
    assert len(answer.spans) == 1
    assert codes(answer) == [said]


def test_a_recent_file_that_cannot_be_read_is_missing(tmp_path: Path) -> None:
    """By name; it may hold any span."""
    with indexed(tmp_path) as one:
        broken = one.root / "b.parquet"
        broken.write_bytes(b"no")
        answer = answers(one, view([], recent_files=(str(broken),))).trace(TRACE)
    assert not answer.completeness.is_complete
    assert codes(answer) == ["FooterUnreadable"]
    assert answer.completeness.missing[0].file_path == str(broken)


def test_services_count_a_span_of_several_tiers_once(tmp_path: Path) -> None:
    """And know services that are hot alone."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(2))
        one.settle()
        recent = write(one.root / "b.parquet", spans(3))
        hot = view(spans(4) + spans(2, trace=2, service="new"), recent_files=(str(recent),))
        services = answers(one, hot).services().services
    assert [(one.service_name, one.total_spans) for one in services] == [
        ("new", 2),
        ("shop", 4),
    ]


def test_latest_roots_are_of_all_tiers(tmp_path: Path) -> None:
    """Newest first, each once, as many as asked for."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(1, trace=1) + spans(1, trace=4))
        one.settle()
        recent = write(one.root / "b.parquet", spans(1, trace=3))
        hot = view(spans(1, trace=4) + spans(1, trace=2), recent_files=(str(recent),))
        found = roots(answers(one, hot), limit=3)
    assert [int(root.trace_id, 16) for root in found] == [4, 3, 2]


def test_an_answer_counts_files_that_it_could_not_look_into(tmp_path: Path) -> None:
    """Refused ones, whatever is in them."""
    with indexed(tmp_path) as one:
        (one.root / "a.parquet").write_bytes(b"no")
        one.settle()
        answer = answers(one, view([])).trace(TRACE)
    said = answer.completeness
    assert (said.files_quarantined, said.files_pending) == (1, None)


def test_the_hot_tier_is_asked_before_the_index(tmp_path: Path) -> None:
    """A span that is flushed and indexed while hot is asked is in the index when that is asked."""
    with indexed(tmp_path) as one:

        def ask() -> HotView:
            write(one.root / "a.parquet", spans(2))
            one.settle()
            return view([])

        asked = one.answers(hot=ask)
        assert len(asked.trace(TRACE).spans) == 2
        (one.root / "a.parquet").unlink()
        one.settle()
        assert [row.total_spans for row in asked.services().services] == [2]
        (one.root / "a.parquet").unlink()
        one.settle()
        assert len(roots(asked)) == 1


def test_every_page_is_as_of_the_first(tmp_path: Path) -> None:
    """Later ones hold what was acknowledged since, and do not promise it."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(3))
        one.settle()
        moments = iter((5, 9, 12))
        asked = one.answers(hot=lambda: replace(view([]), as_of_unix_nano=next(moments)))
        page, said = SpanQuery(limit=1), []
        for _ in range(3):
            answer = asked.spans(page, payload=False)
            said.append(answer.completeness.as_of_unix_nano)
            if answer.next_cursor is not None:
                page = page_after(SpanQuery(limit=1), answer.next_cursor)
        assert said == [5, 5, 5]
