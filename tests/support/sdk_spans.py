"""What the OpenTelemetry SDK's own memory says of spans, in the words of an answer of ``trace``.

Each expectation is read from the SDK's span and not from what was sent.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

ATTRIBUTES = {
    "text": 'Grüße 😀 "\\\n\u0000',
    "empty": "",
    "yes": True,
    "no": False,
    "largest": 2**63 - 1,
    "smallest": -(2**63),
    "beyond a double": 2**53 + 1,
    "half": 0.5,
    "whole": 2.0,
    "tiny": 5e-324,
    "huge": 1.7976931348623157e308,
    "not a number": math.nan,
    "infinite": -math.inf,
    "texts": ("a", ""),
    "numbers": (1, -(2**63)),
    "doubles": (0.25, 4.0),
    "truths": (True, False),
    "nothing": (),
    "mixed": (1, "a", 2.5),
    "map": {"a": 1, "list": (1, "x")},
    "bytes": b"\x00\xff",
    "dotted.key": "v",
    "": "no key",
}
_FLAGS, _FLAGS_REMOTE = 0x100, 0x300
"""OTLP: bit 8 says that bit 9 is known, bit 9 that the parent is remote. And sampled: bit 0."""


class UnseededIds(IdGenerator):
    """IDs that no seed repeats.

    The SDK's own come from ``random``, which Hypothesis seeds with 0 in each property: runs that
    two properties make, and that a module keeps, would be one trace.
    """

    def generate_trace_id(self) -> int:
        return secrets.randbits(128) or 1

    def generate_span_id(self) -> int:
        return secrets.randbits(64) or 1


def provider_of(service: str, *exporters: SpanExporter) -> TracerProvider:
    """Each span is sent when it ends, to one exporter after the other."""
    provider = TracerProvider(
        resource=Resource({"service.name": service, "host.cpus": 4, "tags": ("x", "y")}),
        span_limits=SpanLimits(max_events=3, max_links=2),
        id_generator=UnseededIds(),
        shutdown_on_exit=False,
    )
    for exporter in exporters:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def two_services(*exporters: SpanExporter) -> list[ReadableSpan]:
    """One trace over two services with everything that a span may have; what the SDK kept."""
    memory = InMemorySpanExporter()
    shop, pay = (provider_of(name, *exporters, memory) for name in ("shop", "pay"))
    tracer = shop.get_tracer("lib", "1.2", attributes={"scope.key": "v"})
    remote = SpanContext(
        trace_id=tracer.start_span("for its id alone").get_span_context().trace_id,
        span_id=0xCDCDCDCDCDCDCDCD,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
        trace_state=TraceState([("vendor", "state"), ("other", "x")]),
    )
    context = set_span_in_context(NonRecordingSpan(remote))
    with tracer.start_as_current_span(
        "checkout", context, kind=SpanKind.SERVER, attributes=ATTRIBUTES
    ) as root:
        for number in range(5):
            root.add_event(f"event {number}", {"n": number, "why": ("a", "b")})
        with tracer.start_as_current_span("call", kind=SpanKind.CLIENT) as call:
            links = [Link(remote, {"why": "retry"}), Link(call.get_span_context())] * 2
            _charge(pay, call.get_span_context(), links)
        for kind in (SpanKind.PRODUCER, SpanKind.CONSUMER, SpanKind.INTERNAL):
            tracer.start_span(f"kind {kind.name}", kind=kind).end()
        root.set_status(StatusCode.OK)
    for provider in (shop, pay):
        provider.shutdown()
    return list(memory.get_finished_spans())


def _charge(pay: TracerProvider, caller: SpanContext, links: Sequence[Link]) -> None:
    """The other service's part: its parent is in the first one, and it fails."""
    parent = SpanContext(caller.trace_id, caller.span_id, is_remote=True, trace_flags=TraceFlags(1))
    context = set_span_in_context(NonRecordingSpan(parent))
    tracer = pay.get_tracer("other lib")
    span = tracer.start_span("charge", context, kind=SpanKind.SERVER, links=links)
    span.record_exception(ValueError("no money"), {"retries": 2**63 - 1})
    span.set_status(Status(StatusCode.ERROR, "it broke: Grüße"))
    span.end()


def answered(span: ReadableSpan) -> dict[str, Any]:
    """The span in an answer, apart from where it lies."""
    start, end = int(span.start_time or 0), int(span.end_time or 0)
    state = ",".join(f"{key}={value}" for key, value in span.context.trace_state.items())
    scope = span.instrumentation_scope
    return {
        "trace_id": f"{span.context.trace_id:032x}",
        "span_id": f"{span.context.span_id:016x}",
        "parent_span_id": f"{span.parent.span_id:016x}" if span.parent else None,
        "service_name": span.resource.attributes["service.name"],
        "name": span.name,
        "start_time_unix_nano": start,
        "end_time_unix_nano": end,
        "duration_ns": end - start,
        "status_code": span.status.status_code.value,
        "span_kind": span.kind.value + 1,  # OTLP's 0 is for a kind that is not said
        "status_message": span.status.description,
        "attributes": json_value(span.attributes),
        "events": [_event(event) for event in span.events],
        "links": [_link(link) for link in span.links],
        "resource_attributes": json_value(span.resource.attributes),
        "trace_state": state or None,
        "flags": _FLAGS_REMOTE if span.parent and span.parent.is_remote else _FLAGS,
        "dropped_attributes_count": span.dropped_attributes,
        "dropped_events_count": span.dropped_events,
        "dropped_links_count": span.dropped_links,
        "resource_dropped_attributes_count": 0,
        "scope_name": scope.name,
        "scope_version": scope.version or None,
        "scope_attributes": json_value(scope.attributes),
    }


def json_value(value: Any) -> Any:
    """An attribute's value as JSON has it: bytes in hex, what is not a number by its name."""
    if hasattr(value, "items"):
        return {key: json_value(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [json_value(one) for one in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _event(event: Any) -> dict[str, Any]:
    return {
        "name": event.name,
        "timeUnixNano": str(event.timestamp),
        "attributes": json_value(event.attributes),
        "droppedAttributesCount": 0,
    }


def _link(link: Any) -> dict[str, Any]:
    return {
        "traceId": f"{link.context.trace_id:032x}",
        "spanId": f"{link.context.span_id:016x}",
        "traceState": "",  # the encoder of the SDK does not send it
        "attributes": json_value(link.attributes),
        "droppedAttributesCount": 0,
        "flags": _FLAGS_REMOTE if link.context.is_remote else _FLAGS,
    }
