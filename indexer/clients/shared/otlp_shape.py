"""Canonical spans as OTLP's JSON, which decodes to equal canonical spans again. Pure.

Of spans that came as OTLP nothing changes on the way; what OTLP cannot say of others is told in
attributes: an integer beyond 64 bits is its digits, a service that its resource does not name is
``service.name``, members of events and links that OTLP does not have are attributes of theirs.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from indexer.query.span import Span
from indexer.read.span_columns import UNKNOWN_SERVICE
from indexer.spans.payload import Payload

_INT64 = range(-(2**63), 2**63)
_UINT32_MAX = 2**32 - 1
_UINT64_MAX = 2**64 - 1
_HEX = re.compile("([0-9a-f]{2})+")
_DIGITS = re.compile("[0-9]{1,20}")
_EVENT_MEMBERS = ("name", "timeUnixNano", "droppedAttributesCount")
_LINK_MEMBERS = ("traceId", "spanId", "traceState", "droppedAttributesCount", "flags")
NOT_PAIRS = "attributes"
"""The key of what stands where a file has no object of attributes."""


def otlp_json(spans: Iterable[Span]) -> dict[str, Any]:
    """One TracesData: spans in their order by resource and scope, in the order of the first."""
    resources: dict[str, dict[str, Any]] = {}
    scopes: dict[tuple[str, str], dict[str, Any]] = {}
    for span in spans:
        payload = span.payload or Payload()
        resource, scope = _resource(span, payload), _scope(payload)
        key = _key(resource)
        if key not in resources:
            resources[key] = {"resource": resource, "scopeSpans": []}
        place = key, _key(scope)
        if place not in scopes:
            scopes[place] = {"scope": scope, "spans": []}
            resources[key]["scopeSpans"].append(scopes[place])
        scopes[place]["spans"].append(_span(span, payload))
    return {"resourceSpans": list(resources.values())}


def any_value(value: Any) -> dict[str, Any]:
    """A value of JSON as OTLP's AnyValue; null is one that is not set."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)} if value in _INT64 else {"stringValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(one) for one in value]}}
    return {} if value is None else {"kvlistValue": {"values": _pairs(value)}}


def held_attributes(attributes: Any) -> dict[str, Any]:
    """Attributes as pairs, whatever a file has in their place."""
    if attributes is None:
        return {}
    return attributes if isinstance(attributes, dict) else {NOT_PAIRS: attributes}


def _pairs(attributes: Any) -> list[dict[str, Any]]:
    held = held_attributes(attributes)
    return [{"key": key, "value": any_value(value)} for key, value in held.items()]


def _resource(span: Span, payload: Payload) -> dict[str, Any]:
    held = held_attributes(payload.resource_attributes)
    if "service.name" not in held and span.service_name != UNKNOWN_SERVICE:
        held = {**held, "service.name": span.service_name}
    dropped = payload.resource_dropped_attributes_count
    return _set({"attributes": _pairs(held), "droppedAttributesCount": dropped})


def _scope(payload: Payload) -> dict[str, Any]:
    return _set(
        {
            "name": payload.scope_name,
            "version": payload.scope_version,
            "attributes": _pairs(payload.scope_attributes),
        }
    )


def _span(span: Span, payload: Payload) -> dict[str, Any]:
    status = _set({"code": span.status_code, "message": payload.status_message})
    return _set(
        {
            "traceId": span.trace_id,
            "spanId": span.span_id,
            "parentSpanId": span.parent_span_id,
            "traceState": payload.trace_state,
            "flags": payload.flags,
            "name": span.name,
            "kind": span.span_kind,
            "startTimeUnixNano": _time(span.start_time_unix_nano),
            "endTimeUnixNano": _time(span.end_time_unix_nano),
            "attributes": _pairs(payload.attributes),
            "droppedAttributesCount": payload.dropped_attributes_count,
            "events": _elements(payload.events, _event),
            "droppedEventsCount": payload.dropped_events_count,
            "links": _elements(payload.links, _link),
            "droppedLinksCount": payload.dropped_links_count,
            "status": status,
        }
    )


def _elements(column: Any, shape: Any) -> list[dict[str, Any]]:
    if column is None:
        return []
    return [shape(one) for one in (column if isinstance(column, list) else [column])]


def _event(event: Any) -> dict[str, Any]:
    if not isinstance(event, dict):
        return {"name": event if isinstance(event, str) else json.dumps(event)}
    return _with_members(event, _EVENT_MEMBERS)


def _link(link: Any) -> dict[str, Any]:
    return _with_members(link if isinstance(link, dict) else {NOT_PAIRS: link}, _LINK_MEMBERS)


def _with_members(element: Mapping[str, Any], members: Iterable[str]) -> dict[str, Any]:
    """The element with those members that OTLP can say, and all others among its attributes."""
    said = {name: element[name] for name in members if _is_said(name, element.get(name))}
    others = {
        name: value
        for name, value in element.items()
        if name not in said and name != "attributes" and value not in (None, "")
    }
    attributes = {**others, **held_attributes(element.get("attributes"))}
    return _set({**said, "attributes": _pairs(attributes)})


def _is_said(name: str, value: Any) -> bool:
    if isinstance(value, str):
        if name in ("traceId", "spanId"):
            return _HEX.fullmatch(value) is not None
        if name == "timeUnixNano":
            return _DIGITS.fullmatch(value) is not None and int(value) <= _UINT64_MAX
        return name in ("name", "traceState")
    is_count = name in ("droppedAttributesCount", "flags") and isinstance(value, int)
    return is_count and 0 <= value <= _UINT32_MAX


def _time(unix_nano: int | None) -> str | None:
    return str(unix_nano) if unix_nano is not None and unix_nano > 0 else None


def _set(members: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is absent or empty, as OTLP's JSON is written."""
    return {name: value for name, value in members.items() if value not in (None, 0, "", [], {})}


def _key(shape: Mapping[str, Any]) -> str:
    return json.dumps(shape, sort_keys=True)
