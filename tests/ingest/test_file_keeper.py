"""The list of unconfirmed files has an end that says what it cost, and so has their protection."""

import shutil
from pathlib import Path

import pytest

from indexer.ingest import log_reader
from indexer.ingest.file_keeper import FileKeeper
from tests.ingest.bodies import append, body, files_below

HOUR_S = 3600.0


@pytest.fixture
def flushed(make_flusher, wal):
    """Writes so many files; their paths in order of age."""

    def write(count):
        append(wal, *(body(number) for number in range(count)))
        return [Path(one.path) for one in make_flusher(rows=1).flush_all()]

    return write


@pytest.fixture
def keep(wal, root, clock):
    """One look of a keeper with these limits."""

    def look(**limits):
        FileKeeper(wal, root, now_unix_nano=clock.now_unix_nano, **limits).look()

    return look


def listed(wal):
    return {Path(file.path) for file in wal.listed_files()}


def said(caplog):
    return [(one.event, one.fields["files"]) for one in caplog.records]


def test_files_that_are_there_stay_listed_and_nothing_is_said(flushed, keep, wal, caplog):
    paths = flushed(3)
    keep()
    assert listed(wal) == set(paths)
    assert not caplog.records


def test_files_that_were_removed_are_listed_no_more_and_said_once(flushed, keep, wal, caplog):
    paths = flushed(4)
    for path in paths[:3]:
        path.unlink()
    keep()
    keep()
    assert listed(wal) == {paths[3]}
    assert wal.state().unlisted_files == 0
    assert said(caplog) == [("files.gone", 3)]
    assert set(caplog.records[0].fields["paths"]) == {str(path) for path in paths[:3]}


def test_when_all_are_removed_from_the_root_they_are_gone_too(flushed, keep, wal, root, caplog):
    flushed(2)
    keep()
    shutil.rmtree(root / "year=2026")
    keep()
    assert listed(wal) == set()
    assert said(caplog) == [("files.gone", 2)]


@pytest.mark.parametrize("other", ["missing", "empty"])
def test_a_volume_that_is_not_mounted_takes_nothing_from_the_list(
    flushed, keep, wal, root, tmp_path, other
):
    """The mount point is another folder, or none; once it is back, all is as before."""
    paths = flushed(2)
    keep()
    root.rename(tmp_path / "away")
    if other == "empty":
        root.mkdir()
    keep()
    assert listed(wal) == set(paths)
    if other == "empty":
        root.rmdir()
    (tmp_path / "away").rename(root)
    paths[0].unlink()
    keep()
    assert listed(wal) == {paths[1]}


def test_an_unconfirmed_file_is_kept_beyond_its_retention_and_not_for_ever(
    flushed, keep, wal, root, clock, caplog
):
    paths = flushed(2)
    limits = {"max_age_s": HOUR_S, "unconfirmed_s": 10 * HOUR_S}
    wal.confirm([str(paths[0])])
    clock.advance(2 * HOUR_S)
    keep(**limits)
    assert files_below(root) == [paths[1]]
    assert "unconfirmed_files.removed" not in {event for event, _ in said(caplog)}
    clock.advance(9 * HOUR_S)
    keep(**limits)
    assert files_below(root) == []
    assert listed(wal) == set()
    assert said(caplog) == [("unconfirmed_files.removed", 1)]


def test_without_retention_nothing_is_deleted_however_long_no_worker_comes(
    flushed, keep, root, clock
):
    paths = flushed(2)
    clock.advance(1_000 * 24 * HOUR_S)
    keep()
    assert sorted(files_below(root)) == sorted(paths)


def test_what_is_in_the_way_is_said_and_tried_again(flushed, keep, wal, caplog, monkeypatch):
    (path,) = flushed(1)
    path.unlink()
    monkeypatch.setattr(wal, "listed_files", lambda: 1 / 0)
    keep()
    assert [one.event for one in caplog.records] == ["keeping.failed"]
    monkeypatch.undo()


def test_a_state_names_the_newest_files_and_how_many_more_there_are(wal, monkeypatch):
    """A worker that comes after months is told of them in turns, as it confirms them."""
    monkeypatch.setattr(log_reader, "RECENT_FILES_MAX", 3)
    total = 3 + 5
    for number in range(total):
        (key,) = append(wal, body(number))
        wal.mark_flushed(key, f"/{number:05}.parquet", 1)
    state = wal.state()
    assert [file.path for file in state.recent_files] == [f"/{n:05}.parquet" for n in (5, 6, 7)]
    assert state.unlisted_files == 5
    assert wal.confirm([file.path for file in state.recent_files]) == 3
    rest = wal.state()
    assert [file.path for file in rest.recent_files] == [f"/{n:05}.parquet" for n in (2, 3, 4)]
    assert rest.unlisted_files == 2
