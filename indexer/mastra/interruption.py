"""Reads that end when nobody waits for them any more: who waits says how they are interrupted."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

import duckdb

Over = Callable[[duckdb.DuckDBPyConnection], AbstractContextManager[None]]
"""Entered while statements of a connection run, which may be interrupted meanwhile."""

_OVER: ContextVar[Over] = ContextVar("mastra_reads", default=lambda _: nullcontext())


@contextmanager
def reads_within(over: Over) -> Iterator[None]:
    """Reads of this thread are inside ``over`` meanwhile."""
    token = _OVER.set(over)
    try:
        yield
    finally:
        _OVER.reset(token)


def interruptible(connection: duckdb.DuckDBPyConnection) -> AbstractContextManager[None]:
    """Around the statements of one read."""
    return _OVER.get()(connection)


class Interruption:
    """One call that may be cancelled by another thread, before it reads or meanwhile."""

    def __init__(self) -> None:
        self._cancelled = False
        self._running: duckdb.DuckDBPyConnection | None = None
        self._lock = threading.Lock()

    def cancel(self) -> None:
        """What it reads now ends with duckdb.InterruptException, and so does what it would."""
        with self._lock:
            self._cancelled = True
            if self._running is not None:
                self._running.interrupt()

    @contextmanager
    def over(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """As ``reads_within`` takes it."""
        with self._lock:
            if self._cancelled:
                raise duckdb.InterruptException("the call was cancelled")
            self._running = connection
        try:
            yield
        finally:
            with self._lock:
                self._running = None
