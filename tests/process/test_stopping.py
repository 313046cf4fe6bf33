"""Told to stop, the worker finishes the transaction in hand and is gone within seconds.

An orchestrator that has to kill a worker that does not stop makes every deployment a crash. The
bound in time that these tests assert is for a machine that does much else; alone it takes one.
"""

import signal
import sys
import time

import pytest

from tests.support.examples import one_of
from tests.support.processes import Running, Site, wait_until
from tests.support.span_files import Span, parquet_bytes, spans

pytestmark = pytest.mark.process

STOP_S = 25.0
"""Kubernetes kills after 30."""
BACKLOG = 200
SIGNALS = pytest.mark.parametrize("number", one_of(signal.SIGTERM, signal.SIGINT))


@SIGNALS
def test_an_idle_worker_stops(site: Site, number: signal.Signals) -> None:
    """Exit 0, the socket gone, and a catalog that a command can open at once."""
    site.write("a.parquet", spans(3))
    worker = site.worker()
    site.wait_files(1)
    assert _stopped(worker, number) == 0
    assert "Traceback" not in worker.err
    assert len(site.call("trace", f"{1:032x}", "--json").json["spans"]) == 3
    assert site.call("audit").code == 0


@SIGNALS
def test_a_worker_in_the_middle_of_a_backlog_stops(site: Site, number: signal.Signals) -> None:
    """What is registered is whole, the rest is not there, and the next run takes it up."""
    _write_backlog(site)
    worker = site.start()
    wait_until(lambda: (now := site.status()) and now["files"] > 5, "a worker at work")
    assert _stopped(worker, number) == 0
    assert "Traceback" not in worker.err
    site.set(INDEXER_BATCH_SIZE=200)
    report = site.call("audit", "--json").json
    assert 5 < report["files"] < BACKLOG
    assert {finding["invariant"] for finding in report["findings"]} == {"I4"}
    assert len(report["findings"]) == BACKLOG - report["files"]
    assert site.call("--once").code == 0
    assert site.call("audit").code == 0


@SIGNALS
@pytest.mark.parametrize("mode", one_of("--once", "--reindex"))
def test_a_one_shot_run_stops(site: Site, mode: str, number: signal.Signals) -> None:
    """Interrupted, it ends with exit 1, and the catalog of before or its first part answers."""
    site.write("a.parquet", spans(3))
    assert site.call("--once").code == 0
    _write_backlog(site)
    run = site.start(mode)
    wait_until(lambda: "files.registered" in run.err, "a run at work")
    assert _stopped(run, number) == 1
    assert "Traceback" not in run.err
    site.set(INDEXER_BATCH_SIZE=200)
    report = site.call("audit", "--json").json
    assert report["files"] == 1 if mode == "--reindex" else 1 < report["files"] < BACKLOG
    assert {finding["invariant"] for finding in report["findings"]} == {"I4"}


def test_a_client_that_does_not_read_does_not_hold_the_worker(site: Site) -> None:
    """An answer that nobody takes is dropped; the stop does not wait for it."""
    site.write("big.parquet", [Span(attributes='{"text":"' + "x" * 8_000_000 + '"}')])
    worker = site.worker()
    site.wait_files(1)
    with site.connected() as connection:
        connection.request("GET", f"/api/v1/traces/{1:032x}")
        assert connection.sock.recv(1) == b"H"
        assert _stopped(worker, signal.SIGTERM) == 0


def test_a_worker_that_waits_for_a_reader_stops(site: Site) -> None:
    """Also before it owns the database: a reader in the way does not make it deaf."""
    assert site.call("--once").code == 0
    script = (
        "import duckdb, sys\n"
        f"con = duckdb.connect({str(site.pointer)!r}, read_only=True)\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    reader = site.start_command([sys.executable, "-c", script])
    wait_until(lambda: reader.out, lambda: f"an open reader: {reader.err}")
    worker = site.start()
    lock = site.pointer.with_name("index.duckdb.lock")
    wait_until(lambda: str(worker.pid) in lock.read_text(), "a worker that has the lock")
    assert _stopped(worker, signal.SIGTERM) == 0


def _stopped(running: Running, number: signal.Signals) -> int:
    started = time.monotonic()
    running.signal(number)
    code = running.wait()
    took_s = time.monotonic() - started
    assert took_s < STOP_S, f"{took_s:.1f} s after {number.name}: {running.err[-2000:]}"
    return code


def _write_backlog(site: Site) -> None:
    """More files than a worker that commits each alone gets through before the signal."""
    site.set(INDEXER_BATCH_SIZE=1)
    for number in range(BACKLOG):
        path = site.root / f"{number % 7}" / f"{number:04}.parquet"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(parquet_bytes(spans(3, trace=2 + number // 3, first=1 + 3 * number)))
