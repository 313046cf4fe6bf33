"""OTLP bytes as rows, where one body that does not decode costs that body alone."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from functools import lru_cache
from itertools import pairwise
from typing import Generic, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidOtlp
from indexer.hot.identity import identified_row, identified_rows, keys_of_requests
from indexer.hot.metadata import HotMetadata, ReadColumns
from indexer.otlp.clip import Clipped
from indexer.otlp.metadata_arrays import MetadataArrays, metadata_arrays
from indexer.otlp.portions import is_ordinary, portions
from indexer.otlp.requests import parse_protobuf, repeated_bytes, span_count
from indexer.otlp.span_groups import SpanGroup
from indexer.otlp.span_origins import SpanOrigins
from indexer.otlp.span_rows import SpanRow, span_rows
from indexer.otlp.spans import SPAN_SCHEMA, span_metadata, span_table, span_table_of
from indexer.spans.identity import SpanKeys
from indexer.telemetry.log import SPANS_CLIPPED, log

T = TypeVar("T")


ROW_BYTES = 200
"""Of a row's times, numbers, ids in hex and offsets."""
TEXT_GROWTH = 2
"""Of attributes as JSON: bytes become hex, and numbers digits."""


METADATA_SPANS = 4_096
"""Read side by side, about: a half takes a quarter more for each span, and four times as many a
half, of which the bytes are in no cache any more (measured)."""
_ORIGINS = SpanOrigins()
"""Of the few spans of each question: senders say the same ones again and again."""


def few_rows(groups: Iterable[SpanGroup]) -> list[SpanRow]:
    """Rows of real spans, as they are in a table. Raises InvalidOtlp."""
    return [identified_row(row) for row in span_rows(groups, _ORIGINS)]


def table_rows(table: pa.Table) -> list[SpanRow]:
    """The same of a table of few rows."""
    names = table.column_names
    columns = [_plain(column).to_pylist() for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column


def rows_bytes(body: bytes) -> int:
    """Bytes that the rows of an export request may come to. Raises InvalidOtlp."""
    total = 0
    for portion in portions(body):
        request = parse_protobuf("traces", portion)
        text_bytes = TEXT_GROWTH * (len(portion) + repeated_bytes(request))
        total += text_bytes + ROW_BYTES * span_count(request)
    return total


def only_trace(body: bytes, trace_id: bytes) -> bytes:
    """The export request without the spans of other traces. Raises InvalidOtlp."""
    return b"".join(_only_trace(portion, trace_id) for portion in portions(body))


def _only_trace(body: bytes, trace_id: bytes) -> bytes:
    request = cast("ExportTraceServiceRequest", parse_protobuf("traces", body))
    for group in request.resource_spans:
        for scope in group.scope_spans:
            chosen = [span for span in scope.spans if span.trace_id == trace_id]
            del scope.spans[:]
            scope.spans.extend(chosen)
    return request.SerializeToString()


def within_limits(body: bytes) -> bytes:
    """The export request with its spans clipped to what one may hold. Raises InvalidOtlp.

    It is what every later step sees, so that a log of an older version costs its size once.
    """
    if is_ordinary(body):
        return body
    clipped = Clipped()
    short = b"".join(portions(body, clipped=clipped))
    if not clipped.messages:
        return body
    log(SPANS_CLIPPED, str(clipped), **clipped.left_out)
    return short


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoder:
    """How OTLP becomes rows. Each raises InvalidOtlp; rows are in the order of what is given."""

    schema: pa.Schema = SPAN_SCHEMA
    requests: Callable[[Iterable[bytes]], pa.Table] = span_table
    """Of serialised export requests."""
    metadata: Callable[[Iterable[bytes]], pa.Table] = span_metadata
    """The same without payload."""
    arrays: Callable[[Sequence[bytes]], MetadataArrays | None] = metadata_arrays
    """The same as arrays, of ordinary requests; None of others."""
    pairs: Callable[[Iterable[tuple[bytes, bytes]]], pa.Table] = span_table_of
    """Of serialised (span, resource)."""
    bounded: Callable[[bytes], bytes] = within_limits
    """The export request with no span beyond limits; what the others are given."""
    weight: Callable[[bytes], int] = rows_bytes
    """Bytes that the rows of an export request may come to; what this takes, ``requests`` takes."""
    of_trace: Callable[[bytes, bytes], bytes] = only_trace
    """The export request with the spans of a trace alone."""

    few: Callable[[Iterable[SpanGroup]], list[SpanRow]] = few_rows
    """Of a few spans, as values."""
    identities: Callable[[Sequence[bytes]], SpanKeys] = keys_of_requests
    """Of the spans of serialised export requests."""

    def empty(self) -> pa.Table:
        """No spans."""
        return _empty(self)


@lru_cache(maxsize=8)
def _empty(decoder: Decoder) -> pa.Table:
    """Every trace is looked for in what is hot, and mostly nothing is: to make it took 2 ms."""
    return identified_rows(decoder.schema.empty_table())[0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """Rows of real spans; those of part ``i`` end before ``ends[i]``."""

    table: pa.Table
    ends: npt.NDArray[np.int64]
    unreadable: tuple[int, ...]
    """Parts that do not decode; they have no rows."""


def decode_parts(
    decode: Callable[[Iterable[T]], pa.Table], parts: Sequence[T], counts: Sequence[int] | None
) -> Decoded:
    """All parts in one step, or in halves where that fails or ``counts`` are not the truth.

    ``counts`` are the spans of each part as the server says: believed when their sum is right.
    Without them ``ends`` mean nothing.
    """
    found = _Parts(decode, counts)
    found.decode(parts, 0)
    tables = found.tables or [decode(())]
    table, valid = identified_rows(pa.concat_tables(tables).combine_chunks())
    kept_before = np.concatenate([[0], np.cumsum(valid)]).astype(np.int64)
    rows = np.array(found.rows, np.int64)
    return Decoded(
        table=table, ends=kept_before[np.cumsum(rows)], unreadable=tuple(found.unreadable)
    )


@dataclass(slots=True)
class _Parts(Generic[T]):
    """Halving finds the few bad ones among many in a few steps each."""

    decoder: Callable[[Iterable[T]], pa.Table]
    counts: Sequence[int] | None
    tables: list[pa.Table] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)

    def decode(self, parts: Sequence[T], first: int) -> None:
        rows = self._tried(parts, first)
        if rows is not None:
            self.rows += rows
        elif len(parts) == 1:
            self.unreadable.append(first)
            self.rows.append(0)
        else:
            half = len(parts) // 2
            self.decode(parts[:half], first)
            self.decode(parts[half:], first + half)

    def _tried(self, parts: Sequence[T], first: int) -> list[int] | None:
        """The rows of each part, or None when they are not known in one step."""
        try:
            table = self.decoder(parts)
        except InvalidOtlp:
            return None
        if len(parts) == 1:
            rows = [table.num_rows]
        elif self.counts is None:
            rows = [0] * len(parts)
        else:
            rows = list(self.counts[first : first + len(parts)])
            if sum(rows) != table.num_rows:
                return None
        self.tables.append(table)
        return rows


def decode_metadata(
    decoder: Decoder, bodies: Sequence[bytes], counts: Sequence[int], read: ReadColumns
) -> HotMetadata:
    """What the spans of all bodies are; ``counts`` are those of each, about.

    Raises InvalidOtlp.
    """
    ends = np.cumsum(counts) // METADATA_SPANS
    bounds = [0, *(np.flatnonzero(np.diff(ends)) + 1).tolist(), len(bodies)]
    parts = []
    for first, end in pairwise(bounds):
        some = bodies[first:end]
        arrays = decoder.arrays(some)
        if arrays is not None:
            parts.append(HotMetadata.of_arrays(arrays))
        else:
            parts.append(HotMetadata.of(identified_rows(decoder.metadata(some))[0], read))
    return HotMetadata.joined(parts)
