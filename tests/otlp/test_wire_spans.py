"""Spans read column by column are those that protobuf's parser reads, or are left to it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.errors import InvalidOtlp
from indexer.otlp.requests import parse_protobuf
from indexer.otlp.rows.traces import trace_rows
from indexer.otlp.rows.wire_spans import wire_span_rows
from indexer.otlp.rows.wire_walk import Unusual
from tests.benchmark.export_bodies import Bodies
from tests.otlp.messages import requests
from tests.support.otlp_samples import START, traces

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def by_parser(*bodies):
    return trace_rows(
        [one for body in bodies for one in parse_protobuf("traces", body).resource_spans]
    )


def request_of(*spans):
    return ExportTraceServiceRequest(
        resource_spans=[{"scope_spans": [{"spans": spans}]}]
    ).SerializeToString()


def test_requests_of_services_are_read_column_by_column():
    bodies = [Bodies(3).body(number, START) for number in range(3)]
    assert wire_span_rows(bodies).equals(by_parser(*bodies))


@given(st.lists(requests, min_size=1, max_size=2))
@few
def test_any_request_is_read_alike_or_not_at_all(found):
    bodies = [request.SerializeToString() for request in found]
    try:
        read = wire_span_rows(bodies)
    except Unusual:
        return
    assert read.equals(by_parser(*bodies))


@given(st.data())
@few
def test_a_damaged_request_is_read_alike_or_not_at_all(data):
    content = bytearray(traces().SerializeToString())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255))
    try:
        read = wire_span_rows([bytes(content)])
    except Unusual:
        return
    assert read.equals(by_parser(bytes(content)))


_TEXTS = ["", "plain", 'a "quoted" \\ text', "line\nfeed\t\x01\x7f", "\u00fc\U0001f600", "x" * 5000]


@pytest.mark.parametrize("text", _TEXTS)
def test_text_has_the_escapes_of_json(text):
    pairs = [{"key": text, "value": {"string_value": text}}, {"key": "b", "value": {}}]
    body = request_of({"trace_id": b"\x01" * 16, "span_id": b"\x02" * 8, "attributes": pairs})
    assert wire_span_rows([body]).equals(by_parser(body))


_DOUBLES = [0.0, -0.0, 1.0, 1e16, 5e-324, 0.1, -0.001, 9.99e-4, 123456789.25, 1234567890123.5]
_DOUBLES += [float("inf"), float("nan")]


@pytest.mark.parametrize("value", _DOUBLES)
def test_doubles_are_written_as_python_writes_them(value):
    body = request_of({"attributes": [{"key": "a", "value": {"double_value": value}}]})
    assert wire_span_rows([body]).equals(by_parser(body))


@pytest.mark.parametrize(
    "span",
    [
        {"attributes": [{"key": "a"}, {"key": "a"}]},
        {"attributes": [{"key": "a"}] * 300},
        {"kind": -1},
    ],
)
def test_what_is_unusual_is_left_to_the_parser(span):
    with pytest.raises(Unusual):
        wire_span_rows([request_of(span)])


def test_a_field_of_a_newer_otlp_is_left_to_the_parser():
    body = request_of(Span.FromString(b"\xfa\x01\x01x"))
    with pytest.raises(Unusual):
        wire_span_rows([body])


def test_invalid_text_is_left_to_the_parser_which_refuses_it():
    body = traces().SerializeToString().replace(b"GET /users", b"GET \xff\xff\xff\xff\xff\xff")
    with pytest.raises(Unusual):
        wire_span_rows([body])
    with pytest.raises(InvalidOtlp):
        by_parser(body)


def test_a_damaged_request_in_which_no_span_is_left_is_left_to_the_parser():
    body = traces().SerializeToString()
    with pytest.raises(Unusual):
        wire_span_rows([b"\x15" + body[1:]])


def test_a_request_without_spans_has_no_rows():
    assert wire_span_rows([b"", request_of()]).num_rows == 0
