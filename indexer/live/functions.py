"""The scalar functions that live views ask: how many rows a query sees, their values, the counts.

They are functions of this module and no object's, so that a database which outlives a connection
never calls what is gone.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from indexer.live.leases import schema_of
from indexer.live.table_rows import Reader
from indexer.system.duckdb_functions import ensure_arrow_function

BEGIN, STATS, RECEIVER = "live_begin", "live_stats", "live_receiver"
VALUE = "live_value"
"""The field that a value of a column is in."""
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
_VALUES: dict[str, Callable[..., pa.Array]] = {}
"""By name; DuckDB does not keep them."""


def create_functions(connection: duckdb.DuckDBPyConnection) -> None:
    """Those that all live schemas of a database share."""
    ensure_arrow_function(
        connection, BEGIN, begin, ["BIGINT", "UBIGINT", "UBIGINT", "VARCHAR"], "BIGINT"
    )
    ensure_arrow_function(connection, STATS, stats, ["BIGINT"], _rows_type(STATS_COLUMNS))
    ensure_arrow_function(connection, RECEIVER, receivers, ["BIGINT"], _rows_type(RECEIVER_COLUMNS))


class ValueFunction(NamedTuple):
    """A function for the values of a column, and what stands behind its result in SQL."""

    name: str
    field: str
    is_of_ranges: bool
    """Whether it is given ranges of rows, and gives a list for each; otherwise rows' numbers."""


def create_value_functions(
    connection: duckdb.DuckDBPyConnection, reader: Reader
) -> dict[str, ValueFunction]:
    """The function of each column; made if need be."""
    return {
        column: _ensure_function(connection, reader.schema.field(column).type, sql_type)
        for column, sql_type in reader.sql_types.items()
    }


def _ensure_function(
    connection: duckdb.DuckDBPyConnection, value_type: pa.DataType, sql_type: str
) -> ValueFunction:
    # DuckDB takes no Arrow text for JSON unless it is in a struct. JSON is also what takes long to
    # make, so that it is made row by row, for the rows that a filter leaves.
    is_json = "JSON" in sql_type.upper()
    digest = hashlib.sha256(sql_type.encode()).hexdigest()
    name = f"live_{'value' if is_json else 'values'}_{digest[:16]}"
    if name not in _VALUES:
        _VALUES[name] = _values_of(value_type) if is_json else _ranges_of(value_type)
    if is_json:
        parameters, result = ["BIGINT", "INTEGER", "BIGINT"], f"STRUCT({VALUE} {sql_type})"
    else:
        parameters, result = ["BIGINT", "INTEGER", "BIGINT", "BIGINT"], f"{sql_type}[]"
    ensure_arrow_function(connection, name, _VALUES[name], parameters, result)
    return ValueFunction(name, f".{VALUE}" if is_json else "", is_of_ranges=not is_json)


def begin(leases: Any, connections: Any, queries: Any, tables: Any) -> pa.Array:
    """How many rows of a table a query sees."""
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


def _values_of(value_type: pa.DataType) -> Callable[..., pa.Array]:
    """A function of leases and places, alike in all rows of a call, and of rows' numbers."""

    def values(leases: Any, places: Any, numbers: Any) -> pa.Array:
        found = pa.array([], value_type)
        if len(numbers):
            lease = leases[0].as_py()
            found = schema_of(lease).column(lease, places[0].as_py(), _numbers(numbers))
        return pa.StructArray.from_arrays([found], [VALUE])

    return values


def _ranges_of(value_type: pa.DataType) -> Callable[..., pa.Array]:
    """A function of the same, and of the first rows and the ends of ranges."""

    def ranges(leases: Any, places: Any, firsts: Any, ends: Any) -> pa.Array:
        if not len(firsts):
            return pa.array([], pa.list_(value_type))
        lease, place = leases[0].as_py(), places[0].as_py()
        return schema_of(lease).ranges(lease, place, _numbers(firsts), _numbers(ends))

    return ranges


def _numbers(column: Any) -> Any:
    return column.to_numpy(zero_copy_only=False)
