"""A query sees one moment of all rings until it ends, and may keep so many bytes for that."""

import pytest

from indexer.errors import QueryRefused, SnapshotEvicted
from indexer.live.snapshots import Snapshots
from tests.live.rings import piece, ring, seen

FIRST, SECOND = (1, 1), (2, 1)
"""Two queries of two connections."""


def snapshots(rows=10, pinned_bytes_max=1 << 30):
    return Snapshots({"a": ring(rows), "b": ring(rows)}, pinned_bytes_max=pinned_bytes_max)


def begin(found, lease, query, name="a"):
    found.open_lease(lease)
    return seen(found.begin(lease, query, name))


def test_all_places_of_a_query_see_one_moment_of_all_rings():
    found = snapshots()
    found.append("a", [piece(1)])
    assert begin(found, 1, FIRST) == [1]
    found.append("a", [piece(2)])
    found.append("b", [piece(3)])
    assert begin(found, 2, FIRST) == [1]
    assert begin(found, 3, FIRST, "b") == []
    assert begin(found, 4, SECOND) == [1, 2]


def test_a_query_is_over_when_its_last_lease_is():
    found = snapshots()
    begin(found, 1, FIRST)
    begin(found, 2, FIRST)
    found.release_lease(1)
    assert found.counts()[1].queries == 1
    found.release_lease(2)
    assert found.counts()[1].queries == 0


def test_a_query_between_one_place_and_the_next_keeps_its_snapshot():
    """A recursive query opens the next lease before it lets go of the last one."""
    found = snapshots()
    found.append("a", [piece(1)])
    begin(found, 1, FIRST)
    found.open_lease(2)
    found.release_lease(1)
    found.append("a", [piece(2)])
    assert seen(found.begin(2, FIRST, "a")) == [1]


def test_what_has_left_the_ring_and_a_query_keeps_is_pinned_until_it_ends():
    found = snapshots(rows=2)
    found.append("a", [piece(1, size_bytes=1000), piece(2, size_bytes=1000)])
    begin(found, 1, FIRST)
    assert found.counts()[1].pinned_bytes == 0
    found.append("a", [piece(3, size_bytes=1000)])
    assert 1000 <= found.counts()[1].pinned_bytes < 2000
    begin(found, 2, SECOND)
    found.append("a", [piece(4), piece(5)])
    assert 3000 <= found.counts()[1].pinned_bytes < 4000  # counted once, though both have some
    found.release_lease(1)
    found.release_lease(2)
    assert found.counts()[1].pinned_bytes == 0


def test_beyond_the_limit_the_oldest_query_ends_with_an_error_and_the_next_one_does_not():
    found = snapshots(rows=2, pinned_bytes_max=2500)
    found.append("a", [piece(1, size_bytes=1000), piece(2, size_bytes=1000)])
    begin(found, 1, FIRST)
    found.append("a", [piece(3, size_bytes=1000)])
    begin(found, 2, SECOND)
    found.append("a", [piece(4), piece(5)])
    with pytest.raises(SnapshotEvicted, match="more than 2500 bytes"):
        found.read(1, "a")
    assert seen(found.read(2, "a")) == [2, 3]
    counts = found.counts()[1]
    assert (counts.expired_queries, counts.pinned_bytes < 2500) == (1, True)


def test_a_query_goes_on_when_the_schema_is_closed_and_no_other_begins():
    found = snapshots()
    found.append("a", [piece(1)])
    begin(found, 1, FIRST)
    found.close()
    found.append("a", [piece(2)])
    assert begin(found, 2, FIRST) == [1]
    with pytest.raises(QueryRefused, match="detached"):
        begin(found, 3, SECOND)


def test_a_lease_that_never_began_is_no_query():
    found = snapshots()
    with pytest.raises(QueryRefused, match="outside of a query"):
        found.read(1, "a")


def test_a_ring_that_is_removed_is_seen_to_the_end_by_those_who_saw_it():
    found = snapshots()
    found.append("a", [piece(1)])
    begin(found, 1, FIRST)
    found.remove("a")
    assert seen(found.read(1, "a")) == [1]
    found.add("c", ring())
    with pytest.raises(QueryRefused, match="made after the query began"):
        found.begin(1, FIRST, "c")
    with pytest.raises(QueryRefused, match="no ring a"):
        found.append("a", [piece(2)])
