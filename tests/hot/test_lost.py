"""A span that left the hot tier and never reached the index is counted once, and named."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from indexer.hot.identity import keys_of
from indexer.hot.lost import WAIT_S, LostFlushDetector
from indexer.spans.identity import SpanKeys
from tests.support.examples import examples
from tests.support.fake_clock import FakeClock


def hot(*numbers: int, kind: int = 0) -> SpanKeys:
    """Spans by number, ten to a trace."""
    return keys_of(
        pa.table(
            {
                "trace_id": pa.array(
                    [f"{number // 10 + 1:032x}" for number in numbers], pa.string()
                ),
                "span_id": pa.array([f"{number + 1:016x}" for number in numbers], pa.string()),
                "span_kind": pa.array([kind for _ in numbers], pa.int8()),
            }
        )
    )


def cold(*numbers: int):
    ids = np.array(numbers, np.uint64) + np.uint64(1)
    return lambda keys: np.isin(keys.span_id, ids)


def test_a_span_in_neither_tier_is_lost_after_a_while() -> None:
    clock = FakeClock()
    detector = LostFlushDetector(clock)
    detector.observe(hot(1, 2, 23))
    detector.observe(hot(2))
    clock.advance(WAIT_S - 1)
    assert detector.check(cold()) == 0
    clock.advance(1)
    assert detector.check(cold(1)) == 1
    assert detector.lost_traces == (f"{3:032x}",)
    assert detector.check(cold()) == 0
    assert detector.lost_spans == 1


def test_a_span_that_is_hot_again_is_not_lost() -> None:
    clock = FakeClock()
    detector = LostFlushDetector(clock)
    for view in (hot(1), hot(), hot(1)):
        detector.observe(view)
    clock.advance(WAIT_S)
    assert detector.check(cold()) == 0


def test_a_span_is_not_taken_for_one_of_another_kind() -> None:
    """Its client is hot under the same id; the server's span is lost all the same."""
    clock = FakeClock()
    detector = LostFlushDetector(clock)
    detector.observe(hot(1, kind=2))
    detector.observe(hot(1, kind=3))
    clock.advance(WAIT_S)
    assert detector.check(cold()) == 1


def test_beyond_its_bounds_it_counts_what_it_does_not_watch() -> None:
    clock = FakeClock()
    detector = LostFlushDetector(clock, keys_max=5, reported_max=2)
    detector.observe(hot(*range(0, 80, 10)))
    assert detector.unwatched_spans == 3
    detector.observe(hot(*range(100, 180, 10)))
    detector.observe(hot())
    assert detector.unwatched_spans == 3 + 3 + 5
    clock.advance(WAIT_S)
    assert detector.check(cold()) == 5
    assert len(detector.lost_traces) == 2


def test_the_index_is_asked_in_the_terms_of_the_index() -> None:
    asked: list[pa.Table] = []

    def known(keys: SpanKeys):
        asked.append(keys.to_arrow())
        return np.ones(len(keys), np.bool_)

    detector = LostFlushDetector(FakeClock())
    detector.observe(hot(1))
    detector.observe(hot())
    detector.check(known)
    assert asked[0].to_pylist() == [{"trace_id": f"{1:032x}", "span_id_uint64": 2, "span_kind": 0}]


@examples(60)
@given(
    steps=st.lists(
        st.tuples(st.sets(st.integers(0, 12)), st.sets(st.integers(0, 12)), st.integers(0, 40)),
        max_size=20,
    )
)
def test_it_agrees_with_a_model(steps: list[tuple[set[int], set[int], int]]) -> None:
    """Views, what the index has at each, and the time that passes, in any order."""
    clock = FakeClock()
    detector = LostFlushDetector(clock, wait_s=60)
    before: set[int] = set()
    left: dict[int, float] = {}
    lost = 0
    for now, indexed, seconds in steps:
        detector.observe(hot(*sorted(now)))
        left = {one: at for one, at in left.items() if one not in now}
        left |= dict.fromkeys(before - now, clock.monotonic)
        before = now
        clock.advance(seconds)
        detector.check(cold(*sorted(indexed)))
        left = {one: at for one, at in left.items() if one not in indexed}
        late = {one for one, at in left.items() if clock.monotonic - at >= 60}
        left = {one: at for one, at in left.items() if one not in late}
        lost += len(late)
        assert detector.lost_spans == lost
