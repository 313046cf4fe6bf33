"""Entries of folders that are no span file, and numbers beyond the catalog's: named, harmless."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.catalogs import indexed
from tests.support.odd_entries import (
    link_to_device,
    link_to_itself,
    link_to_nowhere,
    make_fifo,
    make_socket,
    write_deep,
)
from tests.support.permissions import bound_by_permissions
from tests.support.span_files import parquet_bytes, spans, write

pytestmark = pytest.mark.duckdb

REFUSED = "SELECT relative_path, error_type, tries FROM quarantined_files ORDER BY ALL"
FAR_TIMES = (10_413_792_000, 9_223_416_000, -11_676_096_000)
"""2300-01-01, 2262-04-12, 1600-01-01: nanoseconds in 64 bits end before, and begin after."""


def test_what_is_not_a_regular_file_is_refused_once_and_stops_nothing(tmp_path: Path) -> None:
    """However often it is looked at, and whatever passes through it."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(2))
        make_fifo(one.root / "fifo.parquet")
        make_socket(one.root / "socket.parquet")
        link_to_device(one.root / "zero.parquet")
        os.mkfifo(one.root / "pipe")
        (one.root / "pipe.parquet").symlink_to(one.root / "pipe")
        link_to_itself(one.root / "loop.parquet")
        link_to_nowhere(one.root / "dangling.parquet")
        write(one.root / "z.parquet", spans(2, trace=2))
        one.settle()
        os.utime(one.root / "fifo.parquet")
        one.pipeline.look([str(one.root / "fifo.parquet"), str(one.root / "socket.parquet")])
        one.settle()
        assert one.rows(REFUSED) == [
            (name, "NotRegularFile", 1)
            for name in ("fifo.parquet", "pipe.parquet", "socket.parquet", "zero.parquet")
        ]
        assert len(one.spans()) == 4
        assert one.pipeline.problems == ()


def test_a_file_that_takes_the_place_of_a_fifo_is_indexed(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        make_fifo(one.root / "a.parquet")
        one.settle()
        write(one.root / "a.parquet", spans(2))
        one.settle()
        assert one.rows(REFUSED) == []
        assert len(one.spans()) == 2


def test_a_fifo_that_takes_the_place_of_an_indexed_file_is_refused(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", spans(2))
        one.settle()
        path.unlink()
        make_fifo(path)
        one.settle()
        assert one.rows(REFUSED) == [("a.parquet", "NotRegularFile", 1)]
        assert one.spans() == []


def test_a_link_to_itself_in_the_place_of_an_indexed_file_is_a_removal(tmp_path: Path) -> None:
    """The system says "too many levels of links", which is not a lack of permission."""
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", spans(2))
        one.settle()
        path.unlink()
        link_to_itself(path)
        one.settle()
        assert one.spans() == []


def test_modification_times_beyond_the_catalogs_are_bounded(tmp_path: Path) -> None:
    """Of sound files and of refused ones: neither stops the transaction of the others."""
    with indexed(tmp_path) as one:
        for number, moment in enumerate(FAR_TIMES):
            sound = write(one.root / f"{number}.parquet", spans(1, trace=number + 1))
            damaged = one.root / f"damaged{number}.parquet"
            damaged.write_bytes(b"not Parquet")
            for path in (sound, damaged):
                os.utime(path, (moment, moment))
        one.settle()
        one.settle()
        assert len(one.spans()) == len(FAR_TIMES)
        assert one.rows(REFUSED) == [
            (f"damaged{number}.parquet", "FooterUnreadable", 1) for number in range(len(FAR_TIMES))
        ]
        assert one.pipeline.progress.files_registered == len(FAR_TIMES)


def test_a_file_beyond_the_longest_path_is_refused_by_name(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(2))
        folder = write_deep(one.root, 20, parquet_bytes(spans(2, trace=2)))
        one.settle()
        one.settle()
        assert one.rows(REFUSED) == [(f"{folder}/a.parquet", "PathTooLong", 1)]
        assert len(one.spans()) == 2


@pytest.mark.parametrize("mode", [0, 0o444], ids=["that cannot be listed", "of closed files"])
def test_a_surviving_copy_in_a_closed_folder_keeps_its_spans(tmp_path: Path, mode: int) -> None:
    """The removal waits, a restart changes nothing, and once the folder opens all is right."""
    with indexed(tmp_path) as one, bound_by_permissions():
        owner = write(one.root / "a" / "x.parquet", spans(3))
        (one.root / "b").mkdir()
        copy = Path(shutil.copy2(owner, one.root / "b" / "x.parquet"))
        one.settle()
        copy.parent.chmod(mode)
        owner.unlink()
        for _ in range(2):
            one.pipeline.look([str(owner)])
            one.settle()
            assert len(one.spans()) == 3
            assert any("/b" in problem for problem in one.pipeline.problems)
        copy.parent.chmod(0o755)
        one.settle()
        assert {row[2] for row in one.spans()} == {"b/x.parquet"}
        assert one.pipeline.problems == ()


def test_files_in_a_folder_that_closes_stay_in_the_index(tmp_path: Path) -> None:
    """Listed and not looked at is not a removal; it is a problem that names the folder."""
    with indexed(tmp_path) as one, bound_by_permissions():
        for number in range(2):
            write(one.root / "shut" / f"{number}.parquet", spans(1, trace=number + 1))
        one.settle()
        (one.root / "shut").chmod(0o444)
        one.settle()
        assert len(one.spans()) == 2
        assert "shut" in one.pipeline.problems[0]
        (one.root / "shut").chmod(0o755)
        one.settle()
        assert one.pipeline.problems == ()
