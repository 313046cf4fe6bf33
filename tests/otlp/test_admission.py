"""Every request is kept, kept without its bad spans, or refused; and its neighbours' bytes stay."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.errors import InvalidOtlp, OtlpTooLarge
from indexer.otlp import requests as requests_module
from indexer.otlp.admission import admit
from indexer.otlp.request_limits import REQUEST_LIMITS, RequestLimits
from indexer.otlp.requests import has_identity
from indexer.otlp.wire_fields import field
from indexer.spans.limits import SPAN_LIMITS, SpanLimits
from tests.otlp.hostile_bodies import IDS, NESTED, PROTOBUF, nested, span_body
from tests.otlp.messages import PIECES, few, patched_pieces, requests
from tests.otlp.test_clip import LIMITS

LARGE = 1 << 20
"""A body beyond this is not ordinary, whatever is in it."""
SPAN_SHAPES = {
    "attributes": ("attributes", SPAN_LIMITS.attributes),
    "events": ("events", SPAN_LIMITS.events),
    "links": ("links", SPAN_LIMITS.links),
    "array": ("array elements", SPAN_LIMITS.values - NESTED),
    "map": ("array elements", SPAN_LIMITS.values),
}
OWNER_SHAPES = {
    "resource attributes": ("whose resource has", SPAN_LIMITS.attributes),
    "resource entities": ("whose resource has", SPAN_LIMITS.attributes),
    "entity keys": ("whose resource has", SPAN_LIMITS.attributes - 1),
    "scope attributes": ("whose scope has", SPAN_LIMITS.attributes),
    "event attributes": ("attributes in one of its events", SPAN_LIMITS.attributes),
    "link attributes": ("attributes in one of its links", SPAN_LIMITS.attributes),
}


def spans_of(body):
    """Every span of a request, as bytes."""
    request = ExportTraceServiceRequest.FromString(body)
    return [
        span.SerializeToString()
        for each in request.resource_spans
        for scope in each.scope_spans
        for span in scope.spans
    ]


def refusal(body, limits=REQUEST_LIMITS):
    """The error, or None."""
    try:
        admit(body, limits)
    except InvalidOtlp as error:
        return error
    return None


@pytest.mark.parametrize("shape", [*SPAN_SHAPES, *OWNER_SHAPES])
def test_a_span_at_its_limit_is_kept_as_it_came_and_one_more_is_rejected(shape):
    words, most = {**SPAN_SHAPES, **OWNER_SHAPES}[shape]
    body = PROTOBUF[shape](most)
    kept = admit(body)
    assert (kept.span_count, kept.rejected, kept.message) == (1, 0, "")
    assert kept.stored == body
    beyond = admit(PROTOBUF[shape](most + 1))
    assert (beyond.span_count, beyond.rejected) == (0, 1)
    assert words in beyond.message
    assert beyond.message.startswith("1 of 1 span was rejected: 1 w")
    limit = SPAN_LIMITS.values if shape in {"array", "map"} else most + (shape == "entity keys")
    assert beyond.message.endswith(f"limit {limit}")


def test_attributes_of_events_count_together_with_array_elements():
    events = field(11, field(3, b"") * 16) * SPAN_LIMITS.events
    assert admit(span_body(field(2, IDS + events))).span_count == 1
    more = field(9, field(2, field(5, field(1, b""))))
    assert admit(span_body(field(2, IDS + events + more))).rejected == 1


@pytest.mark.parametrize("shape", [shape for shape in PROTOBUF if shape != "unknown fields"])
def test_a_request_is_refused_exactly_beyond_its_total(shape):
    count = 5_000
    body = PROTOBUF[shape](count)
    total = count + AROUND.get(shape, 3)
    roomy = SpanLimits(attributes=10**6, events=10**6, links=10**6, values=10**6)
    assert refusal(body, RequestLimits(messages=total, span=roomy)) is None
    error = refusal(body, RequestLimits(messages=total - 1, span=roomy))
    assert isinstance(error, OtlpTooLarge)
    assert f"more than {total - 1} " in error.message
    assert error.hint


AROUND = {
    "spans": 2,
    "valid spans": 2,
    "scopes": 1,
    "scopes with a name": 1,
    "resources": 0,
    "resources with a schema": 0,
    "entity keys": 4,
    "event attributes": 4,
    "link attributes": 4,
    "array": 4 + NESTED,
    "map": 4,
}
"""Messages around those that the shape is about; else a resource, a scope and a span."""


@pytest.mark.parametrize("shape", list(PROTOBUF))
def test_a_walk_ends_at_the_total(shape):
    """Also the fields that no message has: they are walked as the others are."""
    with patched_pieces(64):
        error = refusal(PROTOBUF[shape](5_000), RequestLimits(messages=4_000))
        assert isinstance(error, OtlpTooLarge)


def test_the_bad_ones_of_a_request_are_left_out_and_named():
    good = [field(2, IDS + field(5, name)) for name in (b"first", b"second")]
    events = field(2, IDS + field(11, b"") * 1_000_000)
    utf8 = field(2, IDS + field(5, b"\xff"))
    deep = IDS + field(9, field(2, _deep(200)))
    body = span_body(good[0] + events + utf8 + good[1] + field(2, deep) + field(2, b""))
    found = admit(body)
    assert (found.span_count, found.rejected) == (2, 4)
    assert found.message == (
        "4 of 6 spans were rejected: 1 with 1000000 events, limit 16384, "
        "1 too short to have a trace_id and a span_id, "
        "2 that cannot be decoded (invalid UTF-8, nested too deeply, or cut off)"
    )
    assert found.stored == span_body(good[0] + good[1])


def _deep(levels):
    value = b""
    for _ in range(levels):
        value = field(5, field(1, value))
    return value


@few
@given(requests, LIMITS, PIECES)
def test_what_is_stored_is_the_request_without_the_rejected_spans(request, limits, piece_bytes):
    body = request.SerializeToString()
    before = spans_of(body)
    with patched_pieces(piece_bytes):
        error = refusal(body, RequestLimits(span=limits))
        if error is not None:
            return
        found = admit(body, RequestLimits(span=limits))
    if not found.span_count:
        return
    stored = spans_of(found.stored)
    assert len(stored) == found.span_count
    assert found.span_count + found.rejected == len(before)
    assert _is_subsequence(stored, before)
    read = ExportTraceServiceRequest.FromString(found.stored)
    kept = {
        (each.resource.SerializeToString(), each.schema_url, scope.schema_url, scope.scope.name)
        for each in read.resource_spans
        for scope in each.scope_spans
    }
    sent = {
        (each.resource.SerializeToString(), each.schema_url, scope.schema_url, scope.scope.name)
        for each in request.resource_spans
        for scope in each.scope_spans
    }
    assert kept <= sent


def _is_subsequence(some, of):
    left = iter(of)
    return all(one in left for one in some)


@few
@given(requests, PIECES)
def test_a_request_within_limits_is_stored_as_it_came(request, piece_bytes):
    body = request.SerializeToString()
    with patched_pieces(piece_bytes):
        found = admit(body)
    assert found.stored == body
    assert found.span_count == len(spans_of(body))
    assert all(has_identity(Span.FromString(one)) for one in spans_of(body))


@pytest.mark.parametrize(
    "junk", [b"\xff", b"\x0a\x05abc", b"{}", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a" * 10_000]
)
@pytest.mark.parametrize("piece_bytes", [1, LARGE])
def test_what_is_no_protobuf_is_refused(junk, piece_bytes):
    with patched_pieces(piece_bytes), pytest.raises(InvalidOtlp, match=r"protobuf"):
        admit(junk)


@given(st.binary(max_size=200), st.sampled_from([1, 4, LARGE]))
def test_bytes_are_a_request_or_refused(junk, piece_bytes):
    with patched_pieces(piece_bytes):
        error = refusal(junk)
    assert error is None or error.message


def test_a_request_of_nothing_that_decodes_is_refused():
    with pytest.raises(InvalidOtlp, match="invalid traces request in protobuf"):
        admit(span_body(field(2, IDS + field(5, b"\xff"))))


def test_log_records_are_refused_with_a_word_about_it():
    logs = ExportLogsServiceRequest(
        resource_logs=[
            {
                "scope_logs": [
                    {"log_records": [{"time_unix_nano": 1, "body": {"string_value": "a"}}]}
                ]
            }
        ]
    )
    with pytest.raises(InvalidOtlp, match=r"log records; this endpoint accepts only traces"):
        admit(logs.SerializeToString())


def test_log_records_of_a_trace_are_told_from_spans():
    """They do not even decode as spans: ids stand where a span has attributes."""
    record = {
        "time_unix_nano": 1,
        "trace_id": b"\x01" * 16,
        "span_id": b"\x02" * 8,
        "attributes": [{"key": "a", "value": {"string_value": "b"}}],
    }
    logs = ExportLogsServiceRequest(resource_logs=[{"scope_logs": [{"log_records": [record]}]}])
    with pytest.raises(InvalidOtlp, match=r"log records; this endpoint accepts only traces"):
        admit(logs.SerializeToString())


@pytest.mark.parametrize("piece_bytes", [1, LARGE])
def test_a_long_resource_of_many_spans_is_refused(monkeypatch, piece_bytes):
    monkeypatch.setattr(requests_module, "REPEATED_BYTES_MAX", 2_000)
    resource = field(1, field(1, b"k" * 500))
    body = span_body(field(2, IDS) * 5, resource=resource)
    with patched_pieces(piece_bytes), pytest.raises(OtlpTooLarge, match="limit 2000"):
        admit(body)


@pytest.mark.parametrize("kind", ["gauge", "sum", "histogram", "summary"])
def test_metrics_are_refused_with_a_word_about_it(kind):
    data = {kind: {"data_points": [{"time_unix_nano": 1, "start_time_unix_nano": 1}]}}
    metrics = [{"name": "requests", "unit": "1", **data}]
    request = ExportMetricsServiceRequest(
        resource_metrics=[{"scope_metrics": [{"metrics": metrics}]}]
    )
    with pytest.raises(InvalidOtlp, match=r"metrics; this endpoint accepts only traces"):
        admit(request.SerializeToString())


def test_spans_without_ids_are_not_taken_for_metrics_or_logs():
    spans = [{"name": "GET /", "end_time_unix_nano": 1, "events": [{"name": "a"}]}, {"name": "b"}]
    request = ExportTraceServiceRequest(resource_spans=[{"scope_spans": [{"spans": spans}]}])
    assert admit(request.SerializeToString()).rejected == 2


def test_unknown_fields_alone_are_not_understood_and_an_empty_request_is():
    found = admit(PROTOBUF["unknown fields"](3))
    assert (found.span_count, found.rejected) == (0, 0)
    assert found.message == "nothing was understood: none of 9 bytes is of a traces request"
    assert admit(b"").message == ""
    assert admit(PROTOBUF["resources"](3)).message == ""
    assert admit(PROTOBUF["scopes"](3)).message == ""


def test_what_the_defaults_are():
    assert REQUEST_LIMITS.messages >= 2_000_000
    assert REQUEST_LIMITS.span == SpanLimits()


_MEASURED = """
import sys
from indexer.errors import OtlpTooLarge
from indexer.otlp import requests as requests_module
from indexer.otlp.admission import admit
from tests.otlp.hostile_bodies import PROTOBUF
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) >> 10
admit(PROTOBUF["valid spans"](3))
body = PROTOBUF[sys.argv[1]](int(sys.argv[2]))
before = peak()
try:
    admit(body)
except OtlpTooLarge:
    print("refused")
print(peak() - before)
"""


@pytest.mark.parametrize("shape", ["spans", "events", "array"])
def test_a_hostile_body_takes_no_memory(shape):
    """Of a process of its own: what protobuf allocates is seen by nobody else."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, shape, "3000000"],
        capture_output=True,
        text=True,
        check=True,
    )
    refused, grown_mib = done.stdout.split()
    assert refused == "refused"
    assert int(grown_mib) < 250


def test_nested_values_are_those_of_the_shape():
    assert len(nested(10)) < 200
