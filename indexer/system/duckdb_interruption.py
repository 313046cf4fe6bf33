"""A call that another thread may cancel, before its statements run in DuckDB or meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb


class Interruption:
    """Shared between the thread that reads and the one that waits for it."""

    def __init__(self) -> None:
        self.is_cancelled = False
        self._running: duckdb.DuckDBPyConnection | None = None
        self._lock = threading.Lock()

    def cancel(self) -> None:
        """What it reads now ends with duckdb.InterruptException, and so does what it would.

        Said again, it also ends what began just as it was said.
        """
        with self._lock:
            self.is_cancelled = True
            if self._running is not None:
                self._running.interrupt()

    @contextmanager
    def over(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """While statements of the connection may be interrupted.

        Inside another one it is this connection's turn meanwhile. Raises duckdb.InterruptException.
        """
        with self._lock:
            if self.is_cancelled:
                raise duckdb.InterruptException("the call was cancelled")
            outer, self._running = self._running, connection
        try:
            yield
        finally:
            with self._lock:
                self._running = outer
