"""A live schema without DuckDB: its rings, its tables over them, and the queries that read them."""

from collections.abc import Mapping
from typing import Any, cast

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import QueryRefused
from indexer.live.limits import RingLimits
from indexer.live.otlp_rows import OtlpReader
from indexer.live.ring import Ring, RingSnapshot
from indexer.live.rows import KeptRows
from indexer.live.snapshots import QueryKey, Snapshots
from indexer.live.table_rows import Reader, TableRows
from indexer.otlp.requests import Signal
from indexer.otlp.rows.schemas import Kind
from indexer.system.addresses import Address

UNIFIED_COLUMNS = ("timestamp", "resource", "data")
"""Of ``traces``, ``logs`` and ``metrics``: the name of the table says the signal."""
OTLP_TABLES: dict[str, tuple[Signal, Kind]] = {
    "traces": ("traces", "unified"),
    "logs": ("logs", "unified"),
    "metrics": ("metrics", "unified"),
    "otlp_traces": ("traces", "traces"),
    "otlp_logs": ("logs", "logs"),
    "otlp_metrics_gauge": ("metrics", "gauge"),
    "otlp_metrics_sum": ("metrics", "sum"),
    "otlp_metrics_histogram": ("metrics", "histogram"),
    "otlp_metrics_exp_histogram": ("metrics", "exp_histogram"),
    "otlp_metrics_summary": ("metrics", "summary"),
}
SIGNALS: tuple[Signal, ...] = ("traces", "logs", "metrics")


@dataclass(frozen=True, slots=True)
class LiveTable:
    """A table over a ring."""

    ring: str
    reader: Reader
    columns: tuple[str, ...]


class LiveSchema:
    """Rings and their tables, as DuckDB's functions ask for them."""

    def __init__(
        self,
        rings: Mapping[str, Ring],
        tables: Mapping[str, LiveTable],
        *,
        pinned_bytes_max: int,
        kept: KeptRows,
    ) -> None:
        self.snapshots = Snapshots(rings, pinned_bytes_max=pinned_bytes_max)
        self.tables = dict(tables)
        self.addresses: dict[str, Address] = {}
        """Where it receives, by ``grpc`` and ``http``."""
        self.kept = kept
        self._places: list[tuple[str, str]] = []

    def add(self, name: str, ring: Ring, table: LiveTable) -> None:
        """One more ring with its table."""
        self.tables[name] = table
        self.snapshots.add(name, ring)

    def remove(self, name: str) -> None:
        """Let go of a ring and its table."""
        self.snapshots.remove(name)
        del self.tables[name]

    def begin(self, lease: int, query: QueryKey, table: str) -> int:
        """How many rows of a table a query sees. Raises SnapshotEvicted and QueryRefused."""
        snapshot = self.snapshots.begin(lease, query, self._table(table).ring)
        return len(self._rows(snapshot, table))

    def place(self, table: str, column: str) -> int:
        """The number of a column in SQL: DuckDB takes texts to Python at several times the cost."""
        self._places.append((table, column))
        return len(self._places) - 1

    def column(self, lease: int, place: int, numbers: Any) -> pa.Array:
        """Values of a column of those rows. Raises SnapshotEvicted and QueryRefused."""
        table, name = self._places[place]
        snapshot = self.snapshots.read(lease, self._table(table).ring)
        return self._rows(snapshot, table).column(name, numbers)

    def ranges(self, lease: int, place: int, firsts: Any, ends: Any) -> pa.ListArray:
        """Values of a column of ranges of rows. Raises SnapshotEvicted and QueryRefused."""
        table, name = self._places[place]
        snapshot = self.snapshots.read(lease, self._table(table).ring)
        return self._rows(snapshot, table).ranges(name, firsts, ends)

    def range_rows(self, table: str) -> int:
        """How long the ranges of a table are."""
        return self.snapshots.limits(self._table(table).ring).range_rows

    def _rows(self, snapshot: RingSnapshot, table: str) -> TableRows:
        found = snapshot.tables.get(table)
        if found is None:
            found = snapshot.tables[table] = TableRows(self._table(table).reader, snapshot)
        return cast("TableRows", found)

    def _table(self, name: str) -> LiveTable:
        found = self.tables.get(name)
        if found is None:
            raise QueryRefused(f"there is no live table {name!r}", hint="Use the schema's views.")
        return found


def otlp_schema(limits: RingLimits, *, pinned_bytes_max: int, decoded_bytes_max: int) -> LiveSchema:
    """A ring for each signal, and all tables that OTLP can be read as."""
    kept = KeptRows(decoded_bytes_max)
    tables = {}
    for name, (signal, kind) in OTLP_TABLES.items():
        reader = OtlpReader(signal, kind, kept)
        columns = UNIFIED_COLUMNS if kind == "unified" else tuple(reader.schema.names)
        tables[name] = LiveTable(signal, reader, columns)
    # Serialised requests in a row are one request.
    rings: dict[str, Ring] = {signal: Ring(limits, b"".join) for signal in SIGNALS}
    return LiveSchema(rings, tables, pinned_bytes_max=pinned_bytes_max, kept=kept)
