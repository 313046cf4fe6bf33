"""Trace requests in OTLP's JSON as rows of ``read_otlp_traces``, column by column.

Arrow's JSON reader makes columns of documents that are all of one shape: no member that is not
OTLP's, no value of another type. Any other document is Unusual, and ``json_mapping`` reads it. The
rows are the same either way.
"""

import io
from binascii import a2b_base64
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json as pj
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.otlp.json_mapping import NotThisMessage, read_message
from indexer.otlp.requests import REPEATED_BYTES_MAX
from indexer.otlp.rows.json_limits import check_owner, check_spans
from indexer.otlp.rows.origins import origin_columns, origin_of
from indexer.otlp.rows.schemas import TABLES
from indexer.otlp.rows.traces import durations
from indexer.otlp.rows.values import INT_MAX, times
from indexer.otlp.rows.wire_attributes import (
    ValueTexts,
    double_texts,
    object_texts,
    place_texts,
    quote_texts,
)
from indexer.otlp.rows.wire_walk import Unusual
from indexer.otlp.values import events_text, links_text
from indexer.system import arrow_compute as pc

_UINT_32_MAX = 2**32 - 1
_TEXT = pa.string()
_HALF_PAIR = (b"\\ud", b"\\uD")
"""What an escape of half a surrogate pair begins with, which is not told from a whole one here."""


def _schema(integers: pa.DataType) -> pa.Schema:
    """The shape of a document whose 64-bit attribute values are text, or are numbers."""
    simple = [
        ("stringValue", _TEXT),
        ("intValue", integers),
        ("doubleValue", pa.float64()),
        ("boolValue", pa.bool_()),
        ("bytesValue", _TEXT),
    ]
    values = pa.list_(pa.struct(simple))
    pairs = pa.list_(pa.struct([("key", _TEXT), ("value", pa.struct(simple))]))
    value = pa.struct(
        [
            *simple,
            ("arrayValue", pa.struct([("values", values)])),
            ("kvlistValue", pa.struct([("values", pairs)])),
        ]
    )
    attributes = pa.list_(pa.struct([("key", _TEXT), ("value", value)]))
    owned = [("attributes", attributes), ("droppedAttributesCount", pa.int64())]
    link = [("traceId", _TEXT), ("spanId", _TEXT), ("traceState", _TEXT), ("flags", pa.int64())]
    span = pa.struct(
        [
            *link,
            ("parentSpanId", _TEXT),
            ("name", _TEXT),
            ("kind", pa.int64()),
            ("startTimeUnixNano", _TEXT),
            ("endTimeUnixNano", _TEXT),
            *owned,
            ("events", pa.list_(pa.struct([("timeUnixNano", _TEXT), ("name", _TEXT), *owned]))),
            ("droppedEventsCount", pa.int64()),
            ("links", pa.list_(pa.struct([*link, *owned]))),
            ("droppedLinksCount", pa.int64()),
            ("status", pa.struct([("code", pa.int64()), ("message", _TEXT)])),
        ]
    )
    named = pa.struct([("name", _TEXT), ("version", _TEXT), *owned])
    scope = pa.struct([("scope", named), ("spans", pa.list_(span)), ("schemaUrl", _TEXT)])
    resource = pa.struct(
        [
            ("resource", pa.struct(owned)),
            ("scopeSpans", pa.list_(scope)),
            ("schemaUrl", _TEXT),
        ]
    )
    return pa.schema([("resourceSpans", pa.list_(resource))])


_SCHEMAS = (_schema(_TEXT), _schema(pa.int64()))


def json_span_rows(documents: Sequence[bytes]) -> pa.RecordBatch:
    """The spans of trace requests, each a JSON document in one line, in order. Raises Unusual."""
    content = b"\n".join(documents)
    if any(mark in content for mark in _HALF_PAIR):
        raise Unusual
    try:
        content.decode()
        return _rows(_parsed(content))
    except (UnicodeDecodeError, NotThisMessage, pa.ArrowException):
        raise Unusual from None


def _parsed(content: bytes) -> pa.Table:
    options = pj.ReadOptions(use_threads=False, block_size=len(content) + 1)
    problem: pa.ArrowException | None = None
    for schema in _SCHEMAS:
        try:
            return pj.read_json(
                io.BytesIO(content),
                read_options=options,
                parse_options=pj.ParseOptions(
                    explicit_schema=schema, unexpected_field_behavior="error"
                ),
            )
        except pa.ArrowException as error:
            problem = error
    raise problem or Unusual


def _rows(table: pa.Table) -> pa.RecordBatch:
    resources, _ = _elements(table.column("resourceSpans").combine_chunks())
    scopes, scope_counts = _elements(resources.field("scopeSpans"))
    spans, counts = _elements(scopes.field("spans"))
    check_spans(spans)
    made = [
        check_owner(read_message(Resource, found or {}))
        for found in resources.field("resource").to_pylist()
    ]
    of = np.repeat(np.arange(len(scope_counts)), scope_counts)
    origins = [
        origin_of(made[number], check_owner(read_message(InstrumentationScope, found or {})))
        for number, found in zip(of.tolist(), scopes.field("scope").to_pylist(), strict=True)
    ]
    sizes = (sum(len(text or "") for text in origin) for origin in origins)
    if sum(size * count for size, count in zip(sizes, counts.tolist(), strict=True)) > (
        REPEATED_BYTES_MAX
    ):
        raise Unusual
    return TABLES["traces"].batch({**origin_columns(origins, counts.tolist()), **_columns(spans)})


def _columns(spans: pa.StructArray) -> dict[str, Any]:
    start, end = (_times(spans.field(name)) for name in ("startTimeUnixNano", "endTimeUnixNano"))
    status = spans.field("status").flatten()
    return {
        "start_time_unix_nano": times(start),
        "duration_time_unix_nano": durations(start, end),
        "trace_id": _ids(spans.field("traceId"), 32),
        "span_id": _ids(spans.field("spanId"), 16),
        "parent_span_id": _ids(spans.field("parentSpanId"), 16),
        "trace_state": _none_if_empty(spans.field("traceState")),
        "name": pc.fill_null(spans.field("name"), ""),
        "kind": _integers(spans.field("kind"), INT_MAX),
        "status_code": _integers(status[0], INT_MAX),
        "status_status_message": _none_if_empty(status[1]),
        "span_attributes": _attributes(spans.field("attributes")),
        "events_json": _lists(spans.field("events"), Span.Event, events_text),
        "links_json": _lists(spans.field("links"), Span.Link, links_text),
        "dropped_attributes_count": _integers(spans.field("droppedAttributesCount"), _UINT_32_MAX),
        "dropped_events_count": _integers(spans.field("droppedEventsCount"), _UINT_32_MAX),
        "dropped_links_count": _integers(spans.field("droppedLinksCount"), _UINT_32_MAX),
        "flags": _integers(spans.field("flags"), _UINT_32_MAX),
        "end_time_unix_nano": times(end),
    }


def _elements(lists: pa.ListArray) -> tuple[Any, Any]:
    """(elements of all lists, how many each has); a list that is null has none."""
    found = lists.flatten()
    if found.null_count:
        raise Unusual
    return found, pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)


def _times(found: pa.Array) -> Any:
    return pc.fill_null(found.cast(pa.uint64()), 0).to_numpy()


def _integers(found: pa.Array, most: int) -> pa.Array:
    values = pc.fill_null(found, 0).to_numpy()
    if ((values < 0) | (values > most)).any():
        raise Unusual
    return pa.array(np.minimum(values, INT_MAX).astype(np.int32))


def _ids(found: pa.Array, digits: int) -> pa.Array:
    """Hex ids in lower case; an absent one, and one of zeros alone, is NULL."""
    lower = pc.fill_null(pc.ascii_lower(found), "")
    is_valid = pc.match_substring_regex(lower, f"^([0-9a-f]{{{digits}}})?$")
    if not pc.all(is_valid, min_count=0).as_py():
        raise Unusual
    return _none_if_empty(pc.if_else(pc.equal(lower, "0" * digits), "", lower))


def _none_if_empty(found: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(found, ""), pa.scalar(None, _TEXT), found)


def _attributes(lists: pa.ListArray) -> pa.Array:
    pairs, counts = _elements(lists)
    owner = np.repeat(np.arange(len(counts)), counts)
    keys = pc.fill_null(pairs.field("key"), "")
    values = ValueTexts.of(_value_texts(pairs.field("value")))
    return object_texts(keys, values, owner, len(counts))


def _value_texts(values: pa.StructArray) -> pa.Array:
    columns = dict(zip((field.name for field in values.type), values.flatten(), strict=True))
    filled = {
        name: column.is_valid().to_numpy(zero_copy_only=False) for name, column in columns.items()
    }
    if len(values) and (np.sum(list(filled.values()), axis=0) > 1).any():
        raise Unusual
    pieces, places = [], []
    for name, is_filled in filled.items():
        if is_filled.any():
            place = np.flatnonzero(is_filled)
            pieces.append(_WRITERS[name](columns[name].take(pa.array(place))))
            places.append(place)
    return place_texts(pieces, places, len(values))


def _bytes(found: pa.Array) -> pa.Array:
    """Base64 as hex digits. Raises Unusual for what is not in the standard form of base64."""
    try:
        return pa.array(
            [f'"{a2b_base64(text, strict_mode=True).hex()}"' for text in found.to_pylist()], _TEXT
        )
    except ValueError:
        raise Unusual from None


def _arrays(found: pa.StructArray) -> pa.Array:
    values, counts = _elements(found.flatten()[0])
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, _value_texts(values)), ",")
    return pc.binary_join_element_wise("[", joined, "]", "")


_WRITERS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "stringValue": quote_texts,
    "intValue": lambda found: found.cast(pa.int64()).cast(_TEXT),
    "doubleValue": lambda found: double_texts(found.to_numpy()),
    "boolValue": lambda found: found.cast(_TEXT),
    "bytesValue": _bytes,
    "arrayValue": _arrays,
    "kvlistValue": lambda found: _attributes(found.flatten()[0]),
}


def _lists(lists: pa.ListArray, kind: type[Any], text: Callable[[Sequence[Any]], str]) -> pa.Array:
    """Messages of a kind as the text of an array for each span; most spans have none."""
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    if not counts.any():
        return pa.repeat(pa.scalar("[]"), len(lists))
    return pa.array(
        [text([read_message(kind, one) for one in found or ()]) for found in lists.to_pylist()],
        _TEXT,
    )
