"""The critical path covers the root's time, each moment by the span that was waited for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indexer.query.critical_path import Segment, critical_path
from indexer.spans.trace_tree import children_of
from tests.support.examples import examples

Times = list[tuple[int, int] | None]


def path(times: Times, parents: list[int | None]) -> list[tuple[int, int, int]]:
    found = critical_path(times, children_of(parents), 0)
    return [(one.position, one.from_unix_nano, one.until_unix_nano) for one in found]


def waited_for(times: Times, parents: list[int | None], at: int, begin: int, end: int) -> list[int]:
    """For each moment of a span's time the span that was waited for, by brute force."""
    moments = [at] * (end - begin)
    clipped = {
        child: (max(known[0], begin), min(known[1], end))
        for child, known in enumerate(times)
        if parents[child] == at and known is not None
    }
    reached = end
    while ended := [
        (last, -first, -child)
        for child, (first, last) in clipped.items()
        if first < last <= reached
    ]:
        last, first, child = max(ended)
        moments[-first - begin : last - begin] = waited_for(times, parents, -child, -first, last)
        reached = -first
    return moments


@st.composite
def traces(draw: st.DrawFn) -> tuple[Times, list[int | None]]:
    """A root of ten moments, and spans below it that may begin and end anywhere."""
    count = draw(st.integers(0, 7))
    some = st.tuples(st.integers(-2, 12), st.integers(-2, 12))
    times: Times = [(0, 10), *draw(st.lists(st.none() | some, min_size=count, max_size=count))]
    parents: list[int | None] = [None]
    parents += [draw(st.integers(0, at)) for at in range(count)]
    return times, parents


@examples(150)
@given(trace=traces())
def test_every_moment_is_of_the_span_that_was_waited_for(
    trace: tuple[Times, list[int | None]],
) -> None:
    times, parents = trace
    moments: list[int] = []
    for position, begin, end in path(times, parents):
        assert begin == len(moments)
        moments += [position] * (end - begin)
    assert moments == waited_for(times, parents, 0, 0, 10)


def test_children_that_ran_one_after_the_other_are_all_on_it() -> None:
    times: Times = [(0, 10), (1, 4), (5, 9)]
    assert path(times, [None, 0, 0]) == [(0, 0, 1), (1, 1, 4), (0, 4, 5), (2, 5, 9), (0, 9, 10)]


def test_of_children_at_the_same_time_the_last_to_end_is_on_it() -> None:
    assert path([(0, 10), (1, 5), (2, 9)], [None, 0, 0]) == [(0, 0, 2), (2, 2, 9), (0, 9, 10)]


def test_a_child_that_outlives_its_parent_counts_up_to_its_end() -> None:
    assert path([(0, 10), (4, 99)], [None, 0]) == [(0, 0, 4), (1, 4, 10)]


def test_a_root_without_a_known_time_has_none() -> None:
    assert path([None, (1, 2)], [None, 0]) == []
    assert path([(5, 5)], [None]) == []


def test_a_chain_of_many_spans_is_followed() -> None:
    """Deeper than a recursion could go."""
    count = 5_000
    times: Times = [(at, 2 * count - at) for at in range(count)]
    found = path(times, [None, *range(count - 1)])
    assert len(found) == 2 * count - 1


def test_a_segment_is_as_long_as_it_takes() -> None:
    assert Segment(0, 3, 10).duration_ns == 7
