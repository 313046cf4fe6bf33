"""Files of writers that export spans as rows of their own tables, from the same spans as others.

What such a table has no column for is not in the file: kinds, events and links of most.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

import pyarrow as pa

from tests.support.dialect_files import KINDS, STATUSES, Layout, OtelSpan

_UTC_US = pa.timestamp("us", "UTC")
_MAP = pa.map_(pa.string(), pa.string())


def langfuse(spans: Sequence[OtelSpan]) -> pa.Table:
    """Observations of the current export, in microseconds."""
    return pa.table(
        {
            "id": [s.span_id for s in spans],
            "trace_id": [s.trace_id for s in spans],
            "parent_observation_id": [s.parent_span_id or "" for s in spans],
            "project_id": ["p"] * len(spans),
            "type": ["SPAN"] * len(spans),
            "start_time": _microseconds([s.start for s in spans]),
            "end_time": _microseconds([_end(s) for s in spans]),
            "name": [s.name for s in spans],
            "level": ["ERROR" if STATUSES[s.status] == "Error" else "DEFAULT" for s in spans],
            "metadata": pa.array(
                [
                    [("resourceAttributes.service.name", s.service), *s.attributes.items()]
                    for s in spans
                ],
                _MAP,
            ),
        }
    )


def langsmith(spans: Sequence[OtelSpan]) -> pa.Table:
    """Runs of format v1, as they come over OTLP."""
    return pa.table(
        {
            "id": [_run(s.span_id) for s in spans],
            "trace_id": [str(uuid.UUID(s.trace_id)) for s in spans],
            "parent_run_id": pa.array(
                [s.parent_span_id and _run(s.parent_span_id) for s in spans], pa.string()
            ),
            "dotted_order": ["d"] * len(spans),
            "run_type": ["chain"] * len(spans),
            "name": [s.name for s in spans],
            "status": [("pending", "success", "error")[s.status] for s in spans],
            "start_time": pa.array([s.start for s in spans], pa.timestamp("ns")),
            "end_time": pa.array([_end(s) for s in spans], pa.timestamp("ns")),
            "extra": [json.dumps({"metadata": s.attributes}) for s in spans],
        }
    )


def phoenix(spans: Sequence[OtelSpan]) -> pa.Table:
    """A data frame with an attribute a column."""
    return pa.table(
        {
            "context.trace_id": [s.trace_id for s in spans],
            "context.span_id": [s.span_id for s in spans],
            "parent_id": pa.array([s.parent_span_id for s in spans], pa.string()),
            "name": [s.name for s in spans],
            "status_code": [STATUSES[s.status].upper() for s in spans],
            "start_time": pa.array([s.start for s in spans], pa.timestamp("ns", "UTC")),
            "end_time": pa.array([_end(s) for s in spans], pa.timestamp("ns", "UTC")),
            **{
                f"attributes.{key}": [s.attributes.get(key) for s in spans]
                for key in sorted({key for s in spans for key in s.attributes})
            },
        }
    )


def databricks(spans: Sequence[OtelSpan]) -> pa.Table:
    """``*_otel_spans``, with maps where the table has VARIANTs."""
    maps = pa.array([list(s.attributes.items()) for s in spans], _MAP)
    resources = pa.array([list(s.resource.items()) for s in spans], _MAP)
    codes = pa.array([f"STATUS_CODE_{STATUSES[s.status].upper()}" for s in spans])
    messages = pa.array([s.message for s in spans], pa.string())
    return pa.table(
        {
            "trace_id": [s.trace_id for s in spans],
            "span_id": [s.span_id for s in spans],
            "parent_span_id": [s.parent_span_id or "" for s in spans],
            "service_name": [s.service for s in spans],
            "name": [s.name for s in spans],
            "kind": [f"SPAN_KIND_{KINDS[s.kind].upper()}" for s in spans],
            "start_time_unix_nano": pa.array([s.start for s in spans], pa.int64()),
            "end_time_unix_nano": pa.array([_end(s) for s in spans], pa.int64()),
            "attributes": maps,
            "status": pa.StructArray.from_arrays([messages, codes], ["message", "code"]),
            "resource": pa.StructArray.from_arrays([resources], ["attributes"]),
        }
    )


EXPORTS: dict[str, tuple[str, int, Layout]] = {
    "langfuse": ("langfuse", 1000, langfuse),
    "langsmith": ("langsmith", 1, langsmith),
    "phoenix": ("phoenix", 1, phoenix),
    "databricks": ("databricks", 1, databricks),
}
"""As ``LAYOUTS`` of other writers."""


def _end(span: OtelSpan) -> int:
    """Of a duration that wraps around, as unsigned writers have it, too."""
    return (span.start + span.duration) % 2**64


def _microseconds(nanos: Sequence[int]) -> pa.Array:
    return pa.array([one // 1000 for one in nanos], _UTC_US)


def _run(span_id: str) -> str:
    return str(uuid.UUID(f"{0:016x}{span_id}"))
