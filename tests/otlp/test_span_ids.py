"""The identities of spans are those of their rows, and nothing else of the spans is read."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.otlp.requests import has_identity
from indexer.otlp.span_ids import span_identities
from tests.benchmark.export_bodies import Bodies
from tests.otlp.messages import requests

few = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
IDS = {"trace_id": bytes(range(16)), "span_id": bytes(range(8))}


def expected(request):
    groups = (scope for each in request.resource_spans for scope in each.scope_spans)
    return [
        (span.trace_id, span.span_id, span.kind)
        for scope in groups
        for span in scope.spans
        if has_identity(span)
    ]


def found(*bodies):
    made = span_identities(bodies)
    words = zip(made.trace_high.tolist(), made.trace_low.tolist(), strict=True)
    traces = [high.to_bytes(8, "big") + low.to_bytes(8, "big") for high, low in words]
    spans = [span.to_bytes(8, "big") for span in made.span.tolist()]
    return list(zip(traces, spans, made.kind.tolist(), strict=True))


def request_of(*spans):
    return ExportTraceServiceRequest(resource_spans=[{"scope_spans": [{"spans": spans}]}])


@given(st.lists(requests, min_size=1, max_size=2))
@few
def test_identities_of_any_requests_are_those_that_the_parser_finds(some):
    bodies = [request.SerializeToString() for request in some]
    assert found(*bodies) == [one for request in some for one in expected(request)]


def test_requests_of_services_are_read_side_by_side():
    body = Bodies(3).body(1, 10**18)
    assert found(body) == expected(ExportTraceServiceRequest.FromString(body))


def test_spans_without_a_valid_id_are_left_out_by_either_way():
    odd = [{}, {"trace_id": bytes(16)}, {"span_id": bytes(8)}, {"trace_id": b"\x01" * 8}]
    spans = [Span(**{**IDS, **ids}) for ids in odd]
    unusual = Span(**IDS, kind=-1)
    for request in (request_of(*spans), request_of(*spans, unusual)):
        assert found(request.SerializeToString()) == expected(request)


def test_no_spans_have_no_identities():
    assert len(span_identities([b"", request_of().SerializeToString()]).span) == 0
    assert span_identities([]).kind.dtype == np.int64
