"""Spans of export requests as one Arrow table: what the ingestion service writes into its files.

The columns are the 21 of Junjo Studio 0.82, and three of our own for the scope. A sender is
promised that its spans are kept, so no value of a span can fail the table: what a column cannot
hold is bounded, and ``LOST`` says what is not kept.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from indexer.otlp.clip import Clipped
from indexer.otlp.portions import portions, within_limits
from indexer.otlp.request_limits import REQUEST_LIMITS
from indexer.otlp.requests import within_repeated_bytes
from indexer.otlp.span_columns import span_columns
from indexer.otlp.span_groups import span_groups
from indexer.otlp.span_origins import SpanOrigin, SpanOrigins
from indexer.otlp.wire_fields import field

BATCH_SPANS = 8192
"""A record batch is closed once it has so many rows: one a request would cost more than its spans
where a request has only a few (measured: 2,048 cost a sixth more than these, 16,384 as much)."""
BATCH_BYTES = 64 << 20
"""Or once it was made of so many bytes: the text of a column is counted in 31 bits."""

_TIME = pa.timestamp("ns", "UTC")

SPAN_SCHEMA = pa.schema(
    [
        pa.field("span_id", pa.string(), nullable=False),
        pa.field("trace_id", pa.string(), nullable=False),
        pa.field("parent_span_id", pa.string()),
        pa.field("service_name", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("span_kind", pa.int8(), nullable=False),
        pa.field("start_time", _TIME, nullable=False),
        pa.field("end_time", _TIME, nullable=False),
        pa.field("duration_ns", pa.int64(), nullable=False),
        pa.field("status_code", pa.int8(), nullable=False),
        pa.field("status_message", pa.string()),
        pa.field("attributes", pa.string(), nullable=False),
        pa.field("events", pa.string(), nullable=False),
        pa.field("links", pa.string(), nullable=False),
        pa.field("trace_flags", pa.uint32(), nullable=False),
        pa.field("trace_state", pa.string()),
        pa.field("dropped_attributes_count", pa.uint32(), nullable=False),
        pa.field("dropped_events_count", pa.uint32(), nullable=False),
        pa.field("dropped_links_count", pa.uint32(), nullable=False),
        pa.field("resource_attributes", pa.string(), nullable=False),
        pa.field("resource_dropped_attributes_count", pa.uint32(), nullable=False),
        pa.field("scope_name", pa.string()),
        pa.field("scope_version", pa.string()),
        pa.field("scope_attributes", pa.string()),
    ]
)
"""Null means: a root span, or empty text."""
_CODED = frozenset(
    {"service_name", "resource_attributes", "scope_name", "scope_version", "scope_attributes"}
)
"""Texts that the spans of a scope share."""
CODED_SCHEMA = pa.schema(
    [
        field.with_type(pa.dictionary(pa.int32(), field.type)) if field.name in _CODED else field
        for field in SPAN_SCHEMA
    ]
)
"""The same columns while rows are put in order: each of those texts once, rows have its number."""
METADATA_COLUMNS = (
    *("trace_id", "span_id", "parent_span_id", "service_name", "name", "span_kind"),
    *("start_time", "end_time", "status_code"),
)
METADATA_SCHEMA = pa.schema([CODED_SCHEMA.field(name) for name in METADATA_COLUMNS])
"""What a span is, without what it has to say: a third of the time (measured)."""

LOST = (
    ("resource_spans.schema_url", "no column; attribute names are kept as they are"),
    ("scope_spans.schema_url", "no column; attribute names are kept as they are"),
    ("scope.dropped_attributes_count", "no column"),
    ("resource.entity_refs", "no column; the attributes that they refer to are kept"),
    ("attributes: an earlier value of a key", "OTLP forbids it; the last value holds"),
    ("attributes: that a value is bytes", "JSON has no bytes; they are hex text"),
    ("attributes: that a value is a NaN or infinite double", "JSON has none; it is text"),
    ("attributes: key_strindex and string_value_strindex", "only profiles have the string table"),
    ("span.kind beyond 5", "a kind that OTLP does not have is unspecified, 0"),
    ("status.code beyond 2", "a code that OTLP does not have is unset, 0"),
    ("times beyond 2**63 - 1", "a timestamp is signed; they are clamped to the year 2262"),
    ("that a parent_span_id is all zero", "OTLP calls it absent; the span is a root"),
    ("what a span has beyond its limits", "one small span of a million parts; they are counted"),
    ("spans without a valid trace_id and span_id", "no question finds them; the sender is told"),
    ("fields newer than OTLP 1.x of the installed package", "not known when they arrive"),
)
"""What of OTLP's spans a table does not keep, and why."""


_Group = tuple[SpanOrigin, Sequence[bytes]]
Portion = tuple[list[_Group], int]
"""What arrived together, and how many bytes of text it may come to."""


def span_table(bodies: Iterable[bytes]) -> pa.Table:
    """The rows of serialised ExportTraceServiceRequests, in order of arrival.

    Spans without ids are left out, and what a span has beyond its limits, which its counts of what
    was dropped say. Raises InvalidOtlp for a body that does not parse.
    """
    whole = (portion for body in bodies for portion in portions(body))
    return portions_table(whole).cast(SPAN_SCHEMA)


def span_metadata(bodies: Iterable[bytes]) -> pa.Table:
    """The same rows with the columns of ``METADATA_SCHEMA`` alone.

    A body whose payload alone does not parse has rows too.
    """
    whole = (portion for body in bodies for portion in portions(body))
    return _table(portions_of_requests(whole), METADATA_SCHEMA)


def portions_table(whole: Iterable[bytes]) -> pa.Table:
    """The same rows, in ``CODED_SCHEMA``, of what ``portions`` has made of the bodies.

    It is not looked at again.
    """
    return _table(portions_of_requests(whole))


def span_table_of(pairs: Iterable[tuple[bytes, bytes]]) -> pa.Table:
    """The same of (serialised Span, serialised Resource); nothing says their scope.

    An empty resource is one without attributes.
    """
    return _table(_from_pairs(pairs)).cast(SPAN_SCHEMA)


def portions_of_requests(whole: Iterable[bytes]) -> Iterator[Portion]:
    """The spans of what ``portions`` has made of bodies, by origin. Raises InvalidOtlp."""
    origins = SpanOrigins()
    for portion in whole:
        groups: list[_Group] = []
        repeated = 0
        for group in span_groups(portion):
            origin, size = origins.of(group.resource_spans, group.scope_spans)
            repeated += size * len(group.spans)
            groups.append((origin, group.spans))
        within_repeated_bytes(repeated)
        yield groups, len(portion) + repeated


def _from_pairs(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[Portion]:
    origins = SpanOrigins()
    for pair in pairs:
        span, resource = within_limits(*pair, REQUEST_LIMITS, Clipped())
        origin, _ = origins.of(field(1, resource), b"")
        yield [(origin, [span])], len(span) + len(resource)


def _table(portions: Iterable[Portion], schema: pa.Schema = CODED_SCHEMA) -> pa.Table:
    batches: list[pa.RecordBatch] = []
    groups: list[_Group] = []
    rows = size_bytes = 0
    for more, more_bytes in portions:
        groups += more
        rows += sum(len(spans) for _, spans in more)
        size_bytes += more_bytes
        if rows >= BATCH_SPANS or size_bytes >= BATCH_BYTES:
            batches += _batches(groups, schema)
            groups, rows, size_bytes = [], 0, 0
    if groups:
        batches += _batches(groups, schema)
    return pa.Table.from_batches(batches, schema)


def _batches(groups: Sequence[_Group], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    spans = [span for _, some in groups for span in some]
    names = SpanOrigin.__dataclass_fields__.keys() & schema.names
    shared = _shared([origin for origin, _ in groups], [len(some) for _, some in groups], names)
    first = 0
    for own in span_columns(spans, payload=schema is CODED_SCHEMA):
        count = len(own.is_kept)
        columns = {name: column.slice(first, count) for name, column in shared.items()}
        first += count
        yield _batch({**columns, **own.columns}, own.is_kept, schema)


def _batch(columns: Mapping[str, Any], is_kept: Any, schema: pa.Schema) -> pa.RecordBatch:
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, kind)
        for column, kind in ((columns[field.name], field.type) for field in schema)
    ]
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    return batch if is_kept.all() else batch.filter(pa.array(is_kept))


def _shared(
    origins: Sequence[SpanOrigin], counts: Sequence[int], names: Collection[str]
) -> dict[str, pa.Array]:
    """Each value is made into Arrow once for its scope."""
    rows = pa.array(np.repeat(np.arange(len(origins), dtype=np.int32), counts))
    return {
        name: _repeated([getattr(origin, name) for origin in origins], name, rows) for name in names
    }


def _repeated(values: Sequence[Any], name: str, rows: pa.Array) -> pa.Array:
    """The value of each row, as its column holds it."""
    kind = SPAN_SCHEMA.field(name).type
    if name not in _CODED:
        return pa.array(values, kind).take(rows)
    coded = pa.array(values, kind).dictionary_encode()
    return pa.DictionaryArray.from_arrays(coded.indices.take(rows), coded.dictionary)
