"""A count is told of a process that lives, on this kernel, and of what was asked; or nothing is."""

from __future__ import annotations

import errno
import os
from contextlib import closing
from pathlib import Path

import pytest

from indexer.system import change_count as module
from indexer.system.change_count import LABEL_BYTES_MAX, ChangeCounter, change_count


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "changes"


def test_each_change_is_another_number(path: Path) -> None:
    with closing(ChangeCounter(path, "a log")) as counter:
        found = [change_count(path, "a log")]
        for _ in range(3):
            counter.advance()
            found += [change_count(path, "a log")] * 2
        assert found == sorted(found)
        assert len(set(found)) == 4


def test_a_process_that_begins_anew_counts_on(path: Path) -> None:
    """So that nobody takes its first state for the last one of the process before."""
    with closing(ChangeCounter(path, "a log")):
        before = change_count(path, "a log")
    with closing(ChangeCounter(path, "a log")):
        assert change_count(path, "a log") != before


def test_nothing_is_told_of_a_process_that_is_gone(path: Path) -> None:
    ChangeCounter(path, "a log").close()
    assert path.exists()
    assert change_count(path, "a log") is None


def test_nothing_is_told_of_something_else(path: Path) -> None:
    with closing(ChangeCounter(path, "a log")):
        assert change_count(path, "another log") is None


def test_nothing_is_told_by_another_kernel(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a volume of the network, whose cache there may be older."""
    with closing(ChangeCounter(path, "a log")):
        monkeypatch.setattr(module, "_boot_id", lambda: "another")
        assert change_count(path, "a log") is None


@pytest.mark.parametrize(
    "make",
    [
        lambda _: None,
        lambda path: path.write_bytes(b""),
        lambda path: path.mkdir(),
        os.mkfifo,
    ],
    ids=["nothing", "empty", "folder", "pipe"],
)
def test_nothing_is_told_where_there_is_no_counter(path: Path, make) -> None:
    make(path)
    assert change_count(path, "a log") is None


def test_looking_does_not_end_the_counting(path: Path) -> None:
    """Closing a file drops other kinds of locks on it."""
    with closing(ChangeCounter(path, "a log")):
        assert change_count(path, "a log") == change_count(path, "a log") is not None


def test_a_second_counter_of_the_file_is_refused(path: Path) -> None:
    with closing(ChangeCounter(path, "a log")) as first:
        with pytest.raises(OSError):
            ChangeCounter(path, "a log")
        first.advance()
        assert change_count(path, "a log") is not None


def test_a_system_without_such_locks_tells_nothing_and_counts_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bytes:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(module.fcntl, "fcntl", refuse)
    with closing(ChangeCounter(path, "a log")) as counter:
        counter.advance()
        assert change_count(path, "a log") is None


def test_what_is_counted_has_a_bounded_name(path: Path) -> None:
    with pytest.raises(ValueError, match="too long"):
        ChangeCounter(path, "x" * LABEL_BYTES_MAX)
