"""The scalar functions that live views ask: how many chunks a query sees, a chunk, the counts.

They are functions of this module and no object's, so that a database which outlives a connection
never calls what is gone.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from indexer.live.leases import schema_of
from indexer.live.schema import Reader
from indexer.system.duckdb_functions import ensure_arrow_function

BEGIN, STATS, RECEIVER = "live_begin", "live_stats", "live_receiver"
STATS_COLUMNS = {
    "ring": "VARCHAR",
    **dict.fromkeys(
        ("rows", "bytes", "max_rows", "max_bytes", "inserted_rows", "evicted_rows"), "BIGINT"
    ),
    **dict.fromkeys(
        ("decoded_bytes", "queries", "pinned_bytes", "pinned_bytes_max", "expired_queries"),
        "BIGINT",
    ),
}
RECEIVER_COLUMNS = {"protocol": "VARCHAR", "host": "VARCHAR", "port": "INTEGER"}
_ROWS: dict[str, Callable[[Any, Any, Any], pa.Array]] = {}
"""By name; DuckDB does not keep them."""


def create_functions(connection: duckdb.DuckDBPyConnection) -> None:
    """Those that all live schemas of a database share."""
    ensure_arrow_function(
        connection, BEGIN, begin, ["BIGINT", "UBIGINT", "UBIGINT", "VARCHAR"], "BIGINT"
    )
    ensure_arrow_function(connection, STATS, stats, ["BIGINT"], _rows_type(STATS_COLUMNS))
    ensure_arrow_function(connection, RECEIVER, receivers, ["BIGINT"], _rows_type(RECEIVER_COLUMNS))


def create_rows_function(connection: duckdb.DuckDBPyConnection, reader: Reader) -> str:
    """The name of the function whose rows have the columns of the reader; made if it has to be."""
    digest = hashlib.sha256(reader.row_sql_type.encode()).hexdigest()
    name = f"live_rows_{digest[:16]}"
    if name not in _ROWS:
        _ROWS[name] = _rows_of(pa.struct(list(reader.schema)))
    result = f"{reader.row_sql_type}[]"
    ensure_arrow_function(connection, name, _ROWS[name], ["BIGINT", "VARCHAR", "BIGINT"], result)
    return name


def begin(leases: Any, connections: Any, queries: Any, tables: Any) -> pa.Array:
    """How many chunks of a table a query sees."""
    columns = (column.to_pylist() for column in (leases, connections, queries, tables))
    return pa.array(
        [
            schema_of(lease).begin(lease, (connection, query), table)
            for lease, connection, query, table in zip(*columns, strict=True)
        ],
        pa.int64(),
    )


def stats(leases: Any) -> pa.Array:
    """The counts of a schema's rings, a row each."""
    return pa.array([_stats_of(lease) for lease in leases.to_pylist()])


def receivers(leases: Any) -> pa.Array:
    """Where a schema receives, a row each port."""
    return pa.array(
        [
            [
                {"protocol": name, "host": address.host, "port": address.port}
                for name, address in sorted(schema_of(lease).addresses.items())
            ]
            for lease in leases.to_pylist()
        ],
        pa.list_(
            pa.struct([("protocol", pa.string()), ("host", pa.string()), ("port", pa.int32())])
        ),
    )


def _rows_type(columns: dict[str, str]) -> str:
    fields = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"STRUCT({fields})[]"


def _stats_of(lease: int) -> list[dict[str, Any]]:
    schema = schema_of(lease)
    rings, queries = schema.snapshots.counts()
    return [
        {
            "ring": name,
            **asdict(counts),
            "decoded_bytes": schema.kept.bytes,
            **asdict(queries),
        }
        for name, counts in rings.items()
    ]


def _rows_of(row_type: pa.DataType) -> Callable[[Any, Any, Any], pa.Array]:
    def rows(leases: Any, tables: Any, numbers: Any) -> pa.Array:
        lengths = np.zeros(len(numbers) + 1, np.int32)
        found = []
        for place, number in enumerate(numbers.to_pylist()):
            if number is not None:
                lease = leases[place].as_py()
                batches = schema_of(lease).chunk(lease, tables[place].as_py(), number)
                lengths[place + 1] = sum(batch.num_rows for batch in batches)
                found += [batch.to_struct_array() for batch in batches]
        values = pa.concat_arrays(found) if found else pa.array([], row_type)
        return pa.ListArray.from_arrays(pa.array(np.cumsum(lengths, dtype=np.int32)), values)

    return rows
