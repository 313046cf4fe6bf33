"""A snapshot has all that is hot, and is written anew only when there is more."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from indexer.ingest import hot_snapshot
from indexer.ingest.hot_snapshot import HotSnapshots
from indexer.ingest.layout import snapshot_file
from tests.ingest.bodies import UNDECODABLE, append, body, files_below, numbers_in


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "wal" / "snapshots"


@pytest.fixture
def snapshots(wal, folder, process):
    return HotSnapshots(wal, folder, process)


def test_an_empty_log_has_no_snapshot(snapshots, wal):
    assert snapshots.prepare().path == ""
    assert snapshots.prepare().row_count == 0
    assert snapshots.prepare().newest_key == wal.state().newest_key == b""


def test_it_holds_everything_that_is_hot(snapshots, wal, folder):
    keys = append(wal, body(0, 2), UNDECODABLE, body(1))
    found = snapshots.prepare()
    assert found.path == str(snapshot_file(folder, keys[-1]))
    assert sorted(numbers_in(found.path)) == [0, 0, 1]
    assert (found.row_count, found.newest_key) == (3, keys[-1])
    assert found.size_bytes == snapshot_file(folder, keys[-1]).stat().st_size


def test_it_is_reused_until_something_arrives(snapshots, wal):
    append(wal, body(0))
    first = snapshots.prepare()
    pq.read_table(first.path)
    written = snapshot_stamp(first)
    assert snapshots.prepare() == first
    assert snapshot_stamp(first) == written
    append(wal, body(1))
    assert snapshots.prepare().path != first.path


def test_the_files_before_it_are_those_of_now(snapshots, wal):
    """Also when the snapshot is an old one: it and they together have everything."""
    keys = append(wal, body(0), body(1))
    first = snapshots.prepare()
    wal.mark_flushed(keys[0], "/a.parquet", 1)
    again = snapshots.prepare()
    assert again.path == first.path
    assert [file.path for file in again.recent_files] == ["/a.parquet"]
    wal.mark_flushed(keys[1], "/b.parquet", 1)
    none = snapshots.prepare()
    assert none.path == ""
    assert [file.path for file in none.recent_files] == ["/a.parquet", "/b.parquet"]


def test_a_snapshot_that_somebody_removed_is_written_again(snapshots, wal, folder):
    append(wal, body(0))
    first = snapshots.prepare()
    files_below(folder)[0].unlink()
    assert snapshots.prepare() == first
    assert len(files_below(folder)) == 1


def test_two_are_kept_and_others_files_are_let_be(snapshots, wal, folder):
    folder.mkdir()
    (folder / "mine.parquet").write_bytes(b"")
    paths = []
    for number in range(4):
        append(wal, body(number))
        paths.append(snapshots.prepare().path)
    assert {str(path) for path in files_below(folder)} == {
        *paths[-2:],
        str(folder / "mine.parquet"),
    }


def test_a_large_backlog_is_decoded_in_batches(snapshots, wal, monkeypatch):
    monkeypatch.setattr(hot_snapshot, "BATCH_ROWS", 3)
    append(wal, *(body(number, 2) for number in range(10)))
    found = snapshots.prepare()
    assert found.row_count == 20
    assert pq.read_metadata(found.path).num_row_groups == 4
    assert sorted(set(numbers_in(found.path))) == list(range(10))


def test_requests_that_do_not_decode_are_no_snapshot(snapshots, wal, folder):
    append(wal, UNDECODABLE)
    assert snapshots.prepare().path == ""
    assert files_below(folder.parent) == sorted(
        path for path in folder.parent.iterdir() if path.is_file()
    )


def test_a_real_process_writes_it(wal, folder, spawned):
    append(wal, body(0))
    assert numbers_in(HotSnapshots(wal, folder, spawned).prepare().path) == [0]


def snapshot_stamp(snapshot):
    status = Path(snapshot.path).stat()
    return status.st_ino, status.st_mtime_ns
