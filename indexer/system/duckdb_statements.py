"""Statements that take rows of Arrow, prepared once a connection and run with other rows each time.

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
    """The prepared statements of one connection, which one thread uses."""

    def __init__(self) -> None:
        self._prepared: dict[tuple[str, pa.Schema], tuple[str, _Rows]] = {}

    def run(
        self,
        connection: duckdb.DuckDBPyConnection,
        sql: str,
        rows: pa.Table,
        numbers: tuple[int, ...],
    ) -> None:
        key = (sql, rows.schema)
        if key not in self._prepared:
            self._prepared[key] = self._prepare(connection, sql, rows.schema)
        name, given = self._prepared[key]
        given.table = rows
        try:
            connection.execute(f"EXECUTE {name}{_arguments(numbers)}")
        finally:
            given.clear()

    def _prepare(
        self, connection: duckdb.DuckDBPyConnection, sql: str, schema: pa.Schema
    ) -> tuple[str, _Rows]:
        given, number = _Rows(schema), len(self._prepared)
        connection.register(f"given_rows_{number}", given)
        connection.execute(f"PREPARE given_{number} AS {sql.format(rows=f'given_rows_{number}')}")
        return f"given_{number}", given


_OF_CONNECTIONS: WeakKeyDictionary[duckdb.DuckDBPyConnection, _Statements] = WeakKeyDictionary()


def execute_with_rows(
    connection: duckdb.DuckDBPyConnection, sql: str, rows: pa.Table, *numbers: int
) -> None:
    """Run a statement that changes tables, and that has ``{rows}`` where it reads the rows.

    ``numbers`` are its ``$1``, ``$2``. For a few statements that come again and again: each is kept
    as long as the connection, once for each schema of rows. Raises duckdb.Error.
    """
    statements = _OF_CONNECTIONS.setdefault(connection, _Statements())
    statements.run(connection, sql, rows, numbers)


def _arguments(numbers: tuple[int, ...]) -> str:
    return f"({', '.join(str(int(number)) for number in numbers)})" if numbers else ""
