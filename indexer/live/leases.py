"""Leases as DuckDB holds them: an Arrow stream without an end, one for each place in a query.

A view reads one row of it behind a LIMIT, so DuckDB never comes to its end, and lets go of it when
the query is over.
"""

import itertools
from collections.abc import Callable
from typing import Any

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

    DuckDB alone holds it. When it goes, by DETACH or with the connection, ``on_gone`` is called, in
    the middle of anything.
    """

    def __init__(self, schema: LiveSchema, on_gone: Callable[[], None]) -> None:
        self._schema = schema
        self._on_gone = on_gone

    def __arrow_c_schema__(self) -> Any:
        """Arrow's protocol: the columns."""
        return SCHEMA.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Arrow's protocol: a stream."""
        reader = pa.RecordBatchReader.from_batches(SCHEMA, _Lease(self._schema))
        return reader.__arrow_c_stream__(requested_schema)

    def __del__(self) -> None:
        self._on_gone()


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
