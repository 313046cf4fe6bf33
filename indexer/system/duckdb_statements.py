"""Statements that take rows of Arrow, made once a connection and run with other rows each time.

To register rows, to plan the statement and to unregister them costs more than to insert a few
hundred (measured on 500 spans and a file's other tables: 17 ms in all, and 8 ms prepared).
"""

from typing import Any
from weakref import WeakKeyDictionary

import duckdb
import pyarrow as pa

PIECE_ROWS = 61_440
"""Rows that DuckDB gets at a time, half a row group, so that threads share one statement (measured
on 1.2M spans and two cores: 0.50 s, against 0.72 s in one piece)."""


class _Rows:
    """Rows that DuckDB asks for again with each run: the statement's name for them stays."""

    def __init__(self, schema: pa.Schema) -> None:
        self._empty = schema.empty_table()
        self.table = self._empty

    def __arrow_c_schema__(self) -> Any:
        return self._empty.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        pieces = self.table.to_batches(max_chunksize=PIECE_ROWS)
        reader = pa.RecordBatchReader.from_batches(self.table.schema, pieces)
        return reader.__arrow_c_stream__(requested_schema)

    def clear(self) -> None:
        """Keep no rows."""
        self.table = self._empty


class _Statements:
    """Statements of one connection, which one thread uses, by their SQL and the schema of rows."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, pa.Schema], tuple[str, _Rows]] = {}

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
            self._kept[key] = self._keep(connection, sql, rows.schema, prepared=prepared)
        statement, given = self._kept[key]
        given.table = rows
        try:
            connection.execute(statement, numbers)
        finally:
            given.clear()

    def _keep(
        self, connection: duckdb.DuckDBPyConnection, sql: str, schema: pa.Schema, *, prepared: bool
    ) -> tuple[str, _Rows]:
        given, number = _Rows(schema), len(self._kept)
        connection.register(f"given_rows_{number}", given)
        statement = sql.format(rows=f"given_rows_{number}")
        if not prepared:
            return statement, given
        connection.execute(f"PREPARE given_{number} AS {statement}")
        return f"EXECUTE given_{number}", given


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


def _of(connection: duckdb.DuckDBPyConnection) -> _Statements:
    return _OF_CONNECTIONS.setdefault(connection, _Statements())
