"""The pipeline between a folder and a catalog: what arrives when, and what is never lost."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from indexer.errors import FileUnreadable
from indexer.model import ParquetFileInfo
from indexer.system.folders import FolderContents, FolderEntry
from indexer.system.storage import LocalStorage
from tests.support.catalogs import indexed
from tests.support.span_files import Span, parquet_bytes, spans, write

pytestmark = pytest.mark.duckdb


def drain(one: object) -> None:
    one.pipeline.drain(lambda: False)  # type: ignore[attr-defined]  # an Indexed


def test_a_half_written_file_that_completes_leaves_no_error_behind(tmp_path: Path) -> None:
    """Unfinished is not refused; finished is indexed."""
    content = parquet_bytes(spans(5))
    with indexed(tmp_path) as one:
        path = one.root / "a.parquet"
        path.write_bytes(content[:100])
        one.pipeline.sweep()
        drain(one)
        assert one.rows("SELECT count(*) FROM quarantined_files") == [(0,)]
        assert one.pipeline.next_due_s() is not None
        path.write_bytes(content)
        one.pipeline.look([str(path)])
        drain(one)
        assert len(one.spans()) == 5
        assert one.rows("SELECT count(*) FROM quarantined_files") == [(0,)]


def test_a_refused_file_is_healed_when_it_changes(tmp_path: Path) -> None:
    """Nothing is recorded as failed for ever."""
    with indexed(tmp_path) as one:
        path = one.root / "a.parquet"
        path.write_bytes(b"not yet")
        one.settle()
        assert one.rows("SELECT error_type, tries FROM quarantined_files") == [
            ("FooterUnreadable", 1)
        ]
        write(path, spans(2))
        one.settle()
        assert one.rows("SELECT count(*) FROM quarantined_files") == [(0,)]
        assert len(one.spans()) == 2


def test_a_refused_file_that_goes_is_forgotten(tmp_path: Path) -> None:
    """Quarantine lists what is there."""
    with indexed(tmp_path) as one:
        (one.root / "a.parquet").write_bytes(b"no")
        one.settle()
        (one.root / "a.parquet").unlink()
        one.settle()
        assert one.rows("SELECT count(*) FROM quarantined_files") == [(0,)]


def test_a_bad_file_does_not_take_its_batch_down(tmp_path: Path) -> None:
    """Every sound file of the batch is registered."""
    with indexed(tmp_path) as one:
        for number in range(5):
            write(one.root / f"{number}.parquet", spans(2, trace=number + 1))
        (one.root / "3.parquet").write_bytes(b"PAR1 but not really PAR1")
        one.settle()
        assert len(one.spans()) == 8
        assert one.rows("SELECT relative_path FROM quarantined_files") == [("3.parquet",)]


def test_the_newest_file_of_a_backlog_is_registered_first(tmp_path: Path) -> None:
    """UnindexedSpans spans do not wait behind old ones."""
    with indexed(tmp_path, batch_files=1, read_ahead=0) as one:
        for number in range(4):
            path = write(one.root / f"{number}.parquet", spans(1, trace=number + 1))
            os.utime(path, ns=(number * 10**9, number * 10**9))
        one.settle()
        assert one.rows("SELECT relative_path FROM parquet_files ORDER BY file_id") == [
            ("3.parquet",),
            ("2.parquet",),
            ("1.parquet",),
            ("0.parquet",),
        ]


def test_a_file_that_is_written_anew_while_it_waits_for_its_commit_is_as_it_is(
    tmp_path: Path,
) -> None:
    """It was read ahead; its two contents are not of one transaction."""
    with indexed(tmp_path, batch_files=2, group_files=1) as one:
        for number in range(3):
            path = write(one.root / f"{number}.parquet", spans(1, trace=number + 1))
            os.utime(path, ns=(number * 10**9, number * 10**9))
        one.pipeline.sweep()

        def write_anew() -> None:
            if (one.root / "0.parquet").stat().st_mtime == 0:
                write(one.root / "0.parquet", spans(5, trace=1))
                one.pipeline.look([str(one.root / "0.parquet")])

        one.pipeline.drain(lambda: False, write_anew)
        counts = one.rows("SELECT relative_path, span_count FROM parquet_files ORDER BY ALL")
        assert counts == [("0.parquet", 5), ("1.parquet", 1), ("2.parquet", 1)]


def test_a_name_that_is_not_utf8_is_quarantined_and_named(tmp_path: Path) -> None:
    """It cannot be indexed, and it is not skipped in silence."""
    with indexed(tmp_path) as one:
        name = os.path.join(os.fsencode(one.root), b"caf\xe9.parquet")
        with open(name, "wb") as file:
            file.write(parquet_bytes(spans(1)))
        one.settle()
        one.settle()
        assert one.rows("SELECT relative_path, error_type, tries FROM quarantined_files") == [
            ("caf\\xe9.parquet", "PathNotUtf8", 1)
        ]


class ForbiddenStorage(LocalStorage):
    """A folder in which one file cannot be read for a while."""

    forbidden = ""

    def open(self, info: ParquetFileInfo) -> AbstractContextManager[object]:
        if info.relative_path == self.forbidden:
            raise FileUnreadable("permission denied", path=info.relative_path)
        return super().open(info)


def test_an_unreadable_file_is_retried_reported_and_healed(tmp_path: Path) -> None:
    """A transient error shows in quarantine after a few tries, and stops no retry."""
    storage = ForbiddenStorage(tmp_path / "spans")
    with indexed(tmp_path, storage=storage) as one:
        write(one.root / "a.parquet", spans(3))
        storage.forbidden = "a.parquet"
        one.settle()
        assert one.rows("SELECT error_type, transient FROM quarantined_files") == [
            ("FileUnreadable", True)
        ]
        storage.forbidden = ""
        one.settle()
        assert one.rows("SELECT count(*) FROM quarantined_files") == [(0,)]
        assert len(one.spans()) == 3


class UnmountedStorage(LocalStorage):
    """A mount point after its volume has gone: an empty folder on another device."""

    gone = False

    def list_folder(self, relative_folder: str) -> FolderContents:
        return FolderContents(entries=()) if self.gone else super().list_folder(relative_folder)

    def nearest_device(self, relative_path: str) -> int | None:
        return 1 if self.gone else super().nearest_device(relative_path)

    def stat(self, relative_path: str) -> FolderEntry | None:
        return None if self.gone else super().stat(relative_path)


def test_an_unmounted_root_removes_nothing_and_is_reported(tmp_path: Path) -> None:
    """An empty answer is not a removal, neither of a listing nor of a hint."""
    storage = UnmountedStorage(tmp_path / "spans")
    with indexed(tmp_path, storage=storage) as one:
        path = write(one.root / "a.parquet", spans(3))
        one.settle()
        storage.gone = True
        one.pipeline.sweep()
        one.pipeline.look([str(path)])
        drain(one)
        assert len(one.spans()) == 3
        assert one.pipeline.problems
        storage.gone = False
        one.pipeline.sweep()
        assert one.pipeline.problems == ()


def test_a_missing_root_removes_nothing(tmp_path: Path) -> None:
    """The root renamed away is a problem, not a deletion."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(3))
        one.settle()
        one.root.rename(tmp_path / "away")
        one.pipeline.sweep()
        assert len(one.spans()) == 3
        assert one.pipeline.problems


def test_a_link_whose_target_was_hidden_gives_way_to_it(tmp_path: Path) -> None:
    """One file has one name in the index, whatever could be seen when."""
    with indexed(tmp_path) as one:
        real = write(one.root / "hidden" / "a.parquet", spans(3))
        (one.root / "link.parquet").symlink_to(real)
        seen = LocalStorage.list_folder
        one.pipeline.storage.list_folder = lambda folder: (  # type: ignore[method-assign]  # a lost folder
            FolderContents(entries=()) if folder == "hidden" else seen(one.pipeline.storage, folder)
        )
        one.settle()
        assert one.rows("SELECT relative_path FROM parquet_files") == [("link.parquet",)]
        del one.pipeline.storage.list_folder
        one.settle()
        assert one.rows("SELECT relative_path FROM parquet_files") == [("hidden/a.parquet",)]
        assert len(one.spans()) == 3


def test_doubled_hints_read_a_file_once(tmp_path: Path) -> None:
    """A hint for bytes that are registered costs a stat."""
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", [Span()])
        for _ in range(3):
            one.pipeline.look([str(path), str(path)])
            drain(one)
        assert one.pipeline.progress.files_registered == 1


def test_a_new_folder_in_a_hint_is_looked_into(tmp_path: Path) -> None:
    """A folder moved in whole is one event and many files."""
    with indexed(tmp_path) as one:
        write(one.root / "day" / "a.parquet", spans(1))
        write(one.root / "day" / "deep" / "b.parquet", spans(1, trace=2))
        one.pipeline.look([str(one.root / "day")])
        drain(one)
        assert len(one.spans()) == 2


def test_hidden_and_working_files_are_never_indexed(tmp_path: Path) -> None:
    """Neither by a sweep nor by a hint."""
    with indexed(tmp_path) as one:
        names = (".a.parquet", "tmp/b.parquet", ".git/c.parquet", "d.parquet.tmp", "e.txt")
        paths = [write(one.root / name, spans(1)) for name in names]
        one.pipeline.look([str(path) for path in paths])
        one.settle()
        assert one.rows("SELECT count(*) FROM parquet_files") == [(0,)]
        assert one.rows("SELECT count(*) FROM quarantined_files") == [(0,)]


def test_a_surviving_copy_that_rotted_is_refused_and_stops_nothing(tmp_path: Path) -> None:
    """The removal goes on; the damaged file is named, although its size and time are as indexed."""
    with indexed(tmp_path) as one:
        owner = write(one.root / "a.parquet", spans(3))
        copy = write(one.root / "b.parquet", spans(3))
        one.settle()
        stamp = copy.stat()
        copy.write_bytes(copy.read_bytes()[:-4] + b"ROT!")
        os.utime(copy, ns=(stamp.st_mtime_ns, stamp.st_mtime_ns))
        owner.unlink()
        one.settle()
        assert one.rows("SELECT count(*) FROM span_metadata") == [(0,)]
        assert one.rows("SELECT relative_path, error_type FROM quarantined_files") == [
            ("b.parquet", "FooterUnreadable")
        ]


@pytest.mark.parametrize("batch_files", [1, 100])
def test_two_copies_that_both_rot_do_not_wait_for_each_other(
    tmp_path: Path, batch_files: int
) -> None:
    """Each holds the copy that would survive the other; once both have settled, both go."""
    with indexed(tmp_path, batch_files=batch_files) as one:
        paths = [write(one.root / name, spans(3)) for name in ("a.parquet", "b.parquet")]
        one.settle()
        for path in paths:
            path.write_bytes(b"rotten to the end")
        one.settle()
        assert one.spans() == []
        assert one.rows("SELECT relative_path, tries FROM quarantined_files ORDER BY ALL") == [
            ("a.parquet", 1),
            ("b.parquet", 1),
        ]
