"""Live schemas without a receiver, and requests that fill them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import duckdb
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.live.attachment import Attachment
from indexer.live.exports import exporter
from indexer.live.limits import RingLimits
from indexer.live.ring import Piece, Ring
from indexer.live.schema import SIGNALS, otlp_schema


def ring(rows: int = 1000, size_bytes: int = 1 << 30) -> Ring:
    """A ring whose pieces are lists of numbers."""
    return Ring(RingLimits(rows=rows, bytes=size_bytes), lambda parts: list(chain(*parts)))


def piece(*numbers: int, size_bytes: int = 0) -> Piece:
    return Piece(list(numbers), len(numbers), size_bytes)


def seen(snapshot: Any) -> list[int]:
    """The numbers that a snapshot shows, in order."""
    found: list[int] = []
    for segment in snapshot.segments:
        numbers = [number for one in segment.pieces for number in one.content]
        found += numbers[max(0, snapshot.first_row - segment.first_row) :]
    return found


def spans(first: int, count: int = 1, *, resources: int = 1) -> ExportTraceServiceRequest:
    """Spans named by their numbers."""
    made = ExportTraceServiceRequest()
    for start in range(first, first + count, max(1, count // resources)):
        scope = made.resource_spans.add().scope_spans.add()
        for number in range(start, min(start + max(1, count // resources), first + count)):
            scope.spans.add(
                trace_id=b"t" * 16,
                span_id=(number + 1).to_bytes(8, "big"),
                name=str(number),
                start_time_unix_nano=1_700_000_000_000_000_000 + number,
            )
    return made


@dataclass(frozen=True)
class Live:
    """A schema ``live`` in a connection."""

    connection: duckdb.DuckDBPyConnection
    attachment: Attachment
    exports: Any

    def send(self, request: Any, signal: str = "traces") -> Any:
        return self.exports[signal](request.SerializeToString(), False)

    def ask(self, sql: str, *parameters: Any) -> list[Any]:
        return self.connection.execute(sql, list(parameters)).fetchall()

    def names(self) -> list[int]:
        """Of the spans in the table, in its order."""
        return [int(name) for (name,) in self.ask("SELECT name FROM live.otlp_traces")]

    def stats(self, signal: str = "traces") -> dict[str, Any]:
        cursor = self.connection.execute("FROM live.stats WHERE ring = ?", [signal])
        names = [column[0] for column in cursor.description]
        (row,) = cursor.fetchall()
        return dict(zip(names, row, strict=True))


@contextmanager
def live(
    rows: int = 1000,
    size_bytes: int = 64 << 20,
    pinned_bytes_max: int = 64 << 20,
    decoded_bytes_max: int = 64 << 20,
) -> Iterator[Live]:
    limits = RingLimits(rows=rows, bytes=size_bytes)
    schema = otlp_schema(
        limits, pinned_bytes_max=pinned_bytes_max, decoded_bytes_max=decoded_bytes_max
    )
    exports = {signal: exporter(signal, schema.snapshots.append, limits) for signal in SIGNALS}
    with closing(duckdb.connect(config={"threads": 2})) as connection:
        attachment = Attachment(connection, "live", schema)
        yield Live(connection, attachment, exports)
        attachment.close()
