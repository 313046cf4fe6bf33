"""Changes of spans as statements: what is new is inserted, and stored rows are changed in place."""

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from indexer.mastra.changes import RowValues, SpanChange, SpanKey, StoredSpan, row_values
from indexer.mastra.columns import UPDATABLE, arrow_column, stored_time
from indexer.mastra.database import Database
from indexer.mastra.span_keys import span_key
from indexer.mastra.trace_roots import insert_roots, replace_roots, update_roots

_FIND = """
    SELECT trace_id, span_id, stored.rowid, sequence, layers
    FROM mastra_spans AS stored
    JOIN (
        SELECT one.rowid AS row_id FROM mastra_spans AS one JOIN incoming USING (span_key)
    ) AS found ON stored.rowid = found.row_id
"""
"""Keys are looked for in their column alone: with the IDs, DuckDB would read those of all rows."""


def write_changes(database: Database, changes: Mapping[SpanKey, SpanChange]) -> None:
    """Apply the changes of a batch in one transaction. Raises CatalogWriteFailed."""
    if not changes:
        return
    with database.transaction() as connection:
        now = stored_time(datetime.now(UTC))
        keys = {ids: span_key(*ids) for ids in changes}
        known = database.known_keys()
        asked = known.among(keys.values())
        stored = _stored(connection, asked, changes)
        known.add(set(keys.values()).difference(asked))
        inserted: list[RowValues] = []
        changed: list[tuple[StoredSpan, RowValues]] = []
        for key, change in changes.items():
            found = stored.get(key)
            row = row_values(change, found)
            if found is None:
                inserted.append(row)
            elif row.values:
                changed.append((found, row))
        sequence = iter(database.next_sequence(len(changes)))
        numbers = {row.key: next(sequence) for row in inserted if row.is_new}
        numbers |= {row.key: next(sequence) for _, row in changed if row.is_new}
        _insert(database, connection, inserted, keys, numbers, now)
        _change(database, connection, changed, numbers, now)


def _stored(
    connection: duckdb.DuckDBPyConnection, asked: Sequence[int], changes: Container[SpanKey]
) -> dict[SpanKey, StoredSpan]:
    """Stored spans of a batch; another span may have one of its keys."""
    if not asked:
        return {}
    with _incoming(connection, {"span_key": pa.array(asked, pa.int64())}):
        rows = connection.execute(_FIND).fetchall()
    return {
        (trace_id, span_id): StoredSpan(row_id, sequence, layers)
        for trace_id, span_id, row_id, sequence, layers in rows
        if (trace_id, span_id) in changes
    }


def _insert(
    database: Database,
    connection: duckdb.DuckDBPyConnection,
    rows: Sequence[RowValues],
    keys: Mapping[SpanKey, int],
    numbers: Mapping[SpanKey, int],
    now: datetime,
) -> None:
    if not rows:
        return
    rows = sorted(rows, key=lambda row: row.key)  # a trace together: read and compressed better
    named: set[str] = set().union(*(row.values for row in rows))
    present = [name for name in UPDATABLE if name in named]
    columns = {
        "span_key": pa.array([keys[row.key] for row in rows], pa.int64()),
        "layers": pa.array([row.layers for row in rows], pa.int64()),
        "sequence": pa.array([numbers.get(row.key) for row in rows], pa.int64()),
        "trace_id": pa.array([row.key[0] for row in rows], pa.string()),
        "span_id": pa.array([row.key[1] for row in rows], pa.string()),
        "created_at": _times([now if row.is_new else None for row in rows]),
        "updated_at": _times([now if row.is_updated else None for row in rows]),
    }
    columns |= _columns(present, rows)
    database.filled.add(present)
    names = ", ".join(columns)
    with _incoming(connection, columns):
        connection.execute(f"INSERT INTO mastra_spans ({names}) SELECT {names} FROM incoming")
        insert_roots(connection, columns)


def _change(
    database: Database,
    connection: duckdb.DuckDBPyConnection,
    changed: Sequence[tuple[StoredSpan, RowValues]],
    numbers: Mapping[SpanKey, int],
    now: datetime,
) -> None:
    """One statement for all rows that have the same columns changed."""
    groups: dict[Any, list[tuple[StoredSpan, RowValues]]] = defaultdict(list)
    for stored, row in changed:
        groups[row.is_new, row.is_updated, tuple(sorted(row.values))].append((stored, row))
    for (is_new, is_updated, names), members in groups.items():
        database.filled.add(names)
        rows = [row for _, row in members]
        columns = {
            "row_id": pa.array([stored.row_id for stored, _ in members], pa.int64()),
            "layers": pa.array([row.layers for row in rows], pa.int64()),
            **_columns(names, rows),
        }
        if is_new:
            columns["sequence"] = pa.array([numbers[row.key] for row in rows], pa.int64())
            columns["created_at"] = _times([now] * len(rows))
        if is_updated:
            columns["updated_at"] = _times([now] * len(rows))
        changes = [f"{name} = incoming.{name}" for name in columns if name != "row_id"]
        if not is_new:
            sequences = [stored.sequence for stored, _ in members]
            columns["sequence"] = pa.array(sequences, pa.int64())
        with _incoming(connection, columns):
            connection.execute(
                f"UPDATE mastra_spans SET {', '.join(changes)} FROM incoming "
                "WHERE mastra_spans.rowid = incoming.row_id"
            )
            if is_new or "parent_span_id" in names:
                replace_roots(connection)
            else:
                update_roots(connection, columns.keys() - {"sequence"})


def _columns(names: Sequence[str], rows: Sequence[RowValues]) -> dict[str, pa.Array]:
    return {name: arrow_column(name, [row.values.get(name) for row in rows]) for name in names}


def _times(values: Sequence[datetime | None]) -> pa.Array:
    return pa.array(values, pa.timestamp("us"))


@contextmanager
def _incoming(
    connection: duckdb.DuckDBPyConnection, columns: Mapping[str, pa.Array]
) -> Iterator[None]:
    """The columns are the table ``incoming`` inside."""
    connection.register("incoming", pa.table(columns))
    try:
        yield
    finally:
        connection.unregister("incoming")
