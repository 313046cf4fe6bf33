"""A ring has the newest rows in order, and never more of them or of their bytes than it may."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import QueryRefused
from indexer.live.limits import PIECE_OVERHEAD_BYTES, RingLimits
from tests.live.rings import piece, ring, seen


def test_a_thousand_rows_in_a_ring_of_a_hundred_leave_the_last_hundred_in_order():
    found = ring(rows=100)
    for number in range(1000):
        found.append([piece(number)])
    assert seen(found.snapshot()) == list(range(900, 1000))


def test_the_oldest_rows_of_a_request_leave_before_its_other_ones():
    found = ring(rows=10)
    found.append([piece(*range(8))])
    found.append([piece(*range(8, 13))])
    assert seen(found.snapshot()) == list(range(3, 13))


def test_of_a_request_larger_than_the_ring_the_last_rows_stay():
    found = ring(rows=10)
    found.append([piece(*range(100))])
    assert seen(found.snapshot()) == list(range(90, 100))
    counts = found.counts()
    assert (counts.rows, counts.inserted_rows, counts.evicted_rows) == (10, 100, 90)


def test_bytes_are_bounded_as_rows_are():
    found = ring(rows=10_000, size_bytes=100_000)
    for number in range(1000):
        found.append([piece(number, size_bytes=1000)])
        assert found.counts().bytes <= 100_000
    kept = seen(found.snapshot())
    assert kept == list(range(1000 - len(kept), 1000))
    assert len(kept) >= 100_000 // (1000 + PIECE_OVERHEAD_BYTES) - 1


def test_a_row_larger_than_the_ring_is_evicted_at_once():
    found = ring(size_bytes=1000)
    found.append([piece(1, size_bytes=2000)])
    assert (found.counts().rows, found.counts().evicted_rows) == (0, 1)


def test_a_snapshot_stays_as_it_was():
    found = ring(rows=10)
    found.append([piece(*range(5))])
    before = found.snapshot()
    found.append([piece(*range(5, 50))])
    assert seen(before) == [0, 1, 2, 3, 4]
    assert before.rows == 5


def test_requests_without_rows_leave_no_trace():
    found = ring()
    found.append([piece()])
    assert (found.snapshot().segments, found.counts().bytes) == ((), 0)


@pytest.mark.parametrize("limits", [{"rows": 0}, {"bytes": 0}, {"rows": -1}])
def test_a_ring_of_nothing_is_refused(limits):
    with pytest.raises(QueryRefused, match="invalid max_"):
        RingLimits(**limits)


@given(
    st.integers(1, 300),
    st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=40),
)
def test_a_ring_is_a_deque_of_so_many_rows(rows, steps):
    """Whatever the sizes of requests are, and wherever queries look in between."""
    found, model, number = ring(rows=rows), deque(maxlen=rows), 0
    for count, looks in steps:
        found.append([piece(*range(number, number + count))])
        model.extend(range(number, number + count))
        number += count
        if looks:
            assert seen(found.snapshot()) == list(model)
    assert seen(found.snapshot()) == list(model)
    assert found.counts().rows == len(model)
