"""Spans as rows of ``read_otlp_traces``."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from indexer.otlp.rows.origins import groups, origin_columns
from indexer.otlp.rows.schemas import TABLES
from indexer.otlp.rows.values import TIME_MAX, integers, span_id, times, trace_id
from indexer.otlp.values import attributes_text, events_text, links_text


def trace_rows(resources: Sequence[ResourceSpans]) -> pa.RecordBatch:
    """The spans of the resources, in order."""
    found = groups(resources, "scope_spans", "spans")
    spans = list(chain.from_iterable(group.records for group in found))
    owners = origin_columns(
        [group.origin for group in found], [len(group.records) for group in found]
    )
    return TABLES["traces"].batch({**owners, **_columns(spans)})


def _columns(spans: Sequence[Span]) -> dict[str, Any]:
    start = [span.start_time_unix_nano for span in spans]
    end = [span.end_time_unix_nano for span in spans]
    return {
        "start_time_unix_nano": times(start),
        "duration_time_unix_nano": durations(start, end),
        "trace_id": [trace_id(span.trace_id) for span in spans],
        "span_id": [span_id(span.span_id) for span in spans],
        "parent_span_id": [span_id(span.parent_span_id) for span in spans],
        "trace_state": [span.trace_state or None for span in spans],
        "name": [span.name for span in spans],
        "kind": [span.kind for span in spans],
        "status_code": [span.status.code for span in spans],
        "status_status_message": [span.status.message or None for span in spans],
        "span_attributes": [attributes_text(span.attributes) for span in spans],
        "events_json": [events_text(span.events) for span in spans],
        "links_json": [links_text(span.links) for span in spans],
        "dropped_attributes_count": integers(span.dropped_attributes_count for span in spans),
        "dropped_events_count": integers(span.dropped_events_count for span in spans),
        "dropped_links_count": integers(span.dropped_links_count for span in spans),
        "flags": integers(span.flags for span in spans),
        "end_time_unix_nano": times(end),
    }


def durations(start: Sequence[int], end: Sequence[int]) -> pa.Array:
    """Nanoseconds, negative where the end is before the start; 0 where one of them is unknown."""
    begun, ended = (
        np.minimum(np.array(found, np.uint64), np.uint64(TIME_MAX)).astype(np.int64)
        for found in (start, end)
    )
    return pa.array(np.where((begun == 0) | (ended == 0), 0, ended - begun))
