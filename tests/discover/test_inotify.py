"""Events of the kernel lead to every file, whatever is moved, linked, shut or named how."""

import os
from contextlib import closing

import pytest

from indexer.discover.inotify import EventsOverflowed, FolderEvents


@pytest.fixture
def root(tmp_path):
    (tmp_path / "spans" / "a" / "b").mkdir(parents=True)
    return tmp_path / "spans"


@pytest.fixture
def events(root):
    with closing(FolderEvents(str(root))) as events:
        yield events


def heard(events, path):
    """Whether writing the file is heard of."""
    events.read()
    path.write_bytes(b"")
    return str(path) in events.read()


def test_nothing_is_said_while_nothing_happens(events):
    assert events.read() == set()


def test_files_in_every_folder_are_heard_of(events, root):
    for folder in (root, root / "a", root / "a" / "b"):
        assert heard(events, folder / "x.parquet")


def test_new_folders_are_followed_however_deep(events, root):
    (root / "new" / "deep").mkdir(parents=True)
    assert str(root / "new") in events.read()
    assert heard(events, root / "new" / "x.parquet")
    assert heard(events, root / "new" / "deep" / "x.parquet")


def test_a_folder_that_moves_is_followed_by_its_new_path_alone(events, root, tmp_path):
    (root / "a").rename(root / "moved")
    assert {str(root / "a"), str(root / "moved")} <= events.read()
    assert heard(events, root / "moved" / "b" / "x.parquet")
    (root / "moved").rename(tmp_path / "outside")
    events.read()
    (tmp_path / "outside" / "b" / "y.parquet").write_bytes(b"")
    assert events.read() == set()


def test_a_removed_folder_that_comes_back_is_followed(events, root):
    (root / "a" / "b").rmdir()
    events.read()
    (root / "a" / "b").mkdir()
    events.read()
    assert heard(events, root / "a" / "b" / "x.parquet")


def test_links_to_folders_are_followed_and_do_not_lead_round_in_circles(root, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (root / "link").symlink_to(tmp_path / "elsewhere")
    (root / "a" / "up").symlink_to(root)
    with closing(FolderEvents(str(root))) as events:
        (tmp_path / "elsewhere" / "x.parquet").write_bytes(b"")
        assert str(root / "link" / "x.parquet") in events.read()


def test_names_are_bytes(events, root):
    odd = os.fsencode(root) + b"/\xe9"
    os.mkdir(odd)
    events.read()
    os.mknod(odd + b"/\xff.parquet")
    assert events.read() == {os.fsdecode(odd + b"/\xff.parquet")}


def test_a_missing_root_cannot_be_watched(tmp_path):
    with pytest.raises(FileNotFoundError):
        FolderEvents(str(tmp_path / "missing"))


def test_what_the_kernel_has_dropped_is_said(events, monkeypatch):
    lost = b"\xff\xff\xff\xff" + (0x4000).to_bytes(4, "little") + bytes(8)
    monkeypatch.setattr("os.read", lambda *_: lost)
    with pytest.raises(EventsOverflowed):
        events.read()
