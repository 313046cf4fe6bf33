"""Every span of a trace has one place in its tree, cycles and unknown parents included."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indexer.spans.trace_tree import depth_first


def test_children_follow_their_parent_in_order() -> None:
    assert list(depth_first([None, 0, 0, 1, None])) == [(0, 0), (1, 1), (2, 3), (1, 2), (0, 4)]


def test_a_cycle_follows_at_the_end() -> None:
    assert list(depth_first([2, None, 0])) == [(0, 1), (0, 0), (1, 2)]


@given(st.lists(st.none() | st.integers(0, 8), max_size=9))
def test_every_span_is_there_once(parents: list[int | None]) -> None:
    held = [None if at is None or at >= len(parents) else at for at in parents]
    assert sorted(at for _, at in depth_first(held)) == list(range(len(held)))
