"""`kill -9` of ``poll`` at any moment: each span of the service is in one file in the end, once."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from indexer.ingest.flush import Flusher
from indexer.ingest.hot_snapshot import HotSnapshots
from indexer.ingest.poll_state import PollState
from indexer.ingest.service import InternalIngestion, internal_server
from indexer.ingest.wal import Wal
from indexer.ingest.writer_process import WriterProcess
from tests.ingest.bodies import body
from tests.support.grpc_ports import started
from tests.support.processes import Running, Site, wait_until
from tests.support.up import span_files

pytestmark = pytest.mark.process

KILLS, SOAK_KILLS = 2, 60
SPANS = 3
BATCH = 20
FIRST, MORE_EVERY_S = 300, 0.01
"""Requests at first, and how often another one comes."""
WITHIN_S = 0.6
"""A kill comes so long after polling began, at most: in the midst of reading and writing."""


class Service:
    """A real log behind the real calls; it never flushes, so it has all spans to the end."""

    def __init__(self, folder: Path) -> None:
        self.wal = Wal.open(folder / "requests.sqlite")
        process = WriterProcess()  # never started: nothing here is flushed
        flusher = Flusher(self.wal, folder / "none", process)
        snapshots = HotSnapshots(self.wal, folder / "snapshots", process)
        self._server = internal_server(InternalIngestion(self.wal, flusher, snapshots))
        self.port = started(self._server)
        self.requests = 0

    def add(self) -> "Future[bytes]":
        future = self.wal.append(body(self.requests, SPANS), SPANS)
        self.requests += 1
        return future

    def close(self) -> None:
        self._server.stop(None).wait()
        self.wal.close()


@contextmanager
def growing(service: Service) -> Iterator[None]:
    """One request after the other, until it is over."""
    over = threading.Event()

    def add() -> None:
        while not over.wait(MORE_EVERY_S):
            service.add()

    thread = threading.Thread(target=add)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_no_span_is_lost_or_doubled_by_a_kill(site: Site, seed: int, soak: bool) -> None:
    chance = random.Random(seed)
    state = site.folder / "poller.sqlite"
    with closing(Service(site.folder / "service")) as service:
        for added in [service.add() for _ in range(FIRST)]:
            added.result(100)
        site.set(
            INGESTION_GRPC_HOST="127.0.0.1",
            INGESTION_GRPC_PORT=service.port,
            INGESTION_POLLER_STATE_PATH=state,
            SPAN_BATCH_SIZE=BATCH,
            SPAN_POLL_INTERVAL=0.1,
        )
        with growing(service):
            for _ in range(SOAK_KILLS if soak else KILLS):
                running = site.start("poll")
                _wait_polling(running)
                time.sleep(chance.uniform(0, WITHIN_S))
                running.kill()
        last = service.add().result(100)
        running = site.start("poll")
        expected = service.requests * SPANS
        rows: dict[tuple[Path, int], int] = {}
        wait_until(
            lambda: _count_rows(site, rows) >= expected,
            lambda: f"SPAN_TEST_SEED={seed}: {expected} spans, {len(_found(site))}: {running.err}",
        )
        assert site.end(running) == 0, running.err
    found = _found(site)
    assert set(found.values()) == {1}, f"SPAN_TEST_SEED={seed}"
    assert found.keys() == {
        (number + 1, span + 1) for number in range(service.requests) for span in range(SPANS)
    }
    with closing(PollState.open(state)) as after:
        assert (after.unfinished_range(), after.last_key()[: len(last)]) == (None, last)
    assert not [path for path in site.root.rglob(".*") if path.is_file()]


def _wait_polling(running: Running) -> None:
    wait_until(
        lambda: any(event["event"] == "poll.started" for event in running.events),
        lambda: running.err,
    )


def _count_rows(site: Site, known: dict[tuple[Path, int], int]) -> int:
    """The rows of all files; each is opened once, whenever it has been replaced as well."""
    versions = [(path, path.stat().st_mtime_ns) for path in span_files(site)]
    for path, time_ns in versions:
        if (path, time_ns) not in known:
            known[path, time_ns] = pq.read_metadata(path).num_rows
    return sum(known[version] for version in versions)


def _found(site: Site) -> Counter[tuple[int, int]]:
    """How often each span is in a file."""
    found: Counter[tuple[int, int]] = Counter()
    for path in span_files(site):
        columns = pq.read_table(path, columns=["trace_id", "span_id"]).to_pydict()
        pairs = zip(columns["trace_id"], columns["span_id"], strict=True)
        found.update((int(trace, 16), int(span, 16)) for trace, span in pairs)
    return found
