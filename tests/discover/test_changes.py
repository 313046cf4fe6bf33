"""What a listing means: which files to read, and which absences are proof of a removal.

The second is where data would be lost: an empty answer from a sick volume must remove nothing.
"""

import os

from hypothesis import given
from hypothesis import strategies as st

from indexer.discover.changes import Changes, compare, is_below_any
from tests.discover.sightings import by_path, known, listed, seen
from tests.support.examples import examples


def on_device(device):
    """Every folder stands on this device; None says that not even the root exists."""
    return lambda _path: device


def paths(changes: Changes):
    return (
        [info.relative_path for info in changes.to_read],
        [info.relative_path for info in changes.relocated],
        list(changes.removed),
        [*changes.hidden, *changes.elsewhere],
    )


def test_a_new_file_is_read():
    changes = compare(listed(seen("a.parquet")), {}, {}, on_device(1))
    assert paths(changes) == (["a.parquet"], [], [], [])


def test_a_known_file_is_left_alone():
    changes = compare(listed(seen("a.parquet")), by_path(known("a.parquet")), {}, on_device(1))
    assert paths(changes) == ([], [], [], [])


def test_a_file_of_another_size_is_read_again():
    file = seen("a.parquet", size=101)
    changes = compare(listed(file), by_path(known("a.parquet")), {}, on_device(1))
    assert changes.to_read == (file,)


def test_a_file_of_another_time_is_read_again_even_if_it_is_older():
    file = seen("a.parquet", time=999)
    changes = compare(listed(file), by_path(known("a.parquet")), {}, on_device(1))
    assert changes.to_read == (file,)


def test_refused_bytes_are_not_read_again():
    file = seen("a.parquet")
    assert paths(compare(listed(file), {}, {"a.parquet": file.stamp}, on_device(1)))[0] == []


def test_a_refused_file_is_read_again_when_it_changes():
    file = seen("a.parquet", size=200)
    changes = compare(listed(file), {}, {"a.parquet": (100, 1000)}, on_device(1))
    assert changes.to_read == (file,)


def test_a_refused_name_that_is_not_utf8_is_recognised():
    """The index can only hold it escaped; reading it at every sweep would be for nothing."""
    file = seen(os.fsdecode(b"odd_\xff.parquet"))
    refused = {r"odd_\xff.parquet": file.stamp}
    assert compare(listed(file), {}, refused, on_device(1)).to_read == ()


def test_a_file_on_another_inode_is_relocated():
    file = seen("a.parquet", inode=8)
    changes = compare(listed(file), by_path(known("a.parquet")), {}, on_device(1))
    assert paths(changes) == ([], ["a.parquet"], [], [])


def test_a_file_on_another_device_is_relocated():
    file = seen("a.parquet", device=2)
    changes = compare(listed(file), by_path(known("a.parquet")), {}, on_device(2))
    assert paths(changes) == ([], ["a.parquet"], [], [])


def test_an_absent_file_is_removed():
    changes = compare(listed(), by_path(known("day/a.parquet")), {}, on_device(1))
    assert paths(changes) == ([], [], ["day/a.parquet"], [])


def test_an_absent_file_of_a_folder_that_was_not_listed_is_hidden():
    registered = by_path(
        known("shut/a.parquet"), known("shut/deep/b.parquet"), known("shut2.parquet")
    )
    changes = compare(listed(unlisted=("shut",)), registered, {}, on_device(1))
    assert changes.removed == ("shut2.parquet",)
    assert changes.hidden == ("shut/a.parquet", "shut/deep/b.parquet")


def test_nothing_is_removed_when_the_root_was_not_listed():
    registered = by_path(known("a.parquet"), known("day/b.parquet"))
    changes = compare(listed(unlisted=("",)), registered, {}, on_device(1))
    assert paths(changes) == ([], [], [], ["a.parquet", "day/b.parquet"])


def test_nothing_is_removed_when_the_root_is_missing():
    registered = by_path(known("a.parquet"))
    assert compare(listed(), registered, {}, on_device(None)).elsewhere == ("a.parquet",)


def test_an_absent_file_is_elsewhere_when_its_folder_is_on_another_device():
    """An empty mount point looks like a folder from which everything was deleted."""
    changes = compare(listed(), by_path(known("volume/a.parquet")), {}, on_device(2))
    assert paths(changes) == ([], [], [], ["volume/a.parquet"])


def test_a_device_that_was_renumbered_is_believed_when_files_of_it_are_there():
    """After a restart a network volume has another device number and the same files."""
    registered = by_path(known("a.parquet", device=1), known("gone.parquet", device=1))
    changes = compare(listed(seen("a.parquet", device=2)), registered, {}, on_device(2))
    assert paths(changes) == ([], ["a.parquet"], ["gone.parquet"], [])


def test_another_file_at_the_same_path_does_not_prove_a_renumbered_device():
    registered = by_path(known("a.parquet", device=1), known("gone.parquet", device=1))
    changes = compare(listed(seen("a.parquet", device=2, size=5)), registered, {}, on_device(2))
    assert paths(changes) == (["a.parquet"], [], [], ["gone.parquet"])


def test_each_folder_is_asked_for_its_device_once():
    asked = []
    registered = by_path(*(known(f"day/{number}.parquet") for number in range(20)))
    compare(listed(), registered, {}, lambda path: asked.append(path) or 1)
    assert len(asked) == 1


def test_a_path_is_below_a_folder_and_not_below_its_namesakes():
    assert is_below_any("a/b.parquet", ("a",))
    assert is_below_any("a/b/c.parquet", ("x", "a"))
    assert is_below_any("b.parquet", ("",))
    assert not is_below_any("ab/c.parquet", ("a",))
    assert not is_below_any("a.parquet", ("a.parquet.d",))


_folders = st.sampled_from(["", "a", "a/b", "ab", "c"])
_devices = st.integers(1, 2)


@st.composite
def _histories(draw):
    """A disk and an index that agree, disagree and miss each other in every way."""
    every = st.builds(lambda f, n: f"{f}/{n}.parquet" if f else f"{n}.parquet", _folders, _devices)
    registered = {
        path: known(path, time=draw(_devices), device=draw(_devices), inode=draw(_devices))
        for path in draw(st.sets(every))
    }
    files = [
        seen(path, time=draw(_devices), device=draw(_devices), inode=draw(_devices))
        for path in sorted(draw(st.sets(every)))
    ]
    refused = {path: (100, draw(_devices)) for path in draw(st.sets(every))}
    unlisted = tuple(draw(st.sets(_folders, max_size=2)))
    devices = {folder: draw(st.none() | _devices) for folder in ["", "a", "a/b", "ab", "c"]}
    return listed(*files, unlisted=unlisted), registered, refused, devices


@examples(60)
@given(_histories())
def test_every_known_file_is_present_or_absent_in_one_way(history):
    listing, registered, refused, devices = history
    changes = compare(listing, registered, refused, lambda path: devices[path.rpartition("/")[0]])
    present = [info.relative_path for info in listing.files if info.relative_path in registered]
    assert sorted([*present, *changes.absent]) == sorted(registered)


@examples(60)
@given(_histories())
def test_nothing_is_removed_without_proof(history):
    listing, registered, refused, devices = history
    changes = compare(listing, registered, refused, lambda path: devices[path.rpartition("/")[0]])
    blind = tuple(folder for folder, _ in listing.unlisted)
    moved_to = {(registered[info.relative_path].device, info.device) for info in changes.relocated}
    for path in changes.removed:
        device = devices[path.rpartition("/")[0]]
        assert not is_below_any(path, blind)
        assert device == registered[path].device or (registered[path].device, device) in moved_to


@examples(60)
@given(_histories())
def test_every_listed_file_is_read_relocated_refused_or_known_as_it_is(history):
    listing, registered, refused, devices = history
    changes = compare(listing, registered, refused, lambda path: devices[path.rpartition("/")[0]])
    for info in listing.files:
        old = registered.get(info.relative_path)
        same = old is not None and old.stamp == info.stamp
        expected = (
            not same and refused.get(info.relative_path) != info.stamp,
            same and (old.device, old.inode) != (info.device, info.inode),
        )
        assert (info in changes.to_read, info in changes.relocated) == expected
