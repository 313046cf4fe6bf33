"""An export that is refused is not logged as well, whatever the log was doing meanwhile."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

import pytest

from indexer.errors import WalBusy
from indexer.ingest.wal import Wal
from indexer.receive import export as module
from indexer.receive.export import exporter
from tests.ingest.bodies import body, pending
from tests.receive.sink import KeepingSink


class HeldLog:
    """A log whose commits wait until they are let go."""

    def __init__(self, path, monkeypatch):
        self.wal = Wal.open(path)
        self.inside, self.released = threading.Event(), threading.Event()
        insert = self.wal._writer.insert
        monkeypatch.setattr(self.wal._writer, "insert", lambda rows: self._held(insert, rows))

    def _held(self, insert, rows):
        self.inside.set()
        assert self.released.wait(100)
        return insert(rows)

    def close(self):
        self.released.set()
        self.wal.close()


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ACKNOWLEDGE_S", 0.01)
    with closing(HeldLog(tmp_path / "wal.db", monkeypatch)) as held:
        yield held


def test_an_export_whose_commit_has_begun_is_acknowledged_when_it_ends(log):
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(exporter(log.wal), body(1), False)
        assert log.inside.wait(100)
        log.released.set()
        assert answer.result(100).partial_success.error_message == ""
    assert len(pending(log.wal)) == 1


def test_an_export_that_waits_for_its_commit_too_long_is_taken_back(log):
    """Three tries of it leave nothing beside the one that is being committed."""
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(exporter(log.wal), body(1), False)
        assert log.inside.wait(100)
        for _ in range(3):
            with pytest.raises(WalBusy, match=r"not durable within 0\.01 s"):
                exporter(log.wal)(body(2), False)
        log.released.set()
        first.result(100)
    log.wal.append(body(3), 1).result(100)
    assert [found for _, found in pending(log.wal)] == [body(1), body(3)]


def test_a_commit_that_fails_after_the_time_is_busy(monkeypatch):
    monkeypatch.setattr(module, "ACKNOWLEDGE_S", 0.01)

    class Failing(KeepingSink):
        def append(self, body, span_count):
            future = Future()
            future.set_running_or_notify_cancel()
            threading.Timer(0.05, future.set_exception, [WalBusy("the disk is full")]).start()
            return future

    with pytest.raises(WalBusy, match="the disk is full"):
        exporter(Failing())(body(1), False)


def test_a_request_without_spans_is_not_stored():
    sink = KeepingSink()
    assert exporter(sink)(b"", False).ByteSize() == 0
    assert exporter(sink)(b"{}", True).ByteSize() == 0
    assert sink.kept == []
