"""What OpenTelemetry's own SDK and encoder say of a span is what its row says.

The SDK is the judge of the field names, the units and the shape of attributes: each expectation
here is read from the SDK's span, not from the request.
"""

import json
import math

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
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

from indexer.otlp.requests import span_count
from indexer.otlp.spans import span_table, span_table_of
from tests.otlp.export_requests import as_otlp_json, request_of, rows, valid_count

ATTRIBUTES = {
    "text": "Grüße 😀",
    "yes": True,
    "no": False,
    "small": -1,
    "large": 2**63 - 1,
    "half": 0.5,
    "whole": 2.0,
    "texts": ("a", "b"),
    "numbers": (1, 2),
    "doubles": (0.25, 4.0),
    "nothing": (),
}
REMOTE = SpanContext(
    trace_id=int("ab" * 16, 16),
    span_id=int("cd" * 8, 16),
    is_remote=True,
    trace_flags=TraceFlags(TraceFlags.SAMPLED),
    trace_state=TraceState([("vendor", "state")]),
)


@pytest.fixture(name="sdk_spans")
def fixture_sdk_spans():
    """Spans of every kind, a few of them with more than their limits allow."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(
        resource=Resource({"service.name": "shop", "host.cpus": 4, "tags": ("x", "y")}),
        span_limits=SpanLimits(max_events=2, max_links=1, max_span_attributes=12),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("lib", "1.2", attributes={"scope.key": "v"})
    plain = provider.get_tracer("other")
    remote = set_span_in_context(NonRecordingSpan(REMOTE))
    with tracer.start_as_current_span("child of a remote", remote, attributes=ATTRIBUTES) as span:
        for number in range(4):
            span.add_event(f"event {number}", {"n": number})
        with plain.start_as_current_span("linked", links=[Link(REMOTE, {"why": "x"})] * 3) as inner:
            inner.set_status(Status(StatusCode.ERROR, "it broke"))
    for kind in SpanKind:
        tracer.start_span(f"root {kind.name}", kind=kind).end()
    late = tracer.start_span("ends before it starts", start_time=2_000_000_000_000_000_123)
    late.set_attributes({f"more {number}": number for number in range(20)})
    late.set_status(StatusCode.OK)
    late.end(end_time=2_000_000_000_000_000_001)
    provider.shutdown()
    return exporter.get_finished_spans()


def listed(values):
    return {key: list(one) if isinstance(one, tuple) else one for key, one in values.items()}


def expected_events(span):
    return [
        {
            "name": event.name,
            "timeUnixNano": str(event.timestamp),
            "attributes": listed(event.attributes),
            "droppedAttributesCount": 0,
        }
        for event in span.events
    ]


def expected_links(span):
    return [
        {
            "traceId": f"{link.context.trace_id:032x}",
            "spanId": f"{link.context.span_id:016x}",
            "traceState": "",  # the encoder of the SDK does not send it
            "attributes": listed(link.attributes),
            "droppedAttributesCount": 0,
            "flags": 0x300,
        }
        for link in span.links
    ]


def expected_row(span):
    state = ",".join(f"{key}={value}" for key, value in span.context.trace_state.items())
    scope = span.instrumentation_scope
    return {
        "span_id": f"{span.context.span_id:016x}",
        "trace_id": f"{span.context.trace_id:032x}",
        "parent_span_id": f"{span.parent.span_id:016x}" if span.parent else None,
        "service_name": "shop",
        "name": span.name,
        "span_kind": span.kind.value + 1,  # OTLP's 0 is for a kind that is not said
        "start_time": span.start_time,
        "end_time": span.end_time,
        "duration_ns": span.end_time - span.start_time,
        "status_code": span.status.status_code.value,
        "status_message": span.status.description,
        "attributes": listed(span.attributes),
        "events": expected_events(span),
        "links": expected_links(span),
        "trace_flags": 0x300 if span.parent and span.parent.is_remote else 0x100,
        "trace_state": state or None,
        "dropped_attributes_count": span.dropped_attributes,
        "dropped_events_count": span.dropped_events,
        "dropped_links_count": span.dropped_links,
        "resource_attributes": listed(span.resource.attributes),
        "resource_dropped_attributes_count": 0,
        "scope_name": scope.name,
        "scope_version": scope.version or None,
        "scope_attributes": dict(scope.attributes) or None,
    }


def parsed(row):
    """The row with its JSON texts as values."""
    texts = ("attributes", "events", "links", "resource_attributes", "scope_attributes")
    return row | {name: json.loads(row[name]) for name in texts if row[name] is not None}


def by_name(found):
    return sorted(found, key=lambda row: row["name"])


def test_every_field_is_what_the_sdk_has(sdk_spans):
    request = encode_spans(sdk_spans)
    found = [parsed(row) for row in rows(span_table([request.SerializeToString()]))]
    assert by_name(found) == by_name(expected_row(span) for span in sdk_spans)
    assert valid_count(request) == span_count(request)


def test_the_spans_above_use_what_they_are_to_prove(sdk_spans):
    """Dropped things, remote parents, every kind, a negative duration: all are among them."""
    found = [expected_row(span) for span in sdk_spans]
    assert {row["span_kind"] for row in found} == {1, 2, 3, 4, 5}
    assert {row["status_code"] for row in found} == {0, 1, 2}
    assert min(row["duration_ns"] for row in found) == -122
    for name in ("dropped_attributes_count", "dropped_events_count", "dropped_links_count"):
        assert max(row[name] for row in found) > 0
    assert {row["trace_flags"] for row in found} == {0x100, 0x300}
    assert {row["trace_state"] for row in found} == {None, "vendor=state"}


def test_the_sdk_says_the_same_in_json(sdk_spans):
    request = encode_spans(sdk_spans)
    assert request_of(as_otlp_json(request)) == request


def test_pairs_of_span_and_resource_lack_only_the_scope(sdk_spans):
    request = encode_spans(sdk_spans)
    pairs = [
        (span.SerializeToString(), each.resource.SerializeToString())
        for each in request.resource_spans
        for scope in each.scope_spans
        for span in scope.spans
    ]
    scope = ["scope_name", "scope_version", "scope_attributes"]
    whole = span_table([request.SerializeToString()]).drop_columns(scope)
    found = span_table_of(pairs)
    assert rows(found.drop_columns(scope)) == rows(whole)
    assert all(found[name].null_count == found.num_rows for name in scope)


def test_a_double_that_json_does_not_have_is_its_name(sdk_spans):
    """The SDK sends NaN as it is; a file of ours is JSON that every reader takes."""
    request = encode_spans(sdk_spans[:1])
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.attributes.add(key="odd").value.double_value = math.nan
    (row,) = rows(span_table([request.SerializeToString()]))
    assert parsed(row)["attributes"]["odd"] == "NaN"
