"""The fields that the spans of all dialects have, each as no front end rejects it. Pure."""

from collections.abc import Callable
from typing import Any

from indexer.clients.junjo import held
from indexer.clients.junjo.held import Held
from indexer.clients.junjo.spans import kind_name, payload_value
from indexer.query.span import UNREADABLE, Span


def common_fields(span: Span, event: Callable[[Any], Held]) -> dict[str, Any]:
    """By name, those that may have been altered as ``Held``; ``event`` makes each event."""
    payload = span.payload or UNREADABLE
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id or None,
        "service_name": span.service_name,
        "name": span.name,
        "kind": kind_name(span.span_kind),
        "start_time": held.time(span.start_time_unix_nano),
        "end_time": held.time(span.end_time_unix_nano or 0),
        "status_code": str(span.status_code),
        "status_message": payload.status_message or "",
        "attributes_json": held.attributes(payload_value("attributes", payload.attributes)),
        "events_json": held.events(payload_value("events", payload.events), event),
        "links_json": held.objects(payload_value("links", payload.links)),
        "trace_flags": held.count(payload.flags),
        "trace_state": payload.trace_state,
    }
