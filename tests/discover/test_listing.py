"""Every data file is listed once, whatever links, work folders and odd names lie around it."""

import os
import shutil
import sys
import time
from types import SimpleNamespace

import pytest

from indexer.discover.listing import Walk, list_files, scan_parquet_files
from indexer.errors import StorageUnavailable
from indexer.system.storage import TICK_NS, LocalStorage
from tests.support.odd_entries import write_deep
from tests.support.permissions import bound_by_permissions


def touch(root, *paths):
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"PAR1")


def names(root, below=""):
    listing = list_files(LocalStorage(root), below)
    assert listing.unlisted == ()
    return [info.relative_path for info in listing.files]


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "spans"
    folder.mkdir()
    return folder


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


class Unlistable(LocalStorage):
    """A storage that refuses chosen folders, as missing permissions do to all but the root user."""

    refused = frozenset()

    def list_folder(self, relative_folder):
        if relative_folder in self.refused:
            raise StorageUnavailable("cannot list: Permission denied", path=relative_folder)
        return super().list_folder(relative_folder)


class Vanishing(LocalStorage):
    """A storage in which somebody deletes a folder just before it is listed."""

    victim = ""

    def list_folder(self, relative_folder):
        if relative_folder == self.victim:
            shutil.rmtree(self.absolute(relative_folder))
        return super().list_folder(relative_folder)


def test_files_are_listed_in_order_of_their_path(root):
    touch(root, "b/2.parquet", "a.parquet", "b/1.parquet", "b/c/d/0.parquet")
    assert names(root) == ["a.parquet", "b/1.parquet", "b/2.parquet", "b/c/d/0.parquet"]


def test_a_listed_file_says_what_the_file_system_says(root):
    touch(root, "day/a.parquet")
    status = os.stat(root / "day" / "a.parquet")
    (info,) = list_files(LocalStorage(root)).files
    assert info.path == str(root / "day" / "a.parquet")
    assert info.stamp == (4, status.st_mtime_ns)
    assert (info.device, info.inode) == (status.st_dev, status.st_ino)


@pytest.mark.parametrize(
    "path",
    [
        ".hidden.parquet",
        ".staging/a.parquet",
        "day/.staging/deep/a.parquet",
        "tmp/a.parquet",
        "day/tmp/a.parquet",
        "_metadata.parquet",
        "_temporary/0/a.parquet",
        "day/_delta_log/00000000000000000010.checkpoint.parquet",
        "a.parquet.tmp",
        "a.parquet.crc",
        "a.PARQUET",
        "parquet",
        "notes.txt",
    ],
)
def test_what_is_no_data_file_is_not_listed(root, path):
    touch(root, path, "real.parquet")
    assert names(root) == ["real.parquet"]


@pytest.mark.parametrize(
    "path",
    ["a.parquet", "tmp.parquet", "day=1/tmp2/a.parquet", "a b/ü.parquet", "a_/b_c.parquet"],
)
def test_names_that_only_resemble_work_in_progress_are_listed(root, path):
    touch(root, path)
    assert names(root) == [path]


def test_a_folder_named_like_a_file_is_a_folder(root):
    touch(root, "odd.parquet/a.parquet")
    assert names(root) == ["odd.parquet/a.parquet"]


def test_a_link_and_its_target_below_the_root_are_one_file(root):
    touch(root, "z/real.parquet")
    (root / "a_link.parquet").symlink_to(root / "z" / "real.parquet")
    assert names(root) == ["z/real.parquet"]


def test_two_links_to_one_file_outside_are_the_smaller_path(root, outside):
    touch(outside, "real.parquet")
    (root / "b.parquet").symlink_to(outside / "real.parquet")
    (root / "a.parquet").symlink_to(outside / "real.parquet")
    assert names(root) == ["a.parquet"]


def test_a_link_has_the_size_and_time_of_its_target(root, outside):
    (outside / "real.parquet").write_bytes(b"x" * 1234)
    (root / "a.parquet").symlink_to(outside / "real.parquet")
    (info,) = list_files(LocalStorage(root)).files
    assert info.stamp == (1234, os.stat(outside / "real.parquet").st_mtime_ns)


def test_a_linked_folder_outside_is_listed_under_the_link(root, outside):
    touch(outside, "day/real.parquet")
    (root / "link").symlink_to(outside)
    assert names(root) == ["link/day/real.parquet"]


def test_two_links_to_one_folder_are_the_smaller_path(root, outside):
    touch(outside, "real.parquet")
    (root / "b").symlink_to(outside)
    (root / "a").symlink_to(outside)
    assert names(root) == ["a/real.parquet"]


def test_a_link_to_a_folder_below_the_root_adds_nothing(root):
    touch(root, "z/real.parquet")
    (root / "a").symlink_to(root / "z")
    assert names(root) == ["z/real.parquet"]


def test_a_loop_of_links_ends(root, outside):
    touch(root, "day/a.parquet")
    touch(outside, "b.parquet")
    (root / "day" / "up").symlink_to(root)
    (root / "day" / "out").symlink_to(outside)
    (outside / "back").symlink_to(root / "day")
    (root / "self").symlink_to(root / "self")
    assert names(root) == ["day/a.parquet", "day/out/b.parquet"]


def test_a_link_to_a_folder_above_the_root_ends(root, outside):
    touch(root, "a.parquet")
    touch(outside, "b.parquet")
    (root / "up").symlink_to(root.parent)
    assert names(root) == ["a.parquet", "up/elsewhere/b.parquet"]


def test_a_dangling_link_is_no_file(root):
    (root / "a.parquet").symlink_to(root / "nowhere.parquet")
    assert names(root) == []


def test_a_root_that_is_a_link_is_followed(root, tmp_path):
    touch(root, "a.parquet")
    link = tmp_path / "link"
    link.symlink_to(root)
    (info,) = list_files(LocalStorage(link)).files
    assert info.path == str(link / "a.parquet")


def test_only_the_folder_asked_for_is_listed(root):
    touch(root, "day=1/a.parquet", "day=2/b.parquet", "c.parquet")
    assert names(root, "day=1") == ["day=1/a.parquet"]


def test_a_folder_that_cannot_be_listed_is_reported_and_the_rest_listed(root):
    touch(root, "shut/deep/a.parquet", "open/b.parquet")
    storage = Unlistable(root)
    storage.refused = frozenset({"shut/deep"})
    listing = list_files(storage)
    assert [info.relative_path for info in listing.files] == ["open/b.parquet"]
    assert listing.unlisted == (("shut/deep", "cannot list: Permission denied"),)


def closed(root, *paths):
    """Folders that can be listed, and whose files cannot be looked at."""
    for path in paths:
        (root / path).chmod(0o444)


def test_files_that_cannot_be_looked_at_are_one_problem_of_their_folder(root):
    touch(root, "shut/a.parquet", "shut/b.parquet", "shut/notes.txt", "open/c.parquet")
    closed(root, "shut")
    with bound_by_permissions():
        listing = list_files(LocalStorage(root))
    assert [info.relative_path for info in listing.files] == ["open/c.parquet"]
    reason = f"cannot look at {root}/shut/a.parquet and 1 more names beside it: Permission denied"
    assert listing.unlisted == (("shut", reason),)


def test_one_file_that_cannot_be_looked_at_is_a_problem_of_its_own(root):
    touch(root, "shut/a.parquet", "shut/notes.txt")
    closed(root, "shut")
    with bound_by_permissions():
        listing = list_files(LocalStorage(root))
    assert [path for path, _ in listing.unlisted] == ["shut/a.parquet"]


def test_what_is_no_data_is_no_problem_in_a_closed_folder(root):
    touch(root, "shut/notes.txt", "shut/.hidden.parquet")
    closed(root, "shut")
    with bound_by_permissions():
        assert list_files(LocalStorage(root)).unlisted == ()


def test_a_folder_that_cannot_be_looked_at_is_a_problem(root):
    """What lies in it may be spans."""
    touch(root, "shut/inside/a.parquet")
    closed(root, "shut")
    with bound_by_permissions():
        assert [path for path, _ in list_files(LocalStorage(root)).unlisted] == ["shut/inside"]


def test_files_beyond_the_longest_path_are_listed(root):
    """They are refused later, by name; unlisted they would be lost in silence."""
    write_deep(root, 20, b"PAR1")
    touch(root, "a.parquet")
    assert [len(name) for name in names(root)] == [9, 4429]


def test_folders_without_an_end_are_named_as_a_problem(root):
    write_deep(root, 80, b"PAR1")
    listing = list_files(LocalStorage(root))
    ((folder, reason),) = listing.unlisted
    assert (listing.files, len(folder)) == ((), 75 * 221 - 1)
    assert "16,574 bytes below the root, the limit is 16,384" in reason


class Moving(LocalStorage):
    """A storage in which somebody moves a file once a folder was listed."""

    def __init__(self, root, moves):
        super().__init__(root)
        self._moves = moves

    def list_folder(self, relative_folder):
        contents = super().list_folder(relative_folder)
        if relative_folder in self._moves:
            source, target = self._moves.pop(relative_folder)
            os.rename(self.absolute(source), self.absolute(target))
        return contents


def old(root):
    """Nothing in the folders has changed for a while."""
    for folder, _, _ in os.walk(root):
        os.utime(folder, (1, 1))


def test_a_file_that_moves_into_a_folder_that_was_listed_is_found(root):
    """It was in neither listing, and would have left the index as if it were gone."""
    touch(root, "a/1.parquet", "b/2.parquet", "c.parquet")
    old(root)
    walk = Walk(Moving(root, {"": ("c.parquet", "d.parquet"), "b": ("a/1.parquet", "b/1.parquet")}))
    lists = walk.listing()
    assert walk.settle()
    assert [info.relative_path for info in walk.listing().files] == [
        "b/1.parquet",
        "b/2.parquet",
        "d.parquet",
    ]
    assert "d.parquet" not in [info.relative_path for info in lists.files]


class Counting(LocalStorage):
    listed = ()

    def list_folder(self, relative_folder):
        self.listed += (relative_folder,)
        return super().list_folder(relative_folder)


def test_folders_in_which_nothing_changes_are_listed_once(root):
    touch(root, "a/1.parquet")
    old(root)
    storage = Counting(root)
    walk = Walk(storage)
    walk.listing()
    assert walk.settle()
    assert [info.relative_path for info in walk.listing().files] == ["a/1.parquet"]
    assert storage.listed == ("", "a")


def test_a_folder_that_changed_just_before_is_listed_until_the_next_tick(root, monkeypatch):
    """Another change in the same tick of the clock would leave the same time."""
    touch(root, "a/1.parquet")
    old(root)
    at = 1_795_000_000_000_000_000
    os.utime(root / "a", ns=(at, at))
    storage, now = Counting(root), iter([at, at, at + TICK_NS - 1, at + TICK_NS])
    clock = SimpleNamespace(time_ns=lambda: next(now))  # other threads keep theirs
    monkeypatch.setattr("indexer.system.storage.time", clock)
    walk = Walk(storage)
    walk.listing()
    assert walk.settle()
    assert storage.listed == ("", "a", "a", "a")


def test_a_folder_that_never_comes_to_rest_is_said_to(root):
    class Restless(LocalStorage):
        def list_folder(self, relative_folder):
            contents = super().list_folder(relative_folder)
            touch(root, f"{time.time_ns()}.parquet")
            return contents

    walk = Walk(Restless(root))
    walk.listing()
    assert not walk.settle()


def test_a_folder_that_vanishes_meanwhile_is_no_failure(root):
    touch(root, "gone/a.parquet", "b.parquet")
    storage = Vanishing(root)
    storage.victim = "gone"
    listing = list_files(storage)
    assert ([info.relative_path for info in listing.files], listing.unlisted) == (["b.parquet"], ())


def test_a_missing_root_is_reported(root):
    root.rmdir()
    listing = list_files(LocalStorage(root))
    ((folder, reason),) = listing.unlisted
    assert (listing.files, folder) == ((), "")
    assert str(root) in reason


def test_a_root_that_is_a_file_is_reported(root):
    root.rmdir()
    root.write_bytes(b"")
    assert [folder for folder, _ in list_files(LocalStorage(root)).unlisted] == [""]


def test_a_protected_file_is_not_listed_under_any_name(root):
    touch(root, "catalog.parquet", "a.parquet")
    (root / "link.parquet").symlink_to(root / "catalog.parquet")
    os.link(root / "catalog.parquet", root / "hard.parquet")
    status = os.stat(root / "catalog.parquet")
    storage = LocalStorage(root)
    storage.protected = frozenset({(status.st_dev, status.st_ino)})
    assert [info.relative_path for info in list_files(storage).files] == ["a.parquet"]


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
def test_a_name_that_is_not_utf8_is_listed(root):
    """It is refused later, with a reason; an unlisted file would be lost in silence."""
    touch(root, os.fsdecode(b"odd_\xff.parquet"), "a.parquet")
    assert [os.fsencode(name) for name in names(root)] == [b"a.parquet", b"odd_\xff.parquet"]


def test_the_plain_scan_gives_the_files(root):
    touch(root, "b.parquet", "a.parquet")
    found = scan_parquet_files(str(root))
    assert [info.relative_path for info in found] == ["a.parquet", "b.parquet"]


def test_the_plain_scan_refuses_to_answer_for_a_missing_root(root):
    root.rmdir()
    with pytest.raises(StorageUnavailable, match="cannot list"):
        scan_parquet_files(str(root))
