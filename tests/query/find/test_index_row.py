"""A row of the index has every column that is declared, under its own name."""

from __future__ import annotations

import duckdb

from indexer.query.find.index_row import COLUMNS, COLUMNS_WITH_VALUE, IndexRow, index_rows
from indexer.spans import schema

POSITION = {"position_in_row"}
"""Of a span in a file with a trace a row: payload is found by the row alone, and by the ids."""


def test_a_row_has_the_declared_columns() -> None:
    declared = {column.name for column in schema.COLUMNS} - POSITION
    assert set(IndexRow._fields) == {"file_id", *declared, "value"}


def test_each_column_is_selected_into_the_field_of_its_name() -> None:
    """From a table whose values are the names of its columns, in another order."""
    names = sorted(["file_id", "value", *(column.stored for column in schema.COLUMNS)])
    table = ", ".join(f"'{name}' AS {name}" for name in names)
    stored = {column.name: column.stored for column in schema.COLUMNS}
    with duckdb.connect() as connection:
        rest = f"FROM (SELECT {table})"
        (valued,) = index_rows(connection, f"SELECT {COLUMNS_WITH_VALUE} {rest}")
        (plain,) = index_rows(connection, f"SELECT {COLUMNS} {rest}")
    assert valued == tuple(stored.get(field, field) for field in IndexRow._fields)
    assert plain == valued._replace(value=None)
