"""Serialised trace requests as rows of ``read_otlp_traces``, column by column.

The rows are those of ``traces``, at several times its speed: no object is made for a span or an
attribute. What is unusual (a field twice in one message, unknown fields, invalid text, ids that
only protobuf can judge) is Unusual, and then ``traces`` reads it.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from indexer.errors import InvalidOtlp
from indexer.otlp import skeleton
from indexer.otlp.requests import REPEATED_BYTES_MAX
from indexer.otlp.rows.origins import Origin, origin_columns, origin_of
from indexer.otlp.rows.schemas import TABLES
from indexer.otlp.rows.traces import durations
from indexer.otlp.rows.values import INT_MAX, times
from indexer.otlp.rows.wire_attributes import attribute_texts
from indexer.otlp.rows.wire_walk import (
    PADDING,
    Fields,
    Unusual,
    hex_texts,
    slices,
    texts,
    walk,
    words,
)
from indexer.otlp.span_count import read
from indexer.otlp.values import events_text, links_text

_TRACE_ID, _SPAN_ID, _TRACE_STATE, _PARENT_ID, _NAME = 0x0A, 0x12, 0x1A, 0x22, 0x2A
_KIND, _START, _END, _ATTRIBUTES = 0x30, 0x39, 0x41, 0x4A
_DROPPED_ATTRIBUTES, _EVENTS, _DROPPED_EVENTS, _LINKS, _DROPPED_LINKS = (
    *(0x50, 0x5A, 0x60),
    *(0x6A, 0x70),
)
_STATUS, _FLAGS = 0x7A, 0x85
_KEYS = (
    *(_TRACE_ID, _SPAN_ID, _TRACE_STATE, _PARENT_ID, _NAME, _KIND, _START, _END, _ATTRIBUTES),
    *(_DROPPED_ATTRIBUTES, _EVENTS, _DROPPED_EVENTS, _LINKS, _DROPPED_LINKS, _STATUS, _FLAGS),
)
"""Field numbers of Span with their wire types."""
_UINT_32_MAX = 2**32 - 1


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
    return TABLES["traces"].batch({**origin_columns(origins, counts), **_Spans(spans).columns()})


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


class _Spans:
    """Spans side by side in one buffer, and the fields that they have there."""

    def __init__(self, spans: Sequence[bytes]) -> None:
        content = b"".join((*spans, PADDING))
        self._count = len(spans)
        self._data = np.frombuffer(content, np.uint8)
        self._buffer = pa.py_buffer(content)
        lengths = np.fromiter(map(len, spans), np.int64, self._count)
        self._end = np.cumsum(lengths)
        self._begin = self._end - lengths
        self._fields = walk(self._data, self._begin, self._end, _KEYS)

    def columns(self) -> dict[str, Any]:
        start, end = self._times(_START), self._times(_END)
        code, message = self._status()
        fields = self._fields
        return {
            "start_time_unix_nano": times(start),
            "duration_time_unix_nano": durations(start, end),
            "trace_id": self._hex(_TRACE_ID, 16),
            "span_id": self._hex(_SPAN_ID, 8),
            "parent_span_id": self._hex(_PARENT_ID, 8),
            "trace_state": _none_if_empty(self._texts(_TRACE_STATE)),
            "name": self._texts(_NAME),
            "kind": self._numbers(_KIND, INT_MAX),
            "status_code": code,
            "status_status_message": message,
            "span_attributes": attribute_texts(
                self._data, self._buffer, self._count, fields.all_of(_ATTRIBUTES)
            ),
            "events_json": self._lists(_EVENTS, Span.Event.FromString, events_text),
            "links_json": self._lists(_LINKS, Span.Link.FromString, links_text),
            "dropped_attributes_count": self._numbers(_DROPPED_ATTRIBUTES, _UINT_32_MAX),
            "dropped_events_count": self._numbers(_DROPPED_EVENTS, _UINT_32_MAX),
            "dropped_links_count": self._numbers(_DROPPED_LINKS, _UINT_32_MAX),
            "flags": self._flags(),
            "end_time_unix_nano": times(end),
        }

    def _times(self, key: int) -> Any:
        found = self._fields.one_of(key)
        values = np.zeros(self._count, np.uint64)
        values[found.owner] = words(self._data, found.start, "<u8")
        return values

    def _flags(self) -> pa.Array:
        found = self._fields.one_of(_FLAGS)
        values = np.zeros(self._count, np.int64)
        values[found.owner] = words(self._data, found.start, "<u4")
        return pa.array(np.minimum(values, INT_MAX).astype(np.int32))

    def _numbers(self, key: int, most: int) -> pa.Array:
        found = self._fields.one_of(key)
        if (found.number > most).any():
            raise Unusual
        values = np.zeros(self._count, np.int64)
        values[found.owner] = found.number
        return pa.array(np.minimum(values, INT_MAX).astype(np.int32))

    def _texts(self, key: int) -> pa.Array:
        return texts(self._buffer, *self._whole(self._fields.one_of(key)))

    def _whole(self, found: Fields) -> tuple[Any, Any]:
        """(start, length) for every span; where it is absent, nothing at the span's beginning."""
        start, length = self._begin.copy(), np.zeros(self._count, np.int64)
        start[found.owner], length[found.owner] = found.start, found.length
        return start, length

    def _hex(self, key: int, size: int) -> pa.Array:
        """Ids of this size; NULL for any other, and for one of zeros alone."""
        start, length = self._whole(self._fields.one_of(key))
        length[length != size] = 0
        found = hex_texts(self._buffer, start, length)
        is_zero = pc.equal(found, "0" * 2 * size)
        return _none_if_empty(pc.if_else(is_zero, "", found))

    def _status(self) -> tuple[pa.Array, pa.Array]:
        found = self._fields.one_of(_STATUS)
        code, message = np.zeros(self._count, np.int64), np.zeros(self._count, np.int64)
        different = slices(self._buffer, found.start, found.length).dictionary_encode()
        parsed = [_parsed(Status.FromString, one) for one in different.dictionary.to_pylist()]
        which = different.indices.to_numpy()
        codes = np.array([one.code for one in parsed], np.int64)
        words_of = pa.array([None, *(one.message or None for one in parsed)], pa.string())
        if parsed:
            code[found.owner] = codes[which]
            message[found.owner] = which + 1
        return pa.array(code.astype(np.int32)), words_of.take(pa.array(message))

    def _lists(
        self, key: int, parse: Callable[[bytes], Any], text: Callable[[Sequence[Any]], str]
    ) -> pa.Array:
        """Messages of a kind as the text of an array for each span; most spans have none."""
        found = self._fields.all_of(key)
        if not len(found):
            return pa.repeat(pa.scalar("[]"), self._count)
        held: dict[int, list[Any]] = {}
        raw = slices(self._buffer, found.start, found.length).to_pylist()
        for owner, one in zip(found.owner.tolist(), raw, strict=True):
            held.setdefault(owner, []).append(_parsed(parse, one))
        return pa.array(
            [text(held[span]) if span in held else "[]" for span in range(self._count)], pa.string()
        )


def _parsed(parse: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return parse(data)
    except DecodeError:
        raise Unusual from None


def _none_if_empty(found: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(pc.binary_length(found), 0), pa.scalar(None, pa.string()), found)
