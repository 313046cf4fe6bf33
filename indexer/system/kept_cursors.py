"""Cursors of one connection, kept between reads: making one takes as long as a short read."""

import threading

import duckdb

KEPT_MAX = 8
"""As many as usually read at once; each is a connection of its own to DuckDB."""


class KeptCursors:
    """Cursors that wait for the next read. For any thread."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._free: list[duckdb.DuckDBPyConnection] = []
        self._is_closed = False
        self._lock = threading.Lock()

    def take(self) -> duckdb.DuckDBPyConnection:
        """One for a single read."""
        with self._lock:
            if self._free:
                return self._free.pop()
        return self._connection.cursor()

    def give_back(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """One that is in no transaction and has no tables registered."""
        with self._lock:
            if not self._is_closed and len(self._free) < KEPT_MAX:
                self._free.append(cursor)
                return
        cursor.close()

    def close(self) -> None:
        """Close those that wait; DuckDB keeps a file open as long as one of them is."""
        with self._lock:
            self._is_closed = True
            free, self._free = self._free, []
        for cursor in free:
            cursor.close()
