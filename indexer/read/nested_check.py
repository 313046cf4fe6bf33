"""Whether SQL shows the nested columns of a file as the canonical reader does, row by row.

What DuckDB makes of a MAP, a STRUCT or lists side by side is compared with the canonical value of
each row, the kinds of numbers included. A file in which one of them differs keeps that column for
the canonical reader.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import duckdb

from indexer.parquet.file_columns import FileColumns
from indexer.read.canonical_columns import canonical_rows, stands_as_it_is
from indexer.read.dialect import Layout
from indexer.read.dialect_fields import PayloadColumn
from indexer.read.json_text import parse_json
from indexer.read.payload_sql import payload_expression
from indexer.system.duckdb_connection import connect
from indexer.system.duckdb_rows import text_literal

BATCH_ROWS = 2_048
"""Rows of a nested column in memory at a time."""
_PAUSE_ROWS = 64
"""Rows between two pauses: about a millisecond of work."""


def is_shown_by_sql(
    file: FileColumns,
    path: str,
    layout: Layout,
    payload: PayloadColumn,
    seen: Callable[[list[str | None]], None],
) -> bool:
    """Whether the expression of the column has the canonical value of every row.

    ``path`` is where DuckDB finds the open file. ``seen`` is given the canonical JSON of a few rows
    at a time, before they are compared; what it raises ends the check. Raises as
    ``FileColumns.batches``.
    """
    expression = payload_expression(payload, layout.nested_columns)
    source = f"read_parquet([{text_literal(path)}], hive_partitioning = false) AS payload"
    columns = list(dict.fromkeys(payload.columns))
    positions = [layout.positions[column] for column in columns]
    with connect() as connection:
        try:
            connection.execute(f"SELECT ({expression})::VARCHAR FROM {source}")
            for batch in file.batches(positions, BATCH_ROWS):
                table = batch.rename_columns(columns)
                for first in range(0, len(table), _PAUSE_ROWS):
                    rows = table.slice(first, _PAUSE_ROWS)
                    right = canonical_rows(payload, rows).to_pylist()
                    seen(right)
                    shown = [text for (text,) in connection.fetchmany(len(right))]
                    if not all(map(partial(is_same_json, payload.name), shown, right)):
                        return False
            return not connection.fetchmany(1)
        except duckdb.Error:
            return False


def is_same_json(name: str, shown: str | None, right: str | None) -> bool:
    """Whether two JSON texts of a column say the same, the first without a rule for odd JSON."""
    if shown == right:
        return True
    if shown is None or right is None or not stands_as_it_is(name, shown):
        return False
    return _sorted(parse_json(shown)) == _sorted(parse_json(right))


def _sorted(value: Any) -> str:
    """Text that is the same for equal values: 1, 1.0 and true are three."""
    return json.dumps(value, sort_keys=True)
