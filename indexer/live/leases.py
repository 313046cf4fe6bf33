"""Leases as DuckDB holds them: an Arrow stream without an end, one for each place in a query.

A view reads one row of it behind a LIMIT, so DuckDB never comes to its end, and lets go of it when
the query is over.
"""

import atexit
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa

from indexer.errors import QueryRefused
from indexer.live.schema import LiveSchema

SCHEMA = pa.schema([("lease", pa.int64())])

PAUSE_S, PAUSE_S_MAX = 0.005, 0.25
"""A thread of Arrow reads the stream ahead for as long as the query lasts: 2,000 times in 300 ms,
and a query with one column took five times as long. A pause holds up the end of the query too."""
PAUSE_SHARE = 1 / 20
"""Of the time that the query has lasted."""

ENDED_WITHIN_S = 5.0
_ending = threading.Event()
_reading: set[int] = set()
"""Threads that are in a stream."""

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
        self._batch = pa.record_batch([pa.array([self._number], pa.int64())], schema=SCHEMA)
        self._began_s: float | None = None

    def __iter__(self) -> "_Lease":
        return self

    def __next__(self) -> pa.RecordBatch:
        _reading.add(threading.get_ident())
        try:
            if self._began_s is None:
                self._began_s = time.monotonic()
            elif _ending.wait(_pause_s(time.monotonic() - self._began_s)):
                raise StopIteration
            return self._batch
        finally:
            _reading.discard(threading.get_ident())

    def __del__(self) -> None:
        _schemas.pop(self._number, None)
        self._snapshots.release_lease(self._number)


def _pause_s(lasted_s: float) -> float:
    return min(max(PAUSE_S, lasted_s * PAUSE_SHARE), PAUSE_S_MAX)


@atexit.register
def _end_streams() -> None:
    """A thread that comes back to an interpreter which is gone would end the process."""
    if not (_schemas or _reading):
        return
    _ending.set()
    ends_s = time.monotonic() + ENDED_WITHIN_S
    while _reading and time.monotonic() < ends_s:
        time.sleep(PAUSE_S)
    time.sleep(PAUSE_S)  # from the last line in Python until Arrow is told
