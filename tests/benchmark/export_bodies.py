"""Export requests as services send them, made so cheaply that making them is not what is measured.

A few requests are built as protobuf once; from then on each one is a copy in which ids and times
are overwritten, at the places where the first ones have them. The ids of a request follow from
its number, so whoever knows the number can ask for its traces.
"""

from typing import Any

import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

SPANS = 512
"""Of a request: the batch of the OpenTelemetry SDKs."""
TRACE_SPANS = 8
TRACES = SPANS // TRACE_SPANS
TEMPLATES = 16
"""Different contents, so that compression finds no two equal requests beside each other."""
SERVICES = ("checkout", "cart", "payment", "search")
STEP_NS = 1_000_000

_TRACE_MARK, _SPAN_MARK, _PARENT_MARK = b"\xf1" * 16, b"\xf2" * 8, b"\xf3" * 8
_START_MARK, _END_MARK = 0xF4F4F4F4F4F4F4F4, 0xF5F5F5F5F5F5F5F5


class Bodies:
    """Requests by number, for one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._templates = [_Template(np.random.default_rng([seed, n, 0])) for n in range(TEMPLATES)]

    def body(self, number: int, unix_nano: int) -> bytes:
        """The serialised request; its spans began a little before the time."""
        traces, spans = _ids(self._seed, number)
        return self._templates[number % TEMPLATES].filled(traces, spans, unix_nano)


def trace_ids(seed: int, number: int) -> list[str]:
    """The traces of a request, each with ``TRACE_SPANS`` spans."""
    return [row.tobytes().hex() for row in _ids(seed, number)[0]]


def _ids(seed: int, number: int) -> tuple[Any, Any]:
    """Trace ids a row of 16 bytes, span ids a row of 8; random, as they are in life."""
    made = np.random.default_rng([seed, number, 1]).bytes(TRACES * 16 + SPANS * 8)
    values = np.frombuffer(made, np.uint8)
    return values[: TRACES * 16].reshape(TRACES, 16), values[TRACES * 16 :].reshape(SPANS, 8)


class _Template:
    """One request and where in it the ids and times are."""

    def __init__(self, rng: np.random.Generator) -> None:
        content = _request(rng).SerializeToString()
        self._content = np.frombuffer(content, np.uint8)
        self._traces = _places(content, _TRACE_MARK, SPANS)
        self._spans = _places(content, _SPAN_MARK, SPANS)
        self._parents = _places(content, _PARENT_MARK, SPANS - TRACES)
        self._starts = _places(content, _START_MARK.to_bytes(8, "little"), SPANS)
        self._ends = _places(content, _END_MARK.to_bytes(8, "little"), SPANS)

    def filled(self, traces: Any, spans: Any, unix_nano: int) -> bytes:
        """A copy with these ids: the first span of each trace is the parent of the others."""
        roots = np.arange(SPANS) % TRACE_SPANS == 0
        starts = unix_nano - STEP_NS * (SPANS - np.arange(SPANS, dtype=np.int64))
        copy = self._content.copy()
        copy[self._traces] = np.repeat(traces, TRACE_SPANS, axis=0)
        copy[self._spans] = spans
        copy[self._parents] = np.repeat(spans[roots], TRACE_SPANS - 1, axis=0)
        copy[self._starts] = _words(starts)
        copy[self._ends] = _words(starts + STEP_NS // 2)
        return copy.tobytes()


def _words(values: Any) -> Any:
    return values.astype("<i8").view(np.uint8).reshape(-1, 8)


def _places(content: bytes, mark: bytes, count: int) -> Any:
    """A row of positions for each place; there must be just so many."""
    found = []
    at = content.find(mark)
    while at >= 0:
        found.append(at)
        at = content.find(mark, at + len(mark))
    assert len(found) == count, f"{len(found)} places of {mark.hex()}, expected {count}"
    return np.array(found)[:, None] + np.arange(len(mark))


def _request(rng: np.random.Generator) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    for service in SERVICES:
        group = request.resource_spans.add()
        group.resource.attributes.append(_pair("service.name", string_value=service))
        group.resource.attributes.append(_pair("host.name", string_value=f"{service}-7d9f8b6c5"))
        scope = group.scope_spans.add()
        scope.scope.name, scope.scope.version = "opentelemetry.instrumentation.asgi", "0.60b1"
        scope.spans.extend(_span(rng, number) for number in range(SPANS // len(SERVICES)))
    return request


def _span(rng: np.random.Generator, number: int) -> Span:
    return Span(
        trace_id=_TRACE_MARK,
        span_id=_SPAN_MARK,
        parent_span_id=b"" if number % TRACE_SPANS == 0 else _PARENT_MARK,
        name=f"GET /api/v2/items/{number % 7}",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=_START_MARK,
        end_time_unix_nano=_END_MARK,
        attributes=_attributes(rng),
    )


def _attributes(rng: np.random.Generator) -> list[KeyValue]:
    """Ten: five texts, a number, a double, a boolean, bytes and an array."""
    tags = ArrayValue(values=[AnyValue(string_value=one) for one in ("beta", "eu", "v2")])
    return [
        _pair("http.route", string_value="/api/v2/items/{item}"),
        _pair("url.path", string_value=f"/api/v2/items/{int(rng.integers(1_000_000))}"),
        _pair("enduser.id", string_value=f"user-{int(rng.integers(1_000_000)):06d}"),
        _pair("request.id", string_value=rng.bytes(16).hex()),
        _pair("server.address", string_value="items.production.svc.cluster.local"),
        _pair("http.response.body.size", int_value=int(rng.integers(100_000))),
        _pair("cache.ratio", double_value=float(rng.random())),
        _pair("retried", bool_value=bool(rng.integers(2))),
        _pair("message.digest", bytes_value=rng.bytes(8)),
        _pair("feature.flags", array_value=tags),
    ]


def _pair(key: str, **value: Any) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(**value))
