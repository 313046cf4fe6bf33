"""What is made is durable with its name, has its mode whatever the umask, or is not there at all."""

import fcntl
import os
import stat
import subprocess
import sys

import pytest

from indexer.system import durable_files
from indexer.system.durable_files import (
    create_private,
    make_folder,
    make_private_folder,
    open_private,
    replacing,
    sync_file,
)
from indexer.system.permissions import FileModes

UMASKS = [0o000, 0o022, 0o077, 0o277]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def synced(monkeypatch):
    """Folders in the order in which they are synced."""
    found = []
    monkeypatch.setattr(durable_files, "sync_folder", found.append)
    return found


def test_each_new_folder_is_synced_in_the_one_above(tmp_path, synced):
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert synced[-2:] == [tmp_path, tmp_path / "a"]


def test_where_fsync_leaves_data_in_the_drive_the_stronger_call_is_made(tmp_path, monkeypatch):
    """F_FULLFSYNC of macOS; a file system that refuses it is synced as elsewhere."""
    calls = []

    def full(descriptor, command):
        calls.append(command)
        if len(calls) > 1:
            raise OSError

    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", full)
    monkeypatch.setattr(os, "fsync", lambda _: calls.append("fsync"))
    for _ in range(2):
        sync_file(tmp_path)
    assert calls == [51, 51, "fsync"]


def test_a_folder_that_a_killed_process_made_is_synced(tmp_path, synced):
    """It may have been killed between the two calls."""
    (tmp_path / "a").mkdir()
    make_folder(tmp_path / "a")
    assert synced == [tmp_path]


def test_above_somebody_elses_folder_nothing_need_be_read(tmp_path, monkeypatch):
    def refused(_):
        raise PermissionError

    monkeypatch.setattr(durable_files, "sync_folder", refused)
    make_folder(tmp_path)
    with pytest.raises(PermissionError):
        make_folder(tmp_path / "new")


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path):
    (tmp_path / "a").write_text("mine")
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "mine"


MAKES = """
import os, sys
from pathlib import Path
from indexer.system.durable_files import *
from indexer.system.permissions import FileModes
folder = Path(sys.argv[1])
os.umask(int(sys.argv[2], 8))
make_folder(folder / "shared" / "inner")
make_folder(folder / "wider", FileModes.of(0o664))
make_private_folder(folder / "shared" / "private")
create_private(folder / "private")
os.close(open_private(folder / "lock"))
with replacing(folder / "file", folder / ".file.tmp", 0o640) as file:
    file.write(b"content")
assert os.umask(0) == int(sys.argv[2], 8)
"""


@pytest.mark.parametrize("umask", UMASKS, ids=oct)
def test_the_umask_changes_no_mode(tmp_path, umask):
    subprocess.run([sys.executable, "-c", MAKES, tmp_path, f"{umask:o}"], check=True)
    assert {str(path.relative_to(tmp_path)): oct(mode(path)) for path in tmp_path.rglob("*")} == {
        "shared": "0o750",
        "shared/inner": "0o750",
        "shared/private": "0o700",
        "wider": "0o775",
        "private": "0o600",
        "lock": "0o600",
        "file": "0o640",
    }


def test_a_folder_that_is_there_keeps_its_mode(tmp_path):
    """The storage root and its folders are the operator's."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o777)
    make_folder(tmp_path / "a" / "b")
    assert mode(tmp_path / "a") == 0o777


def test_a_private_folder_of_an_older_version_is_closed_to_others(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o755)
    make_private_folder(tmp_path / "a")
    assert mode(tmp_path / "a") == 0o700


def test_a_group_is_handed_on_to_what_is_made_inside(tmp_path):
    """Set-group-ID of a folder is how an ingestion and an indexer of two users share a group."""
    tmp_path.chmod(0o2770)
    make_folder(tmp_path / "a" / "b", FileModes())
    assert mode(tmp_path / "a" / "b") == 0o2750


def test_a_private_file_that_is_there_is_restricted_and_keeps_its_content(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text("content")
        (tmp_path / name).chmod(0o666)
    create_private(tmp_path / "a")
    os.close(open_private(tmp_path / "b"))
    assert {(mode(path), path.read_text()) for path in tmp_path.iterdir()} == {(0o600, "content")}


def test_nothing_stays_of_a_file_whose_writing_failed(tmp_path):
    (tmp_path / "file").write_text("old")

    def fail():
        with replacing(tmp_path / "file", tmp_path / ".file.tmp", 0o640) as file:
            file.write(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_a_temporary_file_of_a_killed_process_is_not_written_into(tmp_path):
    """Somebody may have it open, with the mode that it had."""
    left = tmp_path / ".file.tmp"
    left.write_text("left")
    left.chmod(0o666)
    with left.open() as reader, replacing(tmp_path / "file", left, 0o640) as file:
        file.write(b"new")
        assert reader.read() == "left"
    assert (tmp_path / "file").read_text() == "new"
    assert mode(tmp_path / "file") == 0o640
