"""Statements that take rows of Arrow, made once a connection and run with other rows each time.

To register rows, to plan the statement and to unregister them costs more than to insert a few
hundred (measured on 500 spans and a file's other tables: 17 ms in all, and 5 ms prepared).
"""

import ctypes
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import duckdb
import pyarrow as pa

PIECE_ROWS = 61_440
"""Rows that DuckDB gets at a time, half a row group, so that threads share one statement (measured
on 1.2M spans and two cores: 0.50 s, against 0.72 s in one piece)."""

_NUMBERS = itertools.count()
"""Of all statements, so that no name is ever of another place than the one it was made for: what
is read at a place that is gone ends the process."""
_STREAM_NAME = b"arrow_array_stream"
_RELEASE = 3
"""Of the five pointers of a stream, https://arrow.apache.org/docs/format/CStreamInterface.html, the
one that is null when there is none, or when who read it has taken it over."""
_Stream = ctypes.c_void_p * 5
_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype = ctypes.c_void_p
_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


class _Rows:
    """The place of one stream of rows, which DuckDB knows by name, filled anew for each run.

    A capsule is read as it is. Any other object DuckDB reads through Arrow's datasets, on threads
    of their own, which takes longer than to insert a few hundred rows (measured: 1.2 ms, 0.5).
    """

    def __init__(self) -> None:
        self._stream = _Stream()
        self.capsule = _new_capsule(ctypes.addressof(self._stream), _STREAM_NAME, None)

    @contextmanager
    def filled(self, rows: pa.Table) -> Iterator[None]:
        """These are read inside, once; what was not read is let go."""
        self._fill(rows)
        try:
            yield
        finally:
            if self._stream[_RELEASE]:
                pa.RecordBatchReader.from_stream(self).close()

    def _fill(self, rows: pa.Table) -> None:
        pieces = rows.to_batches(max_chunksize=PIECE_ROWS)
        exported = pa.RecordBatchReader.from_batches(rows.schema, pieces).__arrow_c_stream__()
        source = _Stream.from_address(_pointer(exported, _STREAM_NAME))
        ctypes.memmove(self._stream, source, ctypes.sizeof(_Stream))
        source[_RELEASE] = None  # moved, by the rule of the interface

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.capsule


class _Statements:
    """Statements of one connection, which one thread uses, by their SQL and the schema of rows."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, pa.Schema], tuple[int, _Rows]] = {}
        """The number that is in its names, and the place of its rows."""
        self._ready: set[tuple[str, pa.Schema]] = set()
        """Those of them that DuckDB knows."""

    def forget(self) -> None:
        """DuckDB may know none of them any more."""
        self._ready.clear()

    def run(
        self,
        connection: duckdb.DuckDBPyConnection,
        sql: str,
        rows: pa.Table,
        numbers: tuple[int, ...] = (),
        *,
        prepared: bool,
    ) -> None:
        key = (sql, rows.schema)
        if key not in self._kept:
            self._kept[key] = next(_NUMBERS), _Rows()
        number, given = self._kept[key]
        statement = sql.format(rows=f"given_rows_{number}")
        if key not in self._ready:
            with given.filled(rows.slice(0, 0)):
                connection.register(f"given_rows_{number}", given.capsule)
                if prepared:
                    connection.execute(f"PREPARE given_{number} AS {statement}")
            self._ready.add(key)
        with given.filled(rows):
            connection.execute(f"EXECUTE given_{number}" if prepared else statement, numbers)


_OF_CONNECTIONS: WeakKeyDictionary[duckdb.DuckDBPyConnection, _Statements] = WeakKeyDictionary()


def insert_rows(connection: duckdb.DuckDBPyConnection, sql: str, rows: pa.Table) -> None:
    """Run an INSERT of what it makes of ``{rows}`` alone, which it names where it reads them.

    It is planned once: it must read no table. For a few statements that come again and again, each
    kept as long as the connection, once for each schema of rows. Raises duckdb.Error.
    """
    _of(connection).run(connection, sql, rows, prepared=True)


def update_from_rows(
    connection: duckdb.DuckDBPyConnection, sql: str, rows: pa.Table, *numbers: int
) -> None:
    """Run a statement that reads a table beside ``{rows}``, with ``numbers`` as its ``$1``, ``$2``.

    Kept and raising like ``insert_rows``, but it is planned each time: DuckDB 1.5 leaves out of a
    plan what the statistics of a table rule out, and a prepared one keeps to that when other values
    have come (seen).
    """
    _of(connection).run(connection, sql, rows, numbers, prepared=False)


def forget_statements(connection: duckdb.DuckDBPyConnection) -> None:
    """For a transaction that was rolled back: with it goes where its first statements read rows."""
    _of(connection).forget()


def _of(connection: duckdb.DuckDBPyConnection) -> _Statements:
    return _OF_CONNECTIONS.setdefault(connection, _Statements())
