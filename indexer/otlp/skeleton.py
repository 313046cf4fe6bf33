"""Messages that read only the outline of OTLP's traces: what is inside stays bytes.

A field of ``repeated bytes`` is counted and cut at C speed, 16 bytes an element, where a parsed
span is 340. What a skeleton does not name it keeps as it was and writes again. A field that is a
message and not repeated has all its occurrences merged, as protobuf says, so that one parse
counts what lies two or three levels below, over many spans whose bytes were joined.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "indexer.otlp.skeleton"
_Field = descriptor_pb2.FieldDescriptorProto
_NUMBERS = {"count": _Field.TYPE_UINT32, "time": _Field.TYPE_FIXED64}

_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "Request": {"resource_spans": (1, "each")},
    "ResourceSpans": {"resource": (1, "each"), "scope_spans": (2, "each")},
    "ScopeSpans": {"scope": (1, "each"), "spans": (2, "each")},
    "RequestScopes": {"resource_spans": (1, "ResourceSpans")},
    "ResourceSpansInside": {"scope_spans": (2, "ScopeSpans")},
    "RequestSpans": {"resource_spans": (1, "ResourceSpansInside")},
    "Span": {
        "attributes": (9, "each"),
        "dropped_attributes_count": (10, "count"),
        "events": (11, "each"),
        "dropped_events_count": (12, "count"),
        "links": (13, "each"),
        "dropped_links_count": (14, "count"),
    },
    "Resource": {
        "attributes": (1, "each"),
        "dropped_attributes_count": (2, "count"),
        "entity_refs": (3, "each"),
    },
    "Scope": {"attributes": (3, "each"), "dropped_attributes_count": (4, "count")},
    "Event": {"attributes": (3, "each"), "dropped_attributes_count": (4, "count")},
    "Link": {"attributes": (4, "each"), "dropped_attributes_count": (5, "count")},
    "Elements": {"values": (1, "each")},
    "Value": {
        "string_value": (1, "one"),
        "array_value": (5, "Elements"),
        "kvlist_value": (6, "Elements"),
    },
    "KeyValue": {"key": (1, "one"), "value": (2, "Value")},
    "SpanParts": {
        "trace_id": (1, "one"),
        "span_id": (2, "one"),
        "name": (5, "one"),
        "kind": (6, "count"),
        "start_time_unix_nano": (7, "time"),
        "end_time_unix_nano": (8, "time"),
        "attributes": (9, "each"),
        "events": (11, "each"),
        "links": (13, "each"),
        "status": (15, "one"),
    },
    "SpanInside": {
        "trace_id": (1, "one"),
        "span_id": (2, "one"),
        "name": (5, "one"),
        "kind": (6, "count"),
        "start_time_unix_nano": (7, "time"),
        "end_time_unix_nano": (8, "time"),
        "status": (15, "one"),
        "attributes": (9, "KeyValue"),
        "events": (11, "Event"),
        "links": (13, "Link"),
    },
    "_EventInside": {"attributes": (3, "KeyValue")},
    "_LinkInside": {"attributes": (4, "KeyValue")},
    "EventsInside": {"events": (11, "_EventInside"), "links": (13, "_LinkInside")},
    "_EntityRef": {"id_keys": (3, "each"), "description_keys": (4, "each")},
    "Entities": {"entity_refs": (3, "_EntityRef")},
}
"""Field names and numbers are OTLP's. ``each`` is repeated bytes, ``one`` bytes of which the last
ones hold (named where they are frequent: what is not named costs twice as much), ``count`` a
uint32, ``time`` a fixed64, and the name of a message a field whose occurrences are merged."""


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="indexer/otlp/skeleton.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field_name, (number, kind) in fields.items():
            _add(message.field.add(name=field_name, number=number), kind)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


def _add(field: _Field, kind: str) -> None:
    field.label = _Field.LABEL_REPEATED if kind == "each" else _Field.LABEL_OPTIONAL
    if kind in {"each", "one"}:
        field.type = _Field.TYPE_BYTES
    elif kind in _NUMBERS:
        field.type = _NUMBERS[kind]
    else:
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{kind}"


_CLASSES = _classes()

Request: Any = _CLASSES["Request"]
ResourceSpans: Any = _CLASSES["ResourceSpans"]
ScopeSpans: Any = _CLASSES["ScopeSpans"]
RequestScopes: Any = _CLASSES["RequestScopes"]
"""A request with its resources merged: all of its scopes."""
RequestSpans: Any = _CLASSES["RequestSpans"]
"""A request with its resources and scopes merged: all of its spans."""
ResourceSpansInside: Any = _CLASSES["ResourceSpansInside"]
"""Resources merged and their scopes too: all of their spans."""
Span: Any = _CLASSES["Span"]
SpanParts: Any = _CLASSES["SpanParts"]
"""Spans merged, to be counted."""
Resource: Any = _CLASSES["Resource"]
Scope: Any = _CLASSES["Scope"]
Event: Any = _CLASSES["Event"]
Link: Any = _CLASSES["Link"]
Value: Any = _CLASSES["Value"]
"""Attribute values merged: the elements of their arrays and maps."""
KeyValue: Any = _CLASSES["KeyValue"]
"""Attributes merged: the same of their values."""
SpanInside: Any = _CLASSES["SpanInside"]
"""Spans merged: the attributes of their events and links, the elements of their own attributes."""
EventsInside: Any = _CLASSES["EventsInside"]
"""Spans merged: the elements in attributes of their events and links."""
Entities: Any = _CLASSES["Entities"]
"""Resources merged: the keys of their entities."""
