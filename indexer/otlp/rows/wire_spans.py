"""Serialised trace requests as rows of ``read_otlp_traces``, column by column.

The rows are those of ``traces``, at several times its speed: no object is made for a span or an
attribute. What is unusual (a field twice in one message, unknown fields, invalid text, ids that
only protobuf can judge) is Unusual, and then ``traces`` reads it.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from indexer.errors import InvalidOtlp
from indexer.otlp import skeleton
from indexer.otlp.requests import REPEATED_BYTES_MAX
from indexer.otlp.rows.origins import Origin, origin_columns, origin_of
from indexer.otlp.rows.schemas import TABLES
from indexer.otlp.rows.span_fields import (
    DROPPED_ATTRIBUTES,
    DROPPED_EVENTS,
    DROPPED_LINKS,
    END,
    FLAGS,
    KIND,
    NAME,
    PARENT_ID,
    SPAN_ID,
    START,
    TRACE_ID,
    TRACE_STATE,
    UINT_32_MAX,
    SpanFields,
    integers,
    none_if_empty,
)
from indexer.otlp.rows.traces import durations
from indexer.otlp.rows.values import INT_MAX, times
from indexer.otlp.rows.wire_walk import Unusual
from indexer.otlp.span_count import read
from indexer.system import arrow_compute as pc


def wire_span_rows(bodies: Sequence[bytes]) -> pa.RecordBatch:
    """The spans of serialised ExportTraceServiceRequests, in order. Raises Unusual."""
    origins: list[Origin] = []
    counts: list[int] = []
    spans: list[bytes] = []
    repeated = 0
    try:
        for resource, scope, size, held in chain.from_iterable(map(_scopes, bodies)):
            repeated += size * len(held)
            origins.append(origin_of(resource, scope))
            counts.append(len(held))
            spans += held
    except (InvalidOtlp, DecodeError):
        raise Unusual from None
    if repeated > REPEATED_BYTES_MAX:
        raise Unusual
    if not spans:
        return pa.RecordBatch.from_pylist([], TABLES["traces"].schema)
    return TABLES["traces"].batch({**origin_columns(origins, counts), **_columns(spans)})


def _scopes(
    body: bytes,
) -> Iterator[tuple[Resource, InstrumentationScope, int, Sequence[bytes]]]:
    """(resource, scope, bytes of the two, serialised spans) of each scope.

    All but the spans is parsed. Raises InvalidOtlp and DecodeError.
    """
    for each in read(skeleton.Request, body).resource_spans:
        outline = read(skeleton.ResourceSpans, each)
        scopes = list(outline.scope_spans)
        del outline.scope_spans[:]
        resource = ResourceSpans.FromString(outline.SerializeToString()).resource
        for one in scopes:
            inner = read(skeleton.ScopeSpans, one)
            spans = list(inner.spans)
            del inner.spans[:]
            scope = ScopeSpans.FromString(inner.SerializeToString()).scope
            yield resource, scope, resource.ByteSize() + scope.ByteSize(), spans


def _columns(spans: Sequence[bytes]) -> dict[str, Any]:
    found = SpanFields(spans)
    start, end = found.fixed(START, "<u8"), found.fixed(END, "<u8")
    code, message = found.status()
    return {
        "start_time_unix_nano": times(start),
        "duration_time_unix_nano": durations(start, end),
        "trace_id": _id(found.hex(TRACE_ID, 16), 16),
        "span_id": _id(found.hex(SPAN_ID, 8), 8),
        "parent_span_id": _id(found.hex(PARENT_ID, 8), 8),
        "trace_state": found.texts_or_none(TRACE_STATE),
        "name": found.texts(NAME),
        "kind": integers(found.numbers(KIND, INT_MAX)),
        "status_code": pa.array(code.astype(np.int32)),
        "status_status_message": message,
        "span_attributes": found.attributes(),
        "events_json": found.events(),
        "links_json": found.links(),
        "dropped_attributes_count": integers(found.numbers(DROPPED_ATTRIBUTES, UINT_32_MAX)),
        "dropped_events_count": integers(found.numbers(DROPPED_EVENTS, UINT_32_MAX)),
        "dropped_links_count": integers(found.numbers(DROPPED_LINKS, UINT_32_MAX)),
        "flags": integers(found.fixed(FLAGS, "<u4")),
        "end_time_unix_nano": times(end),
    }


def _id(found: pa.Array, size: int) -> pa.Array:
    """NULL for an id of zeros alone, and for none."""
    return none_if_empty(pc.if_else(pc.equal(found, "0" * 2 * size), "", found))
