"""A file that ends the process ends it once: then it is tried in a child, and refused."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest

from indexer.index import crash_notes
from indexer.index.crash_notes import CrashNotes, notes_folder, read_alone
from indexer.index.oneshot import until_settled
from indexer.index.reindex import run_once
from indexer.model import ParquetFileInfo
from indexer.read import group
from indexer.settings import Settings
from indexer.system.storage import LocalStorage
from tests.support.catalogs import indexed
from tests.support.fake_clock import FakeClock
from tests.support.processes import REPOSITORY
from tests.support.span_files import spans, write

BAD = "bad.parquet"
DIE = (
    "import sys; from tests.index.test_crash_notes import index_and_die; index_and_die(sys.argv[1])"
)


def index_and_die(folder: str) -> None:
    """Index with a decoder that ends the process on one file, as a fault in a C++ library does."""
    read_file = group.read_file

    def deadly(storage: LocalStorage, info: ParquetFileInfo, **options: Any) -> Any:
        if info.relative_path == BAD:
            os._exit(9)
        return read_file(storage, info, **options)

    group.read_file = deadly
    _index(Path(folder))


def deadly_trial(root: str, info: ParquetFileInfo, rows_max: int) -> None:
    """What a child meets that reads the file with that decoder."""
    if info.relative_path == BAD:
        os._exit(9)
    read_alone(root, info, rows_max)


def _index(folder: Path) -> None:
    settings = Settings(
        storage_path=folder / "spans", catalog_path=folder / "index.duckdb", settle_s=1.0
    )
    run_once(settings, FakeClock(), lambda: False, lambda _: None)


def test_the_second_process_that_dies_of_a_file_is_a_child_and_the_last(tmp_path, monkeypatch):
    """Its neighbours in the group are indexed, and cost no more than a trial each."""
    write(tmp_path / "spans" / BAD, spans(2, trace=9))
    for number in range(3):
        write(tmp_path / "spans" / f"{number}.parquet", spans(2, trace=number + 1))
    dead = subprocess.run([sys.executable, "-c", DIE, tmp_path], cwd=REPOSITORY, check=False)
    assert dead.returncode == 9
    monkeypatch.setattr(crash_notes, "read_alone", deadly_trial)
    _index(tmp_path)
    with duckdb.connect(str(tmp_path / "index.duckdb"), read_only=True) as catalog:
        refused = catalog.execute("SELECT relative_path, error_type FROM quarantined_files")
        assert refused.fetchall() == [(BAD, "FileEndsProcess")]
        assert catalog.execute("SELECT count(*) FROM parquet_files").fetchall() == [(3,)]


class Child:
    """Stands for the process: it dies of the bad file, and keeps what it was given."""

    tried: ClassVar[list[str]] = []

    def run_once(self, trial: object, root: str, info: ParquetFileInfo, rows_max: int) -> None:
        self.tried.append(info.relative_path)
        if info.relative_path == BAD:
            raise BrokenProcessPool

    def close(self) -> None:
        pass


@pytest.fixture
def tried(monkeypatch) -> list[str]:
    """The files that were tried."""
    monkeypatch.setattr(crash_notes, "ChildProcess", Child)
    monkeypatch.setattr(Child, "tried", [])
    return Child.tried


def _info(name: str, size: int = 1) -> ParquetFileInfo:
    return ParquetFileInfo(
        path=name, relative_path=name, size_bytes=size, modified_unix_nano=5, device=1, inode=1
    )


def _left_by_a_death(folder: Path, *infos: ParquetFileInfo) -> CrashNotes:
    """The notes of a process that starts after one that died with these files in hand."""
    with closing(CrashNotes(folder)) as before, before.reading(infos):
        return CrashNotes(folder)


def test_only_files_in_hand_at_the_death_are_tried_and_each_once(tmp_path, tried):
    notes = _left_by_a_death(tmp_path / "notes", _info("a"), _info(BAD))
    seen = [_info("a"), _info("b"), _info(BAD)]
    assert list(notes.deadly(seen)) == [BAD]
    assert tried == ["a", BAD]
    assert not notes.deadly([_info("a")])
    assert tried == ["a", BAD]


def test_a_file_that_was_written_again_is_not_tried(tmp_path, tried):
    notes = _left_by_a_death(tmp_path / "notes", _info(BAD))
    assert not notes.deadly([_info(BAD, size=2)])
    assert not tried


def test_files_that_were_read_are_not_in_hand(tmp_path, tried):
    with closing(CrashNotes(tmp_path / "notes")) as notes:
        with notes.reading([_info(BAD)]):
            pass
        with pytest.raises(ZeroDivisionError), notes.reading([_info(BAD)]):
            raise ZeroDivisionError
        assert not CrashNotes(tmp_path / "notes").deadly([_info(BAD)])
    assert not tried


def test_a_note_that_was_cut_names_nobody(tmp_path, tried):
    (tmp_path / "0").write_text('[["bad.par')
    assert not CrashNotes(tmp_path).deadly([_info(BAD)])
    assert not tried


def test_no_place_for_a_note_keeps_nobody_from_reading(tmp_path):
    notes = CrashNotes(tmp_path / "notes")
    (tmp_path / "notes").rmdir()
    read = []
    with closing(notes), notes.reading([_info("a")]):
        read.append("a")
    assert read == ["a"]
    assert not (tmp_path / "notes").exists()


def test_a_file_that_ends_the_second_pass_stays_in_the_index_without_attributes(tmp_path, tried):
    with indexed(tmp_path, keys=("error.type",)) as one:
        for name in ("a.parquet", BAD):
            write(one.root / name, spans(2, trace=len(name), attributes='{"error.type":"x"}'))
        one.pipeline.sweep()
        one.pipeline.drain(lambda: False)
        notes = notes_folder(tmp_path / "index.duckdb")
        suspects = [one.pipeline.storage.stat(BAD).info]
        one.pipeline.promotion._notes = _left_by_a_death(notes, *suspects)
        until_settled(one.pipeline, lambda: False)
        assert tried == [BAD]
        assert not one.pipeline.register.unpromoted
        assert (
            one.rows("SELECT relative_path FROM span_attributes JOIN parquet_files USING (file_id)")
            == [("a.parquet",)] * 2
        )
