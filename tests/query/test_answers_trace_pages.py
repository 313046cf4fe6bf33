"""Pages of a trace, over all tiers, join up to the whole; what nobody has opens no file."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from indexer.errors import InvalidId, QueryRefused
from indexer.query.answer import SpansAnswer
from indexer.query.answers import Answers
from indexer.query.find.trace_query import TraceQuery
from indexer.query.limits import AnswerLimits
from indexer.system.storage import LocalStorage
from tests.support.span_files import T0, Span
from tests.support.tiers import TIERS, answers_over, distinct

pytestmark = pytest.mark.duckdb

DRAW = random.Random(3)
SPANS = [
    Span(span=number, parent=number // 2 or None, start=T0 + DRAW.randint(0, 9), kind=kind)
    for number in range(1, 25)
    for kind in ((2, 3) if number % 5 == 0 else (2,))
]
BY_TIER = {
    tier: [span for at_span, span in enumerate(SPANS) if at_span % 5 == at or at_span % 7 == at]
    for at, tier in enumerate(TIERS)
}
BY_TIER["published"] = [replace(one, start=one.start + 2) for one in BY_TIER["published"]]
EXPECTED = sorted((span.start, span.span_id, span.kind) for span in distinct(BY_TIER))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with answers_over(tmp_path_factory.mktemp("pages"), BY_TIER) as found:
        yield found


def places(answer: SpansAnswer) -> list[tuple[int, str, int]]:
    return [TraceQuery.order(span) for span in answer.spans]


@pytest.mark.parametrize("limit", [1, 2, 7, 23, 1_000])
def test_pages_are_the_whole_in_order(answers: Answers, limit: int) -> None:
    found: list[tuple[int, str, int]] = []
    query = TraceQuery.of("1").page_after(limit, None)
    while True:
        answer = answers.trace(query, payload=False)
        assert len(answer.spans) <= limit
        found += places(answer)
        if answer.next_cursor is None:
            break
        query = query.page_after(limit, answer.next_cursor)
    assert found == EXPECTED == places(answers.trace("1", payload=False))


def test_a_page_of_a_trace_that_is_too_large_for_one_answer_lacks_nothing(
    answers: Answers,
) -> None:
    few = replace(answers, limits=AnswerLimits(trace_spans=3))
    assert not few.trace("1").completeness.is_complete
    page = few.trace(TraceQuery.of("1").page_after(5, None))
    assert (places(page), page.completeness.is_complete) == (EXPECTED[:5], True)


def test_a_trace_that_nobody_has_opens_no_file(
    tmp_path: object, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And neither does a tree without payload; recent files alone are not in the index."""

    def refuse(*_: object) -> None:
        raise AssertionError("a file was opened")

    indexed = replace(answers, hot=None)
    monkeypatch.setattr(LocalStorage, "open", refuse)
    assert len(indexed.trace("f").spans) == 0
    assert len(indexed.trace("1", payload=False).spans) > 0


@pytest.mark.parametrize("cursor", ["", "x", "W10"])
def test_a_cursor_of_nobody_is_refused(cursor: str) -> None:
    with pytest.raises(QueryRefused):
        TraceQuery.of("1").page_after(1, cursor)


def test_a_cursor_that_names_no_span_is_refused() -> None:
    from indexer.query.find.keyset import encode_place  # noqa: PLC0415 - for a forged one

    query = TraceQuery.of("1")
    for place in ((0, "x", 2), (2**63, "1", 2), (0, "1", 2**7)):
        with pytest.raises((QueryRefused, InvalidId)):
            query.page_after(1, encode_place(query.fingerprint, place))
