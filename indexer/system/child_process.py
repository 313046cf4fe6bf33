"""A child process that runs functions, one at a time, and its replacement when it dies.

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

from indexer.system.interpreter import leave_unused_modules_out

T = TypeVar("T")


class ChildProcess:
    """One process, started when first needed. Any thread may call; calls run one at a time."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()

    def run_once(self, function: Callable[..., T], *arguments: object) -> T:
        """The function's result, from the process; what it raises is raised here.

        Raises BrokenProcessPool when the process died of it, or of a call that ran before it.
        """
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
    """Leave signals that ask for an end to the parent, and do not outlive it."""
    leave_unused_modules_out()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
