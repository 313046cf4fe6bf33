"""Modes are given to what is ours and to nothing else, and a setting cannot open a file to all."""

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.system.permissions import FileModes, restrict, set_mode


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


@given(st.integers(0, 0o7777))
def test_a_mode_of_files_makes_a_folder_that_just_their_readers_enter(file):
    if file & 0o600 != 0o600 or file & 0o7113:
        with pytest.raises(ValueError, match=f"{file:04o}"):
            FileModes.of(file)
        return
    for shift in (0, 3, 6):
        may = FileModes.of(file).folder >> shift & 7
        assert may & 6 == file >> shift & 6
        assert bool(may & 1) == bool(may & 4)


@pytest.mark.parametrize("file", [0o600, 0o640, 0o644, 0o660, 0o664])
def test_usual_modes_are_valid(file):
    assert FileModes.of(file).file == file


def test_the_usual_modes_share_with_the_group_alone():
    assert FileModes.of(0o640) == FileModes()


def test_what_is_narrower_stays_so(tmp_path):
    path = tmp_path / "a"
    path.write_text("")
    path.chmod(0o400)
    restrict([path, tmp_path / "missing", path / "below"], 0o640)
    assert mode(path) == 0o400
    path.chmod(0o646)
    restrict([path], 0o640)
    assert mode(path) == 0o640


def test_a_link_is_not_followed(tmp_path):
    path = tmp_path / "a"
    path.write_text("")
    path.chmod(0o666)
    (tmp_path / "link").symlink_to(path)
    restrict([tmp_path / "link"], 0o600)
    assert mode(path) == 0o666


def test_what_belongs_to_somebody_else_stays_as_it_is(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_text("")
    path.chmod(0o666)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    restrict([path], 0o600)
    set_mode(path, 0o600)
    assert mode(path) == 0o666


@pytest.mark.parametrize("number", [1, 95], ids=["EPERM", "EOPNOTSUPP"])
def test_a_file_system_without_modes_keeps_those_of_its_mount(tmp_path, monkeypatch, number):
    def refused(*_):
        raise OSError(number, "refused")

    path = tmp_path / "a"
    path.write_text("")
    path.chmod(0o666)
    monkeypatch.setattr(os, "chmod", refused)
    set_mode(path, 0o600)
    restrict([path], 0o600)


def test_any_other_refusal_is_raised(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(30, "Read-only file system")

    path = tmp_path / "a"
    path.write_text("")
    path.chmod(0o666)
    monkeypatch.setattr(os, "chmod", refused)
    with pytest.raises(OSError, match="Read-only"):
        set_mode(path, 0o600)
