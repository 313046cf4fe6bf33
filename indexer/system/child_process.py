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

    def __init__(self, idle_s: float | None = None) -> None:
        """After so long without a call the process ends; the next one starts another."""
        self._idle_s = idle_s
        self._pool: ProcessPoolExecutor | None = None
        self._calls = 0
        self._idle: threading.Timer | None = None
        self._lock = threading.Lock()

    def run_once(self, function: Callable[..., T], *arguments: object) -> T:
        """The function's result, from the process; what it raises is raised here.

        Raises BrokenProcessPool when the process died of it, or of a call that ran before it.
        """
        pool = self._begin_call()
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool:
            self._drop(pool)
            raise
        finally:
            self._end_call()

    def close(self) -> None:
        """End the process, after what it is doing."""
        with self._lock:
            self._expect_calls()
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    def _begin_call(self) -> ProcessPoolExecutor:
        with self._lock:
            self._expect_calls()
            self._calls += 1
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
                )
            return self._pool

    def _end_call(self) -> None:
        with self._lock:
            self._calls -= 1
            if self._calls == 0 and self._pool is not None and self._idle_s is not None:
                self._expect_calls()
                self._idle = threading.Timer(self._idle_s, self._end_idle)
                self._idle.daemon = True
                self._idle.start()

    def _expect_calls(self) -> None:
        """The time without a call is over. The lock is held."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _end_idle(self) -> None:
        with self._lock:
            if self._calls or self._pool is None:
                return  # a call began while this waited
            pool, self._pool = self._pool, None
        pool.shutdown()

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
