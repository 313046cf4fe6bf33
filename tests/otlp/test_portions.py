"""A request in portions has the spans of the request, whatever the size of a portion."""

import pyarrow as pa
from hypothesis import given
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.otlp import portions as module
from indexer.otlp.clip import Clipped
from indexer.otlp.portions import is_ordinary, portions
from indexer.otlp.request_limits import RequestLimits
from indexer.otlp.span_count import span_parts
from indexer.otlp.spans import span_table
from indexer.spans.limits import SpanLimits
from tests.otlp.export_requests import one_span
from tests.otlp.hostile_bodies import PROTOBUF
from tests.otlp.messages import PIECES, few, patched_pieces, requests
from tests.otlp.test_clip import LIMITS


def spans_of(request):
    return [
        (each.resource, scope.scope, each.schema_url, scope.schema_url, span)
        for each in request.resource_spans
        for scope in each.scope_spans
        for span in scope.spans
    ]


@few
@given(requests, PIECES)
def test_portions_have_the_spans_of_the_request_in_order(request, piece_bytes):
    with patched_pieces(piece_bytes):
        parts = list(portions(request.SerializeToString()))
    found = [one for part in parts for one in spans_of(ExportTraceServiceRequest.FromString(part))]
    assert found == spans_of(request)


@few
@given(requests, PIECES)
def test_rows_are_the_same_by_way_of_portions(request, piece_bytes):
    body = request.SerializeToString()
    with patched_pieces(piece_bytes):
        found = span_table([body, body])
    assert found.combine_chunks().equals(span_table([body, body]).combine_chunks())
    assert isinstance(found, pa.Table)


@few
@given(requests, LIMITS, PIECES)
def test_no_span_of_a_portion_is_beyond_limits(request, limits, piece_bytes):
    body = request.SerializeToString()
    clipped = Clipped()
    with patched_pieces(piece_bytes):
        parts = list(portions(body, RequestLimits(span=limits), clipped))
    for part in parts:
        for *_, span in spans_of(ExportTraceServiceRequest.FromString(part)):
            counted = span_parts(span.SerializeToString())
            assert counted.attributes <= limits.attributes
            assert counted.events <= limits.events
            assert counted.links <= limits.links
            assert counted.values <= limits.values
    assert sum(len(spans_of(ExportTraceServiceRequest.FromString(part))) for part in parts) == len(
        spans_of(request)
    )


def test_an_ordinary_request_is_its_own_only_portion():
    body = one_span().SerializeToString()
    assert is_ordinary(body)
    (part,) = portions(body)
    assert part is body


def test_many_spans_are_many_portions(monkeypatch):
    monkeypatch.setattr(module, "PORTION_SPANS", 1_000)
    parts = list(portions(PROTOBUF["valid spans"](5_000)))
    counts = [len(spans_of(ExportTraceServiceRequest.FromString(part))) for part in parts]
    assert sum(counts) == 5_000
    assert len(counts) >= 1


def test_a_resource_beyond_limits_loses_its_last_attributes():
    limits = RequestLimits(span=SpanLimits(attributes=10, events=10, links=10, values=10))
    clipped = Clipped()
    (part,) = portions(PROTOBUF["resource attributes"](12), limits, clipped)
    ((resource, *_),) = spans_of(ExportTraceServiceRequest.FromString(part))
    assert (len(resource.attributes), resource.dropped_attributes_count) == (10, 2)
    assert clipped.left_out["attributes"] == 2
    assert str(clipped) == "1 span or resource was beyond limits; left out: 2 attributes"
