"""Requests in a segment as rows of one of the tables that OTLP can be read as."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import Any

import pyarrow as pa

from indexer.live.otlp_records import MEMBERS, points
from indexer.live.ring import Segment
from indexer.live.rows import KeptRows
from indexer.otlp.requests import Signal, parse_protobuf
from indexer.otlp.rows.metrics import DATA_OF
from indexer.otlp.rows.schemas import TABLES, Kind
from indexer.otlp.rows.tables import rows
from indexer.otlp.rows.wire_spans import wire_span_rows
from indexer.otlp.rows.wire_walk import Unusual

COLUMNS_BYTES_MIN = 64 << 10
"""Of requests whose spans are read by columns: that costs milliseconds however few they are."""


class OtlpReader:
    """The requests of one signal's ring as rows of one table."""

    def __init__(self, signal: Signal, kind: Kind, kept: KeptRows) -> None:
        self.signal, self.kind = signal, kind
        self._kept = kept
        self._key = f"{signal} as {kind}"
        # Columns of spans take a quarter of the time that their JSON takes.
        is_spans = (signal, kind) == ("traces", "unified")
        self._times = OtlpReader(signal, "traces", kept) if is_spans else None

    def count(self, segment: Segment, skip: int) -> int:
        """How many rows a segment has but for those of its first ``skip`` records."""
        if self.kind not in DATA_OF:
            return segment.rows - skip
        rows = int(self._rows(segment).num_rows)
        return rows - self._rows_of(segment, skip) if skip else rows

    def column(self, segment: Segment, name: str) -> pa.Array:
        """All values of a segment in a column."""
        if self._times is not None and name == "timestamp":
            return self._times.column(segment, "start_time_unix_nano")
        return self._rows(segment).column(name)

    def _rows(self, segment: Segment) -> pa.RecordBatch:
        return self._kept.get(segment, self._key, lambda: self._made(segment))

    def _made(self, segment: Segment) -> pa.RecordBatch:
        bodies = [piece.content for piece in segment.pieces]
        if self.kind == "traces" and sum(map(len, bodies)) >= COLUMNS_BYTES_MIN:
            with suppress(Unusual):
                return wire_span_rows(bodies)
        return rows(self.kind, self.signal, self._resources(bodies))

    def _resources(self, bodies: Sequence[bytes]) -> list[Any]:
        name = MEMBERS[self.signal].resources
        requests = [parse_protobuf(self.signal, body) for body in bodies]
        return list(chain.from_iterable(getattr(request, name) for request in requests))

    def _rows_of(self, segment: Segment, records: int) -> int:
        """How many rows of the table the first records make: those of its type, of metrics."""
        resources = self._resources([piece.content for piece in segment.pieces])
        kinds = (
            metric.WhichOneof("data")
            for each in resources
            for scope in each.scope_metrics
            for metric in scope.metrics
            for _ in points(metric)
        )
        return sum(kind == DATA_OF[self.kind] for kind in islice(kinds, records))

    @property
    def schema(self) -> pa.Schema:
        """The columns of the rows."""
        return TABLES[self.kind].schema

    @property
    def sql_types(self) -> dict[str, str]:
        """The SQL type of each column."""
        return TABLES[self.kind].columns
