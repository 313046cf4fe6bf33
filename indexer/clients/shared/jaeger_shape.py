"""A trace as the JSON that Jaeger's own UI loads: tags with types, processes, microseconds. Pure.

Names and types are those of Jaeger's internal JSON API; how OTLP becomes tags is Jaeger's way.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from indexer.clients.shared.otlp_shape import held_attributes
from indexer.query.span import Span
from indexer.spans.payload import Payload

_KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_STATUSES = {1: "OK", 2: "ERROR"}
_ERROR = 2
_EXACT_MAX = 2**53 - 1
"""Integers beyond it lose digits in JavaScript, and go out as text."""
_MICROSECOND_NS = 1_000


def jaeger_json(trace_id: str, spans: Sequence[Span]) -> dict[str, Any]:
    """The envelope with one trace, or with none where there are no spans."""
    data = [jaeger_trace(trace_id, spans)] if spans else []
    return {"data": data, "total": 0, "limit": 0, "offset": 0, "errors": None}


def jaeger_trace(trace_id: str, spans: Sequence[Span]) -> dict[str, Any]:
    """One trace; its processes are its distinct resources, numbered in order of the spans."""
    processes: dict[str, dict[str, Any]] = {}
    numbers: dict[str, str] = {}
    shapes = []
    for span in spans:
        process = _process(span)
        process_id = numbers.setdefault(json.dumps(process), f"p{len(numbers) + 1}")
        processes.setdefault(process_id, process)
        shapes.append(_span(span, process_id))
    return {
        "traceID": id_text(trace_id),
        "spans": shapes,
        "processes": processes,
        "warnings": None,
    }


def id_text(trace_id: str) -> str:
    """A trace ID as Jaeger prints it: 16 digits where it has 64 bits."""
    return trace_id[16:] if trace_id.startswith("0" * 16) else trace_id


def _process(span: Span) -> dict[str, Any]:
    held = held_attributes((span.payload or Payload()).resource_attributes)
    others = {key: value for key, value in held.items() if key != "service.name"}
    return {"serviceName": span.service_name, "tags": _tags(others.items())}


def _span(span: Span, process_id: str) -> dict[str, Any]:
    payload = span.payload or Payload()
    flags = {"flags": payload.flags} if payload.flags else {}
    return {
        "traceID": id_text(span.trace_id),
        "spanID": span.span_id,
        "operationName": span.name,
        "processID": process_id,
        **flags,
        "references": _references(span, payload),
        "startTime": span.start_time_unix_nano // _MICROSECOND_NS,
        "duration": max(0, span.known_duration_ns or 0) // _MICROSECOND_NS,
        "tags": _tags(_own(span, payload)),
        "logs": [_log(event) for event in _objects(payload.events)],
        "warnings": _warnings(payload),
    }


def _own(span: Span, payload: Payload) -> Iterable[tuple[str, Any]]:
    """Everything of a span that Jaeger shows as tags."""
    yield from _given(("otel.scope.name", payload.scope_name))
    yield from _given(("otel.scope.version", payload.scope_version))
    yield from held_attributes(payload.attributes).items()
    yield from _given(("span.kind", _KINDS.get(span.span_kind)))
    yield from _given(("otel.status_code", _STATUSES.get(span.status_code)))
    if span.status_code == _ERROR:
        yield "error", True
    yield from _given(("otel.status_description", payload.status_message))
    yield from _given(("w3c.tracestate", payload.trace_state))


def _given(pair: tuple[str, Any]) -> Iterable[tuple[str, Any]]:
    return [pair] if pair[1] else []


def _references(span: Span, payload: Payload) -> list[dict[str, str]]:
    """The parent first, then links."""
    found = []
    if span.parent_span_id is not None:
        found.append(_reference("CHILD_OF", span.trace_id, span.parent_span_id))
    for link in _objects(payload.links):
        trace_id, span_id = link.get("traceId"), link.get("spanId")
        if isinstance(trace_id, str) and isinstance(span_id, str):
            is_child = held_attributes(link.get("attributes")).get("opentracing.ref_type")
            kind = "CHILD_OF" if is_child == "child_of" else "FOLLOWS_FROM"
            found.append(_reference(kind, trace_id, span_id))
    return found


def _reference(kind: str, trace_id: str, span_id: str) -> dict[str, str]:
    return {"refType": kind, "traceID": id_text(trace_id), "spanID": span_id}


def _log(event: dict[str, Any]) -> dict[str, Any]:
    held = held_attributes(event.get("attributes"))
    name = {} if "event" in held else {"event": event.get("name") or ""}
    time = str(event.get("timeUnixNano") or "")
    nanos = int(time) if time.isascii() and time.isdecimal() else 0
    return {"timestamp": nanos // _MICROSECOND_NS, "fields": _tags({**name, **held}.items())}


def _objects(column: Any) -> list[dict[str, Any]]:
    return [one for one in column if isinstance(one, dict)] if isinstance(column, list) else []


def _warnings(payload: Payload) -> list[str] | None:
    """What is left out of a span that is beyond the limits of one."""
    if not payload.omitted:
        return None
    return [f"{count:,} {name} are left out" for name, count in payload.omitted.items()]


def _tags(pairs: Iterable[tuple[str, Any]]) -> list[dict[str, Any]]:
    return [_tag(key, value) for key, value in pairs]


def _tag(key: str, value: Any) -> dict[str, Any]:
    """Lists, maps and null are their JSON."""
    if isinstance(value, bool):
        kind: str = "bool"
    elif isinstance(value, int):
        kind, value = "int64", value if abs(value) <= _EXACT_MAX else str(value)
    elif isinstance(value, float):
        kind = "float64"
    else:
        kind = "string"
        value = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return {"key": key, "type": kind, "value": value}
