"""What each span says itself, as columns of its row: from serialised spans, many at a time.

They are read side by side, without an object for a span or an attribute. What only protobuf can
read (see ``Unusual``) is parsed, and so are few; the columns are the same either way.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from google.protobuf.message import DecodeError
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidOtlp
from indexer.otlp.requests import has_identity
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
)
from indexer.otlp.rows.values import INT_MAX
from indexer.otlp.rows.wire_walk import Unusual
from indexer.otlp.values import attributes_text, events_text, links_text
from indexer.system import arrow_compute as pc

FEW_SPANS = 96
"""Parsed one by one: 1.9 ms, where side by side takes 3.3; of eight, 0.3 and 2.7 (measured)."""
UNUSUAL_SPANS = 512
"""So many at a time are parsed where one of them is unusual: the others are read side by side."""
_TIME_MAX = np.uint64(2**63 - 1)
KIND_MAX, STATUS_MAX = 5, 2
_TRACE_ID_DIGITS, _SPAN_ID_DIGITS = 32, 16
_NO_PARENT = bytes(8)


@dataclass(frozen=True, slots=True, eq=False)
class DecodedSpans:
    """Columns of spans by name: Arrow arrays, or values of which some can be made."""

    columns: Mapping[str, Any]
    is_kept: npt.NDArray[np.bool_]
    """Whether each has a valid trace_id and span_id."""


def span_columns(spans: Sequence[bytes], *, payload: bool = True) -> Iterator[DecodedSpans]:
    """Those of all spans, in order and in parts; without ``payload`` their metadata alone.

    Raises InvalidOtlp for one that does not parse.
    """
    if len(spans) <= FEW_SPANS:
        yield parsed_columns(spans, payload=payload)
        return
    try:
        yield read_columns(spans, payload=payload)
    except Unusual:
        if len(spans) <= UNUSUAL_SPANS:
            yield parsed_columns(spans, payload=payload)
            return
        for first in range(0, len(spans), UNUSUAL_SPANS):
            yield from span_columns(spans[first : first + UNUSUAL_SPANS], payload=payload)


def read_columns(spans: Sequence[bytes], *, payload: bool = True) -> DecodedSpans:
    """Side by side. Raises Unusual."""
    found = SpanFields(spans)
    trace_id, span_id = found.hex(TRACE_ID), found.hex(SPAN_ID)
    code, message = found.status()
    columns = {
        "span_id": span_id,
        "trace_id": trace_id,
        "parent_span_id": _parents(found.hex(PARENT_ID)),
        "name": found.texts(NAME),
        "span_kind": known_numbers(found.numbers(KIND, INT_MAX), KIND_MAX),
        **times(found.fixed(START, "<u8"), found.fixed(END, "<u8")),
        "status_code": known_numbers(code, STATUS_MAX),
        "status_message": message,
        **(_read_payload(found) if payload else {}),
    }
    is_kept = _are_ids(trace_id, _TRACE_ID_DIGITS) & _are_ids(span_id, _SPAN_ID_DIGITS)
    return DecodedSpans(columns, is_kept)


def _read_payload(found: SpanFields) -> dict[str, Any]:
    return {
        "attributes": found.attributes(),
        "events": found.events(),
        "links": found.links(),
        "trace_flags": found.fixed(FLAGS, "<u4"),
        "trace_state": found.texts_or_none(TRACE_STATE),
        "dropped_attributes_count": _count(found, DROPPED_ATTRIBUTES),
        "dropped_events_count": _count(found, DROPPED_EVENTS),
        "dropped_links_count": _count(found, DROPPED_LINKS),
    }


def parsed_columns(serialised: Sequence[bytes], *, payload: bool = True) -> DecodedSpans:
    """The same by protobuf's parser, span by span. Raises InvalidOtlp."""
    try:
        spans = [Span.FromString(one) for one in serialised]
    except DecodeError as error:
        raise InvalidOtlp(f"invalid span: {error}") from error
    start, end = (
        np.array([getattr(span, name) for span in spans], np.uint64)
        for name in ("start_time_unix_nano", "end_time_unix_nano")
    )
    columns = {
        "span_id": [span.span_id.hex() for span in spans],
        "trace_id": [span.trace_id.hex() for span in spans],
        "parent_span_id": [_parent(span.parent_span_id) for span in spans],
        "name": [span.name for span in spans],
        "span_kind": known_numbers(np.array([span.kind for span in spans], np.int64), KIND_MAX),
        **times(start, end),
        "status_code": known_numbers(
            np.array([span.status.code for span in spans], np.int64), STATUS_MAX
        ),
        "status_message": [span.status.message or None for span in spans],
        **(_parsed_payload(spans) if payload else {}),
    }
    return DecodedSpans(columns, np.fromiter(map(has_identity, spans), np.bool_, len(spans)))


def _parsed_payload(spans: Sequence[Span]) -> dict[str, Any]:
    return {
        "attributes": [attributes_text(span.attributes) for span in spans],
        "events": [events_text(span.events) for span in spans],
        "links": [links_text(span.links) for span in spans],
        "trace_flags": [span.flags for span in spans],
        "trace_state": [span.trace_state or None for span in spans],
        "dropped_attributes_count": [span.dropped_attributes_count for span in spans],
        "dropped_events_count": [span.dropped_events_count for span in spans],
        "dropped_links_count": [span.dropped_links_count for span in spans],
    }


def times(start: Any, end: Any) -> dict[str, Any]:
    """Columns of unsigned nanoseconds, clamped to what is signed."""
    first, last = (np.minimum(one, _TIME_MAX).astype(np.int64) for one in (start, end))
    return {"start_time": first, "end_time": last, "duration_ns": last - first}


def known_numbers(numbers: Any, most: int) -> Any:
    """Numbers of an enumeration; one that OTLP does not have is 0."""
    return np.where((numbers >= 0) & (numbers <= most), numbers, 0).astype(np.int8)


def _count(found: SpanFields, key: int) -> Any:
    return found.numbers(key, UINT_32_MAX).astype(np.uint32)


def _are_ids(digits: pa.Array, length: int) -> Any:
    is_id = pc.and_(pc.equal(pc.binary_length(digits), length), pc.not_equal(digits, "0" * length))
    return is_id.to_numpy(zero_copy_only=False)


def _parents(digits: pa.Array) -> pa.Array:
    """As ``_parent`` says."""
    absent = pc.is_in(digits, pa.array(["", _NO_PARENT.hex()]))
    return pc.if_else(absent, pa.scalar(None, pa.string()), digits)


def _parent(found: bytes) -> str | None:
    """A parent id of a wrong length stays as it is: readers count it."""
    return None if found in {b"", _NO_PARENT} else found.hex()
