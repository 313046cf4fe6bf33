"""Removal of spans: of named traces, of the oldest ones, of all.

DuckDB gives the space of deleted rows back with a checkpoint, because no index keeps it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import duckdb
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import CatalogBusy
from indexer.mastra.columns import stored_time
from indexer.mastra.database import Database
from indexer.mastra.trace_roots import delete_roots

TRACE_IDS_MAX = 1_000
"""Of one call, as Mastra defines it."""
_LOW_WATER = 0.9
"""A store that is too large is cut to this part of its limit, and so not again for a while."""
_CUTS_MAX = 8
"""Rows differ in size, so that what is to be deleted is an estimate, and made again."""
_USED = """
    SELECT
        (SELECT used_blocks * block_size FROM pragma_database_size()
         WHERE database_name = current_database()),
        (SELECT coalesce(sum(count), 0) FROM pragma_storage_info('mastra_spans')
         WHERE column_name = 'layers' AND segment_type <> 'VALIDITY'),
        (SELECT count(*) FROM mastra_spans)
"""
_LAST_CHANGE = "max(greatest(started_at, ended_at, updated_at))"


@dataclass(frozen=True, slots=True)
class Pruned:
    """What retention has removed and left."""

    spans: int
    """Rows deleted."""
    bytes: int
    """Of the spans that are left."""


def delete_traces(
    database: Database,
    trace_ids: Sequence[str],
    organization_id: str | None,
    resource_id: str | None,
) -> None:
    """Delete the spans of those traces that are of the tenant, if one is given.

    Other signals say nothing of a tenant: they go only with the whole trace.
    """
    if not trace_ids:
        return
    wanted = pa.table({"trace_id": pa.array(list(dict.fromkeys(trace_ids)), pa.string())})
    terms = ["trace_id IN (SELECT trace_id FROM wanted)"]
    tenant = {"organization_id": organization_id, "resource_id": resource_id}
    parameters = {name: value for name, value in tenant.items() if value is not None}
    terms += [f"{name} = ${name}" for name in parameters]
    with database.transaction() as connection:
        connection.register("wanted", wanted)
        try:
            connection.execute(f"DELETE FROM mastra_spans WHERE {' AND '.join(terms)}", parameters)
            delete_roots(connection)
            if not parameters:
                connection.execute(f"DELETE FROM mastra_signals WHERE {terms[0]}")
        finally:
            connection.unregister("wanted")


def delete_all(database: Database) -> None:
    """Delete every span and give their space back."""
    with database.transaction() as connection:
        for table in ("mastra_spans", "mastra_roots", "mastra_signals"):
            connection.execute(f"DELETE FROM {table}")
    _give_space_back(database)


def prune(
    database: Database, now: datetime, max_age: timedelta | None, max_bytes: int | None
) -> Pruned:
    """Delete whole traces without a change within ``max_age``, then the oldest ones.

    Of those as many as it takes until what is left uses no more than ``max_bytes``.
    """
    deleted = 0
    if max_age is not None:
        deleted += _delete_before(database, stored_time(now - max_age))
        _give_space_back(database)
    for _ in range(_CUTS_MAX):
        size = used_bytes(database)
        if max_bytes is None or size <= max_bytes:
            break
        cut = _delete_oldest(database, 1 - max_bytes * _LOW_WATER / size)
        deleted += cut
        if not _give_space_back(database) or not cut:
            break
    return Pruned(deleted, used_bytes(database))


def _give_space_back(database: Database) -> bool:
    """Of deleted rows; or later, where other transactions are in the way. Whether it was now."""
    try:
        database.checkpoint()
    except CatalogBusy:  # they are deleted all the same, and the next checkpoint gives it back
        return False
    return True


def used_bytes(database: Database) -> int:
    """Bytes of the spans that are there, an estimate.

    DuckDB frees the space of a deleted row with the last one of its row group, 122,880 rows. So it
    is the used part of the database, less the share of deleted rows in it: otherwise a store that
    was cut would seem as large as before, and be cut again.
    """
    with database.reading() as cursor:
        ((used, stored, left),) = cursor.execute(_USED).fetchall()
    return int(used) * int(left) // max(int(stored), 1)


def _delete_before(database: Database, moment: datetime) -> int:
    with database.transaction() as connection:
        return _deleted(
            connection,
            f"GROUP BY trace_id HAVING {_LAST_CHANGE} < $moment",
            {"moment": moment},
        )


def _delete_oldest(database: Database, part: float) -> int:
    """Delete that part of all traces, at least one."""
    with database.transaction() as connection:
        ((traces,),) = connection.execute(
            "SELECT count(DISTINCT trace_id) FROM mastra_spans"
        ).fetchall()
        count = max(1, round(traces * part))
        return _deleted(connection, f"GROUP BY trace_id ORDER BY {_LAST_CHANGE} LIMIT {count}", {})


def _deleted(
    connection: duckdb.DuckDBPyConnection, chosen: str, parameters: dict[str, datetime]
) -> int:
    rows = connection.execute(
        f"DELETE FROM mastra_spans WHERE trace_id IN (SELECT trace_id FROM mastra_spans {chosen})",
        parameters,
    ).fetchall()
    delete_roots(connection)
    return int(rows[0][0])
