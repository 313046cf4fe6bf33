"""Parsed spans are clipped to what the same bytes are clipped to."""

from hypothesis import given
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.otlp.clip import Clipped
from indexer.otlp.clip_parsed import clip_parsed
from indexer.otlp.portions import portions
from indexer.otlp.request_limits import RequestLimits
from tests.otlp.messages import few, requests
from tests.otlp.test_clip import LIMITS
from tests.otlp.test_portions import spans_of


def held(request):
    """Of each span its resource, its scope and itself: what a table has columns for."""
    return [(resource, scope, span) for resource, scope, *_, span in spans_of(request)]


@few
@given(requests, LIMITS)
def test_a_request_is_clipped_as_its_bytes_are(request, limits):
    parts = portions(request.SerializeToString(), RequestLimits(span=limits))
    expected = [one for part in parts for one in held(ExportTraceServiceRequest.FromString(part))]
    clip_parsed(request.resource_spans, limits)
    assert held(request) == expected


@few
@given(requests)
def test_a_request_within_limits_stays_as_it_is(request):
    before = request.SerializeToString()
    assert clip_parsed(request.resource_spans) == Clipped()
    assert request.SerializeToString() == before
