"""A file that is gone waits for the files that it may have become, and for no others."""

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.discover.moves import Moves, same_file
from tests.discover.sightings import by_path, known, seen


def moves(gone, arrived):
    found = Moves()
    found.match(gone, arrived)
    return found


def test_a_renamed_file_leaves_with_its_new_name():
    """Inode, size and time are the same; others of the size and time are not waited for."""
    found = moves([known("old", inode=8)], [seen("new", inode=8), seen("twin", inode=9)])
    assert found.gone == {"old"}
    assert found.leaving_with(["twin"]) == set()
    assert found.leaving_with(["new"]) == {"old"}


def test_a_file_moved_to_another_device_keeps_its_size_and_time():
    found = moves([known("old")], [seen("new", device=2, inode=9), seen("other", time=5)])
    assert found.leaving_with(["new"]) == {"old"}


def test_a_copy_has_the_size_at_least():
    found = moves([known("old")], [seen("new", time=5, inode=9), seen("other", size=5)])
    assert found.leaving_with(["new"]) == {"old"}


def test_a_file_that_nothing_resembles_does_not_wait():
    assert moves([known("old")], [seen("new", size=5)]).gone == frozenset()


def test_among_several_likely_places_the_last_one_decides():
    found = moves([known("old")], [seen("b", inode=9), seen("c", inode=10)])
    assert found.leaving_with(["b"]) == set()
    assert found.leaving_with(["b", "c"]) == {"old"}
    found.decide(["b"])
    assert found.leaving_with(["c"]) == {"old"}
    found.decide(["c"])
    assert found.gone == frozenset()


def test_files_renamed_in_one_go_leave_each_with_its_own():
    olds = [known(f"old{number}", inode=number) for number in range(5)]
    news = [seen(f"new{number}", inode=number) for number in range(5)]
    found = moves(olds, news)
    assert found.leaving_with(["new1", "new3"]) == {"old1", "old3"}


def test_a_place_that_vanishes_leaves_the_file_lost():
    found = moves([known("old", inode=8)], [seen("new", inode=8)])
    assert found.give_up("new") == {"old"}
    assert (found.gone, found.leaving_with(["new"])) == (frozenset(), set())
    assert found.give_up("new") == set()


def test_a_new_listing_begins_anew():
    found = moves([known("old", inode=8)], [seen("new", inode=8)])
    found.clear()
    assert (found.gone, found.leaving_with(["new"])) == (frozenset(), set())


def test_the_same_file_has_the_inode_the_size_and_the_time():
    gone = by_path(known("a", inode=1), known("b", inode=2), known("c", inode=3))
    arrived = [seen("x", inode=1), seen("y", inode=2, time=5), seen("z", inode=3, device=2)]
    assert same_file(gone, arrived) == {"a"}


_few = st.integers(1, 3)
_files = st.lists(st.tuples(_few, _few, _few), max_size=5)


@settings(max_examples=200, deadline=None)
@given(_files, _files, st.data())
def test_in_any_order_each_file_leaves_once_and_not_before_its_places(gone, arrived, data):
    """Whatever resembles what, and whatever is decided together."""
    olds = [known(f"old{n}", size=s, time=t, inode=i) for n, (s, t, i) in enumerate(gone)]
    news = [seen(f"new{n}", size=s, time=t, inode=i) for n, (s, t, i) in enumerate(arrived)]
    found = moves(olds, news)
    assert found.gone == {
        old.relative_path for old in olds if any(new.size_bytes == old.size_bytes for new in news)
    }
    left: list[str] = []
    rest = data.draw(st.permutations([new.relative_path for new in news]))
    while rest:
        step = data.draw(st.integers(1, len(rest)))
        decided, rest = rest[:step], rest[step:]
        leaving = found.leaving_with(decided)
        found.decide(decided)
        assert leaving.isdisjoint(found.gone)
        left += leaving
    assert sorted(left) == sorted({*left})
    assert found.gone == frozenset()
