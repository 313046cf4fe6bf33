"""The facts of a trace are those of counting its spans one by one."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.query.span import Span
from indexer.query.trace_summary import Gap, Tokens, gaps, summarise
from tests.support.answered_spans import answered
from tests.support.span_files import T0


def span(number: int, parent: int | None = None, **values: Any) -> Span:
    start = values.pop("start", number)
    return answered(
        span_id=f"{number:016x}",
        parent_span_id=None if parent is None else f"{parent:016x}",
        start_time_unix_nano=T0 + start,
        **{"duration_ns": 10, **values},
    )


TRACE = [
    span(1, duration_ns=100),
    span(2, 1, service_name="cart", status_code=2, duration_ns=30),
    span(3, 2, service_name="cart", status_code=2, span_kind=3),
    span(4, 77, span_kind=1),
    span(5, 1, start=150),
]


def test_spans_are_counted_by_service_and_kind() -> None:
    found = summarise(TRACE)
    assert (found.span_count, found.error_count) == (5, 2)
    assert (found.root_count, found.orphan_count, found.root) == (1, 1, TRACE[0])
    counted = [(one.service_name, one.span_count, one.error_count) for one in found.services]
    assert counted == [("shop", 3, 0), ("cart", 2, 2)]
    assert found.kinds == {1: 1, 2: 3, 3: 1}
    assert (found.start_time_unix_nano, found.end_time_unix_nano) == (T0 + 1, T0 + 160)


def test_the_span_that_failed_first_is_the_one_that_ended_first() -> None:
    assert summarise(TRACE).first_failing is TRACE[2]
    assert summarise(TRACE[:1]).first_failing is None


def test_the_slowest_come_first_and_the_path_by_its_time() -> None:
    found = summarise(TRACE)
    assert found.slowest[:2] == TRACE[:2]
    path = [(one.span.span_id[-1], one.on_path_ns) for one in found.path]
    assert path == [("1", 70), ("2", 20), ("3", 10)]


def test_gaps_are_times_in_which_nothing_ran() -> None:
    (gap,) = summarise(TRACE).gaps
    assert gap == Gap(start_time_unix_nano=T0 + 101, duration_ns=49)
    assert [one.duration_ns for one in gaps([(0, 1), (3, 9), (4, 5), (19, 20)])] == [10, 2]


@pytest.mark.parametrize(
    ("said", "tokens"),
    [
        ({"gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 2}, (3, 2, 5)),
        ({"llm.token_count.prompt": 3.0, "llm.token_count.total": 9}, (3, 0, 9)),
        ({"gen_ai.usage.completion_tokens": 2, "llm.token_count.completion": 7}, (0, 2, 2)),
    ],
)
def test_tokens_are_summed_as_attributes_say(
    said: dict[str, Any], tokens: tuple[int, int, int]
) -> None:
    sent, received, total = tokens
    spans = [span(1), span(2, 1, attributes=said), span(3, 1, attributes={"n": 1})]
    expected = Tokens(input=sent, output=received, total=total, span_count=1)
    assert summarise(spans).tokens == expected


@pytest.mark.parametrize("value", [True, -1, "3", None, 2**63, 0.5])
def test_what_is_no_count_is_no_tokens(value: object) -> None:
    spans = [span(1, attributes={"gen_ai.usage.input_tokens": value})]
    assert summarise(spans).tokens is None


def test_an_agent_that_repeats_its_calls_does_not_count() -> None:
    said = {"gen_ai.usage.input_tokens": 3}
    spans = [span(1, attributes=said), span(2, 1), span(3, 2, attributes=said)]
    found = summarise(spans).tokens
    assert found is not None
    assert (found.input, found.span_count) == (3, 1)


def test_spans_without_known_times_have_no_path() -> None:
    found = summarise([answered(start_time_unix_nano=0)])
    assert (found.path, found.gaps, found.start_time_unix_nano) == ([], [], None)


def test_no_spans_have_no_facts() -> None:
    found = summarise([])
    assert (found.span_count, found.root, found.path, found.tokens) == (0, None, (), None)
