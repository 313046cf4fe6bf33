"""The summary of a trace is of every tier, and reads no more payload than it may."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from indexer.query import trace_facts
from indexer.query.answers import Answers
from indexer.query.trace_facts import summarise_trace
from tests.support.span_files import T0, Span
from tests.support.tiers import answers_over

pytestmark = pytest.mark.duckdb

TOKENS = '{"gen_ai.usage.input_tokens":5}'
BY_TIER = {
    "a": [Span(duration=100), Span(span=2, parent=1, start=T0 + 1, attributes=TOKENS)],
    "recent": [Span(span=3, parent=1, start=T0 + 2, status=2, attributes=TOKENS)],
    "hot": [Span(span=4, parent=2, start=T0 + 3, service="cart"), Span(duration=100)],
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with answers_over(tmp_path_factory.mktemp("facts"), BY_TIER) as found:
        yield found


def test_the_spans_of_every_tier_count_once(answers: Answers) -> None:
    answer = summarise_trace(answers, "1")
    assert (answer.summary.span_count, answer.summary.error_count) == (4, 1)
    assert [one.service_name for one in answer.summary.services] == ["shop", "cart"]
    assert answer.summary.tokens is not None
    assert answer.summary.tokens.input == 10
    assert (answer.completeness.is_complete, answer.spans_unread) == (True, 0)


def test_of_a_trace_that_is_too_large_to_read_the_failing_span_is_read(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_facts, "PAYLOAD_SPANS_MAX", 3)
    answer = summarise_trace(answers, "1")
    assert (answer.summary.span_count, answer.spans_unread) == (4, 3)
    assert answer.summary.first_failing is not None
    assert answer.summary.first_failing.payload is not None


def test_a_trace_that_nobody_has_opens_no_file(answers: Answers) -> None:
    """But for recent ones, which no index knows."""
    answer = summarise_trace(answers, "f")
    assert (answer.summary.span_count, answer.cost.bytes_read) == (0, 0)
