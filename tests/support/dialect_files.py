"""One span in the words of OpenTelemetry, and files of it as each known writer lays them out.

The layouts are written from the writers' own schemas, not from the documents in
``schemas/parquet``: two descriptions of the same files that have to agree.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
STATUSES = ("Unset", "Ok", "Error")


@dataclass(frozen=True, kw_only=True)
class Event:
    name: str
    at: int
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Link:
    trace_id: str
    span_id: str
    state: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OtelSpan:
    """Times in nanoseconds; attributes are text only where a layout can hold nothing else."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    service: str
    name: str
    start: int
    duration: int
    kind: int
    status: int
    message: str | None
    attributes: dict[str, str]
    resource: dict[str, str]
    events: tuple[Event, ...]
    links: tuple[Link, ...]


Layout = Callable[[Sequence[OtelSpan]], pa.Table]

_STRINGS = pa.list_(pa.string())
_MAP = pa.map_(pa.string(), pa.string())
_UTC_NS, _UTC_US = pa.timestamp("ns", "UTC"), pa.timestamp("us", "UTC")


def junjo(event_time: Callable[[int], dict[str, Any]]) -> Layout:
    """Fourteen columns; ``event_time`` is how an event's time was called at the time."""

    def layout(spans: Sequence[OtelSpan]) -> pa.Table:
        events = [
            json.dumps(
                [{"name": e.name, **event_time(e.at), "attributes": e.attributes} for e in s.events]
            )
            for s in spans
        ]
        return _table(
            trace_id=[s.trace_id for s in spans],
            span_id=[s.span_id for s in spans],
            parent_span_id=pa.array([s.parent_span_id for s in spans], pa.string()),
            service_name=[s.service for s in spans],
            name=[s.name for s in spans],
            span_kind=pa.array([s.kind for s in spans], pa.int8()),
            start_time=pa.array([s.start for s in spans], _UTC_NS),
            end_time=pa.array([s.start + s.duration for s in spans], _UTC_NS),
            duration_ns=[s.duration for s in spans],
            status_code=pa.array([s.status for s in spans], pa.int8()),
            status_message=pa.array([s.message for s in spans], pa.string()),
            attributes=[json.dumps(s.attributes) for s in spans],
            events=events,
            resource_attributes=[json.dumps(s.resource) for s in spans],
        )

    return layout


def clickhouse(form: str, *, prefix: str = "STATUS_CODE_", dot: str = "") -> Layout:
    """ClickHouse's names; attributes as ``json`` text, ``map`` or ``struct``."""

    def layout(spans: Sequence[OtelSpan]) -> pa.Table:
        kind = "SPAN_KIND_" if prefix else ""
        return _table(
            Timestamp=pa.array([s.start // 1000 for s in spans], _UTC_US),
            TraceId=[s.trace_id for s in spans],
            SpanId=[s.span_id for s in spans],
            ParentSpanId=[s.parent_span_id or "" for s in spans],
            TraceState=pa.array([None] * len(spans), pa.string()),
            SpanName=[s.name for s in spans],
            SpanKind=[kind + (KINDS[s.kind].upper() if prefix else KINDS[s.kind]) for s in spans],
            ServiceName=[s.service for s in spans],
            ResourceAttributes=_objects([s.resource for s in spans], form),
            SpanAttributes=_objects([s.attributes for s in spans], form),
            Duration=pa.array([s.duration for s in spans], pa.uint64()),
            StatusCode=[
                prefix + (STATUSES[s.status].upper() if prefix else STATUSES[s.status])
                for s in spans
            ],
            StatusMessage=pa.array([s.message for s in spans], pa.string()),
            **_side_by_side(
                spans, form, f"Events{dot}{{}}", f"Links{dot}{{}}", pa.timestamp("us", "UTC")
            ),
        )

    return layout


def duckdb_otlp(spans: Sequence[OtelSpan]) -> pa.Table:
    """duckdb-otlp's readers since 0.5, written with COPY."""
    return _table(
        start_time_unix_nano=pa.array([s.start for s in spans], pa.timestamp("ns")),
        duration_time_unix_nano=[s.duration for s in spans],
        **_snake(spans),
        name=[s.name for s in spans],
        kind=pa.array([s.kind for s in spans], pa.int32()),
        status_code=pa.array([s.status for s in spans], pa.int32()),
        status_status_message=pa.array([s.message for s in spans], pa.string()),
        events_json=[_events_json(s, lambda at: {"timeUnixNano": str(at)}) for s in spans],
        links_json=[_links_json(s) for s in spans],
    )


def otlp2records(spans: Sequence[OtelSpan]) -> pa.Table:
    """Up to 0.7: milliseconds, whatever the names say."""
    return _table(
        timestamp=pa.array([s.start // 1_000_000 for s in spans], pa.timestamp("ms", "UTC")),
        end_timestamp=[(s.start + s.duration) // 1_000_000 for s in spans],
        duration=[s.duration // 1_000_000 for s in spans],
        **_snake(spans),
        span_name=[s.name for s in spans],
        span_kind=pa.array([s.kind for s in spans], pa.int32()),
        status_code=pa.array([s.status for s in spans], pa.int32()),
        status_message=pa.array([s.message for s in spans], pa.string()),
        events_json=[_events_json(s, lambda at: {"timeUnixNano": str(at)}) for s in spans],
        links_json=[_links_json(s) for s in spans],
    )


def rotel(spans: Sequence[OtelSpan]) -> pa.Table:
    """UInt64 nanoseconds, and lists side by side."""
    return _table(
        timestamp=pa.array([s.start for s in spans], pa.uint64()),
        duration=[s.duration for s in spans],
        **_snake(spans, root=""),
        trace_state=[""] * len(spans),
        span_name=[s.name for s in spans],
        span_kind=[KINDS[s.kind] for s in spans],
        status_code=[STATUSES[s.status] for s in spans],
        status_message=pa.array([s.message or "" for s in spans], pa.string()),
        **_side_by_side(spans, "json", "events_{}", "links_{}", pa.uint64(), snake=True),
    )


def datasette(spans: Sequence[OtelSpan]) -> pa.Table:
    """datasette-otel-file-exporter."""
    snake = _snake(spans)
    return _table(
        **{key: snake[key] for key in ("trace_id", "span_id", "parent_span_id", "service_name")},
        name=[s.name for s in spans],
        kind=[KINDS[s.kind].upper() for s in spans],
        start_time=pa.array([s.start // 1000 for s in spans], _UTC_US),
        start_time_unix_nano=[s.start for s in spans],
        end_time_unix_nano=[s.start + s.duration for s in spans],
        duration_ns=[s.duration for s in spans],
        status_code=[STATUSES[s.status].upper() for s in spans],
        status_message=pa.array([s.message for s in spans], pa.string()),
        scope_name=["scope"] * len(spans),
        attributes=[json.dumps(s.attributes) for s in spans],
        resource=[json.dumps(s.resource) for s in spans],
        events=[_events_json(s, lambda at: {"timeUnixNano": at}) for s in spans],
        links=[_links_json(s) for s in spans],
    )


LAYOUTS: dict[str, tuple[str, int, Layout]] = {
    "junjo, Go": ("junjo-14", 1, junjo(lambda at: {"time_nanos": at})),
    "junjo, snake": ("junjo-14", 1, junjo(lambda at: {"time_unix_nano": at})),
    "junjo, number": ("junjo-14", 1, junjo(lambda at: {"timeUnixNano": at})),
    "junjo, text": ("junjo-14", 1, junjo(lambda at: {"timeUnixNano": str(at)})),
    "clickhouse, JSON": ("clickhouse", 1000, clickhouse("json")),
    "clickhouse, maps": ("clickhouse", 1000, clickhouse("map", prefix="")),
    "clickhouse, structs": ("clickhouse", 1000, clickhouse("struct")),
    "clickhouse, nested": ("clickhouse-nested", 1000, clickhouse("map", prefix="", dot=".")),
    "duckdb-otlp": ("duckdb-otlp", 1, duckdb_otlp),
    "otlp2records": ("otlp2records", 1_000_000, otlp2records),
    "rotel": ("rotel", 1, rotel),
    "datasette": ("datasette", 1, datasette),
}
"""Name: (dialect, nanoseconds that its times are rounded down to, how it is written)."""


def _table(**columns: Any) -> pa.Table:
    return pa.table(columns)


def _snake(spans: Sequence[OtelSpan], root: str | None = None) -> dict[str, Any]:
    return {
        "trace_id": [s.trace_id for s in spans],
        "span_id": [s.span_id for s in spans],
        "parent_span_id": pa.array([s.parent_span_id or root for s in spans], pa.string()),
        "service_name": [s.service for s in spans],
        "span_attributes": [json.dumps(s.attributes) for s in spans],
        "resource_attributes": [json.dumps(s.resource) for s in spans],
        "scope_name": ["scope"] * len(spans),
        "scope_version": pa.array([None] * len(spans), pa.string()),
    }


def _events_json(span: OtelSpan, time: Callable[[int], dict[str, Any]]) -> str:
    return json.dumps(
        [{"name": e.name, **time(e.at), "attributes": e.attributes} for e in span.events]
    )


def _links_json(span: OtelSpan) -> str:
    return json.dumps(
        [
            {
                "traceId": k.trace_id,
                "spanId": k.span_id,
                "traceState": k.state,
                "attributes": k.attributes,
            }
            for k in span.links
        ]
    )


def _objects(values: list[dict[str, str]], form: str) -> pa.Array:
    if form == "json":
        return pa.array([json.dumps(value) for value in values])
    if form == "map":
        return pa.array([list(value.items()) for value in values], _MAP)
    return pa.array(values, _struct(values))


def _struct(values: Sequence[dict[str, str]]) -> pa.DataType:
    keys = sorted({key for value in values for key in value}) or ["nothing"]
    return pa.struct([(key, pa.string()) for key in keys])


def _side_by_side(
    spans: Sequence[OtelSpan],
    form: str,
    events: str,
    links: str,
    time: pa.DataType,
    *,
    snake: bool = False,
) -> dict[str, Any]:
    def name(pattern: str, part: str) -> str:
        words = {"TraceId": "trace_id", "SpanId": "span_id", "TraceState": "trace_state"}
        return pattern.format(words.get(part, part.lower()) if snake else part)

    def objects(values: list[list[dict[str, str]]]) -> pa.Array:
        if form == "map":
            return pa.array([[list(v.items()) for v in row] for row in values], pa.list_(_MAP))
        return pa.array([[json.dumps(v) for v in row] for row in values], _STRINGS)

    divisor = 1000 if pa.types.is_timestamp(time) else 1
    return {
        name(events, "Timestamp"): pa.array(
            [[e.at // divisor for e in s.events] for s in spans], pa.list_(time)
        ),
        name(events, "Name"): pa.array([[e.name for e in s.events] for s in spans], _STRINGS),
        name(events, "Attributes"): objects([[e.attributes for e in s.events] for s in spans]),
        name(links, "TraceId"): pa.array([[k.trace_id for k in s.links] for s in spans], _STRINGS),
        name(links, "SpanId"): pa.array([[k.span_id for k in s.links] for s in spans], _STRINGS),
        name(links, "TraceState"): pa.array([[k.state for k in s.links] for s in spans], _STRINGS),
        name(links, "Attributes"): objects([[k.attributes for k in s.links] for s in spans]),
    }
