"""A row of ``indexed_spans`` as every question reads it, and the span that it is."""

from typing import NamedTuple

import duckdb

from indexer.query.span import DataFile, Span
from indexer.spans import schema


class IndexRow(NamedTuple):
    """One row, as DuckDB gives it: columns of ``spans.schema`` by their names, as stored."""

    file_id: int
    file_row_number: int
    trace_id: str
    span_id: int
    parent_span_id: int | None
    service_name: str
    name: str
    start_time_unix_nano: int
    duration_ns: int
    status_code: int
    span_kind: int
    value: str | None


_STORED = {column.name: column.stored for column in schema.COLUMNS}
_METADATA = ", ".join(["file_id", *(_STORED[name] for name in IndexRow._fields[1:-1])])
COLUMNS = f"{_METADATA}, NULL"
"""What to select for ``index_rows``."""
COLUMNS_WITH_VALUE = f"{_METADATA}, value"
"""The same joined with the value of a promoted attribute."""


def index_rows(cursor: duckdb.DuckDBPyConnection, sql: str) -> list[IndexRow]:
    """The rows of a statement that selects ``COLUMNS``, or those with a value."""
    return list(map(IndexRow._make, cursor.execute(sql).fetchall()))


_new_span = tuple.__new__
"""Quicker than a call with as many arguments."""


def span_of_row(row: IndexRow, file: DataFile) -> Span:
    """The span that a row is, without its payload."""
    _, number, trace_id, span_id, parent, service, name, start, duration, status, kind, value = row
    parent_id = None if parent is None else f"{parent:016x}"
    ids = trace_id, f"{span_id:016x}", parent_id
    return _new_span(
        Span, (*ids, service, name, start, duration, status, kind, file, number, value, None)
    )
