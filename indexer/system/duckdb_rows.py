"""DuckDB's answers as Arrow or as plain rows, the same way on every supported version."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the command line writes texts of SQL and loads no engine
    import duckdb
    import pyarrow as pa

Fetch = Callable[[str], Sequence[tuple[Any, ...]]]
"""Gives the rows of a statement, of which there are few."""

READER_ROWS = 500_000
"""Rows of one streamed part: about 100 MB of span metadata."""


def arrow_table(
    connection: "duckdb.DuckDBPyConnection", sql: str, params: dict[str, Any] | None = None
) -> "pa.Table":
    """The whole result."""
    return connection.sql(sql, params=params).to_arrow_table()


def arrow_batches(
    connection: "duckdb.DuckDBPyConnection", sql: str, params: dict[str, Any] | None = None
) -> "Iterator[pa.RecordBatch]":
    """The result in parts, for results that need not fit in memory."""
    yield from connection.sql(sql, params=params).to_arrow_reader(READER_ROWS)


def arrow_reader(
    connection: "duckdb.DuckDBPyConnection", sql: str, rows: int
) -> "pa.RecordBatchReader":
    """The same with its schema, in parts of so many rows, run as they are read."""
    return connection.sql(sql).to_arrow_reader(rows)


def rows(
    connection: "duckdb.DuckDBPyConnection", sql: str, params: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The result as one dictionary a row, by column name."""
    found: list[dict[str, Any]] = arrow_table(connection, sql, params).to_pylist()
    return found


def plain_rows(connection: "duckdb.DuckDBPyConnection", sql: str) -> list[dict[str, Any]]:
    """The same for a few rows of numbers and text: Arrow costs 0.4 ms more (measured).

    Not for times, whose Python values DuckDB makes with a library of time zones.
    """
    found = connection.execute(sql)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def text_literal(value: str) -> str:
    """An SQL string. A parameter costs 0.1 ms more, spent on looking for pandas (measured).

    DuckDB's parser ends at a NUL, which a name may have.
    """
    quoted = "'" + value.replace("'", "''") + "'"
    return quoted if "\0" not in value else "(" + quoted.replace("\0", "'||chr(0)||'") + ")"


def quoted_name(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def id_list(file_ids: Iterable[int]) -> str:
    """``(1, 2, 3)`` for an IN clause; a list of literals lets DuckDB skip row groups.

    Measured on 1M spans: 1.3 ms a trace with literals, 2.8 ms with ``unnest`` of a parameter.
    """
    return "(" + ", ".join(str(int(file_id)) for file_id in file_ids) + ")"
