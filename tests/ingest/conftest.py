"""One log, and everything that works on it, ended after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexer.ingest.flush import Flusher
from indexer.ingest.limits import FlushLimits
from indexer.ingest.wal import Wal
from indexer.ingest.writer_process import WriterProcess
from tests.support.fake_clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "spans"


@pytest.fixture
def wal(tmp_path: Path, clock: FakeClock) -> Iterator[Wal]:
    wal = Wal.open(tmp_path / "wal" / "requests.sqlite", clock=clock)
    yield wal
    wal.close()


class HereAndNow(WriterProcess):
    """Runs in the test's own process: spawning one costs a second."""

    def run(self, function, *arguments):
        return function(*arguments)


@pytest.fixture
def process() -> WriterProcess:
    return HereAndNow()


@pytest.fixture(scope="session")
def spawned() -> Iterator[WriterProcess]:
    """A real process, shared by the tests that need one."""
    process = WriterProcess()
    yield process
    process.close()


@pytest.fixture
def make_flusher(
    wal: Wal, root: Path, process: WriterProcess, clock: FakeClock
) -> Callable[..., Flusher]:
    def make(**options: object) -> Flusher:
        options = {"process": process, "clock": clock, **options}
        limits = {name: options.pop(name) for name in ("rows", "bytes", "age_s") if name in options}
        return Flusher(wal, root, options.pop("process"), limits=FlushLimits(**limits), **options)

    return make
