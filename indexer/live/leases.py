"""Leases as DuckDB holds them: an Arrow stream without an end, one for each place in a query.

A view reads one row of it behind a LIMIT, so DuckDB never comes to its end, and lets go of it when
the query is over.
"""

import itertools
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa

from indexer.errors import QueryRefused
from indexer.live.schema import LiveSchema

SCHEMA = pa.schema([("lease", pa.int64())])

_numbers = itertools.count(1)
_schemas: dict[int, LiveSchema] = {}
"""Of each lease, by the number that goes through SQL."""


def schema_of(lease: int) -> LiveSchema:
    """The schema that a lease is of. Raises QueryRefused when it has ended."""
    found = _schemas.get(lease)
    if found is None:
        raise QueryRefused("a live table is read outside of its view", hint="Use the view.")
    return found


class Leases:
    """What a view scans: each scan is a new lease.

    DuckDB alone holds it. When it goes, by DETACH or with the connection, ``on_gone`` is called
    with the reader, in the middle of anything.

    The reader is the cursor in which the view is made. DuckDB 1.5 goes on using its memory in every
    scan of the view, so it has to stay open for as long as this is there.
    """

    def __init__(
        self,
        schema: LiveSchema,
        reader: duckdb.DuckDBPyConnection,
        on_gone: Callable[[duckdb.DuckDBPyConnection], None],
    ) -> None:
        self._schema = schema
        self.reader = reader
        self._on_gone = on_gone

    def __arrow_c_schema__(self) -> Any:
        """Arrow's protocol: the columns."""
        return SCHEMA.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Arrow's protocol: a stream. Raises QueryRefused once the reader is closed."""
        try:
            self.reader.extract_statements("")
        except duckdb.ConnectionException as error:
            raise QueryRefused(
                "the cursor that attached the live schema is closed",
                hint="Attach with the connection itself, or keep its cursor open.",
            ) from error
        reader = pa.RecordBatchReader.from_batches(SCHEMA, _Lease(self._schema))
        return reader.__arrow_c_stream__(requested_schema)

    def __del__(self) -> None:
        self._on_gone(self.reader)


class _Lease:
    """The batches of one scan."""

    def __init__(self, schema: LiveSchema) -> None:
        self._number = next(_numbers)
        self._snapshots = schema.snapshots
        _schemas[self._number] = schema
        self._snapshots.open_lease(self._number)

    def __iter__(self) -> "_Lease":
        return self

    def __next__(self) -> pa.RecordBatch:
        return pa.record_batch([pa.array([self._number], pa.int64())], schema=SCHEMA)

    def __del__(self) -> None:
        _schemas.pop(self._number, None)
        self._snapshots.release_lease(self._number)
