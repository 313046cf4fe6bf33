"""The child process that decodes and writes, and its replacement when it dies.

It is spawned, never forked: the parent has threads. It ends by itself when its parent is gone, so
that a killed service leaves nobody behind.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from indexer.ingest.events import WRITER_DIED
from indexer.system import retry
from indexer.telemetry.log import log

T = TypeVar("T")

TRIES = 3
"""A process may be killed for memory by accident; three in a row are none, and are told."""


class WriterProcess:
    """One process, started when first needed. Any thread may call; calls run one at a time."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()

    def run(self, function: Callable[..., T], *arguments: object) -> T:
        """The function's result, from the process; what it raises is raised here.

        Raises BrokenProcessPool when the process died of it three times.
        """
        return retry.call(
            lambda: self.run_once(function, *arguments),
            on=BrokenProcessPool,
            backoff=retry.AT_ONCE,
            tries=TRIES,
            before_next=lambda: log(
                WRITER_DIED, "the process that writes files died; another one tries again"
            ),
        )

    def run_once(self, function: Callable[..., T], *arguments: object) -> T:
        """The same without another try. Raises BrokenProcessPool when the process died of it."""
        pool = self._open()
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool:
            self._drop(pool)
            raise

    def close(self) -> None:
        """End the process, after what it is doing."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    def _open(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
                )
            return self._pool

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is pool:
                self._pool = None
        pool.shutdown(wait=False)


def _begin() -> None:
    """Leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
