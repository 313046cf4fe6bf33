"""The log acknowledges what is committed, in order, and says no when it cannot."""

import sqlite3
import threading
from concurrent.futures import Future
from contextlib import closing

import pytest

from indexer.errors import CatalogOwned, CatalogTooNew, CatalogUnreadable, WalBusy
from indexer.ingest.log_reader import LoggedRequest, WalState
from indexer.ingest.log_writer import SPARE_PAGES
from indexer.ingest.wal import Wal
from indexer.system.change_count import change_count
from indexer.system.durable_files import SQLITE_FULL_SYNC
from indexer.wire.paths import changes_file
from tests.ingest.bodies import append, pending
from tests.support.fake_clock import FakeClock


@pytest.fixture
def path(tmp_path):
    return tmp_path / "wal" / "requests.sqlite"


@pytest.fixture
def wal(path):
    wal = Wal.open(path)
    yield wal
    wal.close()


def all_of(reading):
    return [one for batch in reading if not isinstance(batch, WalState) for one in batch]


def test_what_is_acknowledged_is_there_after_a_reopen(path):
    wal = Wal.open(path)
    keys = append(wal, b"one", b"two", span_count=3)
    first = wal.state()
    wal.close()
    wal = Wal.open(path)
    again = wal.state()
    assert pending(wal) == list(zip(keys, [b"one", b"two"], strict=True))
    assert (again.wal_id, again.newest_key) == (first.wal_id, keys[1])
    assert (again.pending_spans, again.pending_bytes, again.flushed_key) == (6, 6, b"")
    wal.close()


def test_another_log_has_another_id(wal, tmp_path):
    other = Wal.open(tmp_path / "other.sqlite")
    assert other.wal_id != wal.wal_id
    other.close()


def test_the_writing_connection_syncs_every_commit(wal):
    """2 is FULL: SQLite's log is synced in each COMMIT."""
    connection = wal._writer.connection
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    for name in SQLITE_FULL_SYNC:  # of macOS; elsewhere they change nothing
        assert connection.execute(f"PRAGMA {name}").fetchone() == (1,)


def test_a_future_has_its_key_only_after_its_commit(wal):
    """Another connection, which sees committed rows alone, sees it in the future's callback."""
    seen = []

    def acknowledged(future):
        with sqlite3.connect(wal.path) as other:
            rows = other.execute("SELECT key FROM requests").fetchall()
        other.close()
        seen.append((future.result(),) in rows)

    futures = [wal.append(b"x" * 1000, 1) for _ in range(50)]
    for future in futures:
        future.add_done_callback(acknowledged)
    for future in futures:
        future.result(100)
    append(wal, b"last")
    assert seen == [True] * 50


def test_a_commit_is_counted_before_it_is_acknowledged(wal):
    """Whoever finds the count of an earlier state has everything that is acknowledged by then."""
    counts = [change_count(changes_file(wal.path), wal.wal_id)]
    for number in range(3):
        found = wal.append(bytes([number]), 1)
        found.add_done_callback(
            lambda _: counts.append(change_count(changes_file(wal.path), wal.wal_id))
        )
        last = found.result()
    wal.mark_flushed(last, None, 3)
    counts.append(change_count(changes_file(wal.path), wal.wal_id))
    assert None not in counts
    assert counts == sorted(set(counts))
    assert len(counts) == 5


def test_requests_that_wait_share_a_commit(wal, monkeypatch):
    entered, resume, sizes = threading.Event(), threading.Event(), []
    insert = wal._writer.insert

    def slow(requests):
        sizes.append(len(requests))
        entered.set()
        resume.wait(100)
        return insert(requests)

    monkeypatch.setattr(wal._writer, "insert", slow)
    futures = [wal.append(b"0", 1)]
    entered.wait(100)
    futures += [wal.append(str(number).encode(), 1) for number in range(1, 20)]
    assert not any(future.done() for future in futures)
    resume.set()
    keys = [future.result(100) for future in futures]
    assert sizes == [1, 19]
    assert keys == sorted(keys)


def test_the_queue_has_a_limit(path, monkeypatch):
    wal = Wal.open(path, queue_bytes_max=10_000)
    entered, resume = threading.Event(), threading.Event()
    insert = wal._writer.insert

    def slow(requests):
        entered.set()
        resume.wait(100)
        return insert(requests)

    monkeypatch.setattr(wal._writer, "insert", slow)
    futures = [wal.append(b"x", 1)]
    entered.wait(100)
    futures += [wal.append(b"x", 1) for _ in range(8)]
    with pytest.raises(WalBusy, match="waiting to be committed"):
        wal.append(b"x", 1)
    resume.set()
    assert len({future.result(100) for future in futures}) == len(futures)
    append(wal, b"x" * 20_000)
    wal.close()


def test_the_log_has_a_limit_until_it_is_flushed(path):
    wal = Wal.open(path, bytes_max=1000)
    keys = append(wal, b"x" * 400, b"x" * 400)
    with pytest.raises(WalBusy, match="to be flushed"):
        wal.append(b"x" * 400, 1)
    wal.mark_flushed(keys[0], "/a.parquet", 1)
    append(wal, b"x" * 400)
    wal.close()


def test_a_disk_that_refuses_is_busy_and_works_again(wal):
    first = append(wal, b"first")
    connection = wal._writer.connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    futures = [wal.append(b"x" * 100_000, 1) for _ in range(3)]
    for future in futures:
        with pytest.raises(WalBusy, match="full"):
            future.result(100)
    assert wal.state().newest_key == first[0]
    connection.execute("PRAGMA max_page_count = 1000000")
    second = append(wal, b"x" * 100_000)
    assert [key for key, _ in pending(wal)] == first + second
    assert wal.state().pending_bytes == 100_005


def test_a_cancelled_future_is_not_logged(wal, monkeypatch):
    entered, resume = threading.Event(), threading.Event()
    insert = wal._writer.insert

    def slow(requests):
        entered.set()
        resume.wait(100)
        return insert(requests)

    monkeypatch.setattr(wal._writer, "insert", slow)
    wal.append(b"first", 1)
    entered.wait(100)
    assert wal.append(b"cancelled", 1).cancel()
    resume.set()
    append(wal, b"last")
    assert [one for _, one in pending(wal)] == [b"first", b"last"]


def test_an_unexpected_error_reaches_its_caller_and_no_other(wal, monkeypatch):
    with pytest.raises(sqlite3.ProgrammingError):
        wal._commits.change(lambda _: (_ for _ in ()).throw(sqlite3.ProgrammingError("odd")))
    append(wal, b"works")


def test_reading_has_limits_and_always_moves(wal):
    keys = append(wal, b"x" * 100, b"y" * 100, b"z" * 100)
    assert [one.key for one in wal.read_after(b"", rows_max=2)] == keys[:2]
    assert [one.key for one in wal.read_after(b"", bytes_max=1)] == keys[:1]
    assert [one.key for one in wal.read_after(b"", bytes_max=200)] == keys[:2]
    assert wal.read_after(keys[0], rows_max=1) == [
        LoggedRequest(key=keys[1], body=b"y" * 100, span_count=1)
    ]
    assert wal.read_after(keys[2]) == []


def test_a_snapshot_is_of_one_moment(wal):
    """What is appended, flushed and confirmed while it is read is not in it."""
    keys = append(wal, b"0", b"1", b"2", b"3")
    wal.mark_flushed(keys[0], "/a.parquet", 1)
    reading = wal.snapshot(b"", rows_max=1)
    found = [next(reading)]
    append(wal, b"4")
    wal.mark_flushed(keys[2], "/b.parquet", 2)
    wal.confirm(["/a.parquet"])
    found += list(reading)
    state = found.pop()
    assert [one.body for batch in found for one in batch] == [b"1", b"2", b"3"]
    assert (state.newest_key, state.flushed_key) == (keys[3], keys[0])
    assert [file.path for file in state.recent_files] == ["/a.parquet"]
    now = wal.state()
    assert [file.path for file in now.recent_files] == ["/b.parquet"]
    assert now.oldest_key == keys[3]
    assert [one.body for one in all_of(wal.snapshot(keys[3]))] == [b"4"]


def test_flushing_again_changes_nothing(wal):
    keys = append(wal, b"0", b"1")
    wal.mark_flushed(keys[0], "/a.parquet", 1)
    before = wal.state()
    wal.mark_flushed(keys[0], "/a.parquet", 1)
    after = wal.state()
    assert (after.flushed_key, after.recent_files) == (before.flushed_key, before.recent_files)
    assert (after.pending_spans, after.pending_bytes) == (1, 1)


def test_a_begun_flush_is_remembered(path):
    wal = Wal.open(path)
    keys = append(wal, b"0", b"1", b"2")
    planned = wal.next_range(rows_max=2, bytes_max=100)
    assert (planned.first_key, planned.last_key, planned.request_count) == (*keys[:2], 2)
    assert wal.begun_range() is None
    wal.flushing(planned.first_key, planned.last_key)
    wal.close()
    wal = Wal.open(path)
    append(wal, b"3")
    assert wal.next_range(rows_max=100, bytes_max=100) == planned == wal.begun_range()
    wal.mark_flushed(planned.last_key, "/a.parquet", 2)
    assert wal.begun_range() is None
    assert wal.next_range(rows_max=100, bytes_max=100).request_count == 2
    wal.close()


def test_the_file_does_not_grow_with_what_went_through_it(wal):
    """Twenty rounds of 8 MiB stay within what two need; a peak of 128 MiB is given back."""
    sizes = []
    for _ in range(20):
        keys = append(wal, *[b"x" * (1 << 20)] * 8)
        wal.mark_flushed(keys[-1], None, 0)
        sizes.append(sum(one.stat().st_size for one in wal.path.parent.iterdir()))
    assert max(sizes) < 2 * sizes[0] < 40 << 20
    for _ in range(2):
        keys = append(wal, *[b"x" * (1 << 20)] * 128)
        wal.mark_flushed(keys[-1], None, 0)
    assert wal.path.stat().st_size < (SPARE_PAGES * 16384) + (8 << 20)


def test_what_sqlite_has_written_is_given_back_once_no_request_waits(wal):
    own = wal.path.with_name(wal.path.name + "-wal")
    first, _ = append(wal, bytes(1_000_000), bytes(1_000_000))
    wal.mark_flushed(first, "/spans/1.parquet", 1)
    held = own.stat().st_size
    assert held > 1_000_000
    append(wal, bytes(100_000))
    assert own.stat().st_size == held  # written over
    wal.mark_flushed(wal.state().newest_key, "/spans/2.parquet", 2)
    assert own.stat().st_size == 0


def test_one_process_has_the_log(wal):
    with pytest.raises(CatalogOwned, match="owned by ingestion"):
        Wal.open(wal.path)


def test_a_closed_log_takes_nothing_and_closes_again(path):
    wal = Wal.open(path)
    future = wal.append(b"x", 1)
    wal.close()
    assert isinstance(future, Future)
    assert len(future.result(0)) == 16
    wal.close()
    with pytest.raises(WalBusy):
        wal.append(b"x", 1)
    with pytest.raises(WalBusy):
        wal.confirm(["x"])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM facts WHERE key = 'newest_key'", "it has no newest_key"),
        ("DROP TABLE facts", "no such table"),
    ],
)
def test_a_log_without_its_facts_is_refused_and_let_go(path, damage, said):
    Wal.open(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute(damage)
        other.commit()
    for _ in range(2):
        with pytest.raises(CatalogUnreadable, match=said):
            Wal.open(path)


def test_files_that_are_no_log_are_refused_and_left_alone(path):
    path.parent.mkdir()
    path.write_bytes(b"no database" * 100)
    with pytest.raises(CatalogUnreadable):
        Wal.open(path)
    assert path.read_bytes() == b"no database" * 100
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    with pytest.raises(CatalogUnreadable, match="another program"):
        Wal.open(path)
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 2")
    other.close()
    with pytest.raises(CatalogTooNew, match="version 2"):
        Wal.open(path)


def test_synchronous_is_one_of_three(path):
    with pytest.raises(ValueError, match="synchronous"):
        Wal.open(path, synchronous="0; DROP TABLE requests")
    wal = Wal.open(path, synchronous="NORMAL")
    assert wal._writer.connection.execute("PRAGMA synchronous").fetchone() == (1,)
    wal.close()


def test_the_age_of_the_oldest_is_its_keys(path):
    clock = FakeClock()
    wal = Wal.open(path, clock=clock)
    assert wal.state().oldest_unix_nano is None
    now = clock.now_unix_nano()
    append(wal, b"x")
    clock.advance(5)
    assert wal.state().oldest_unix_nano == now // 1_000_000 * 1_000_000
    assert wal.state().as_of_unix_nano == clock.now_unix_nano()
    wal.close()
