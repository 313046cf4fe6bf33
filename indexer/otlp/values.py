"""OTLP's attribute values as what JSON can say.

Files and answers hold attributes as JSON text. Text, booleans, 64-bit integers and finite doubles
are themselves there, and a double always shows a point or an exponent, so that it stays one. JSON
has no bytes and no NaN: those become text (see ``spans.LOST``).
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_AS_THEY_ARE = frozenset({"string_value", "bool_value", "int_value"})
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")
)


def attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """The pairs as an object. OTLP forbids a key to occur twice; if it does, the last one holds."""
    found = {}
    for pair in pairs:
        value = pair.value
        kind = value.WhichOneof("value")
        found[pair.key] = getattr(value, kind) if kind in _AS_THEY_ARE else json_value(value)
    return found


def json_value(value: AnyValue) -> Any:
    """The value as ``json`` takes it; an unset one, or one that only profiles have, is None.

    Its depth is bounded: protobuf parses no message that is nested deeper than a hundred.
    """
    kind = value.WhichOneof("value")
    if kind in _AS_THEY_ARE:
        return getattr(value, kind)
    return _MADE_OF[kind](value) if kind in _MADE_OF else None


def double(value: float) -> float | str:
    """A finite double as it is, any other by the name that the JSON mapping of protobuf uses."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def json_text(value: Any) -> str:
    """Compact JSON; letters of every language stay as they are."""
    return _ENCODER.encode(value)


def attributes_text(pairs: Iterable[KeyValue]) -> str:
    """The pairs as the text of a JSON object."""
    return _ENCODER.encode(attributes(pairs))


def events_text(events: Sequence[Span.Event]) -> str:
    """The events of a span as a JSON array, with OTLP's names and attributes as an object."""
    if not events:
        return "[]"
    return json_text(
        [
            {
                "name": event.name,
                "timeUnixNano": str(event.time_unix_nano),
                "attributes": attributes(event.attributes),
                "droppedAttributesCount": event.dropped_attributes_count,
            }
            for event in events
        ]
    )


def links_text(links: Sequence[Span.Link]) -> str:
    """The same of its links; their ids are hex, whatever their length."""
    if not links:
        return "[]"
    return json_text(
        [
            {
                "traceId": link.trace_id.hex(),
                "spanId": link.span_id.hex(),
                "traceState": link.trace_state,
                "attributes": attributes(link.attributes),
                "droppedAttributesCount": link.dropped_attributes_count,
                "flags": link.flags,
            }
            for link in links
        ]
    )


_MADE_OF: dict[str, Callable[[AnyValue], Any]] = {
    "double_value": lambda value: double(value.double_value),
    "bytes_value": lambda value: value.bytes_value.hex(),
    "array_value": lambda value: [json_value(item) for item in value.array_value.values],
    "kvlist_value": lambda value: attributes(value.kvlist_value.values),
}
