"""Small bodies of very many messages: each shape as a function of how many there are."""

from collections.abc import Callable

from indexer.otlp.wire_fields import field

IDS = field(1, b"\x01" * 16) + field(2, b"\x02" * 8)
"""A span that is valid, of 28 bytes."""
TEXT_IDS = '"traceId":"' + "01" * 16 + '","spanId":"' + "02" * 8 + '"'
NESTED = 15


def span_body(spans: bytes, resource: bytes = b"", scope: bytes = b"") -> bytes:
    """A request of one resource and one scope, whose fields of spans are given."""
    return field(1, (field(1, resource) if resource else b"") + field(2, scope + spans))


def nested(count: int) -> bytes:
    """Arrays in arrays, and at the innermost place many empty values."""
    value = field(5, field(1, b"") * count)
    for _ in range(NESTED):
        value = field(5, field(1, value))
    return value


def _one_span(more: bytes) -> bytes:
    return span_body(field(2, IDS + more))


PROTOBUF: dict[str, Callable[[int], bytes]] = {
    "spans": lambda n: span_body(field(2, b"") * n),
    "valid spans": lambda n: span_body(field(2, IDS) * n),
    "scopes": lambda n: field(1, field(2, b"") * n),
    "scopes with a name": lambda n: field(1, field(2, field(1, b"")) * n),
    "resources": lambda n: field(1, b"") * n,
    "resources with a schema": lambda n: field(1, field(3, b"")) * n,
    "resource attributes": lambda n: span_body(field(2, IDS), resource=field(1, b"") * n),
    "resource entities": lambda n: span_body(field(2, IDS), resource=field(3, b"") * n),
    "entity keys": lambda n: span_body(field(2, IDS), resource=field(3, field(3, b"") * n)),
    "scope attributes": lambda n: span_body(field(2, IDS), scope=field(1, field(3, b"") * n)),
    "attributes": lambda n: _one_span(field(9, b"") * n),
    "events": lambda n: _one_span(field(11, b"") * n),
    "links": lambda n: _one_span(field(13, b"") * n),
    "event attributes": lambda n: _one_span(field(11, field(3, b"") * n)),
    "link attributes": lambda n: _one_span(field(13, field(4, b"") * n)),
    "array": lambda n: _one_span(field(9, field(1, b"a") + field(2, nested(n)))),
    "map": lambda n: _one_span(field(9, field(2, field(6, field(1, b"") * n)))),
    "unknown fields": lambda n: b"\xf8\x07\x00" * n,
}

JSON: dict[str, Callable[[int], str]] = {
    "spans": lambda n: _json_spans(_objects(n)),
    "resources": lambda n: '{"resourceSpans":[' + _objects(n) + "]}",
    "attributes": lambda n: _json_spans("{" + TEXT_IDS + ',"attributes":[' + _objects(n) + "]}"),
    "unknown names": lambda n: '{"nobody":[' + _objects(n) + "]}",
}


def _json_spans(spans: str) -> str:
    return '{"resourceSpans":[{"scopeSpans":[{"spans":[' + spans + "]}]}]}"


def _objects(count: int) -> str:
    return ",".join(["{}"] * count)
