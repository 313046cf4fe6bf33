"""Spans of JSON read column by column are those of the exact reading, or are left to it."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.otlp.rows import json_limits
from indexer.otlp.rows.json_spans import json_span_rows
from indexer.otlp.rows.traces import trace_rows
from indexer.otlp.rows.wire_walk import Unusual
from indexer.spans.limits import SpanLimits
from tests.benchmark.export_bodies import Bodies
from tests.otlp.export_requests import request_of
from tests.otlp.messages import requests
from tests.support.otlp_json import json_line
from tests.support.otlp_samples import START, samples

few = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LINE = samples()["traces_simple.jsonl"].rstrip()


def exact(*lines):
    return trace_rows([one for line in lines for one in request_of(line).resource_spans])


def line_of(span):
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


def with_attribute(value):
    return line_of({"attributes": [{"key": "a", "value": value}]})


def test_requests_of_services_are_read_column_by_column():
    bodies = [Bodies(3).body(number, START) for number in range(2)]
    lines = [json_line(ExportTraceServiceRequest.FromString(body)).rstrip() for body in bodies]
    assert json_span_rows([*lines, LINE]).equals(exact(*lines, LINE))


@given(requests)
@few
def test_any_request_is_read_alike_or_not_at_all(request):
    line = json_line(request).rstrip()
    try:
        read = json_span_rows([line])
    except Unusual:
        return
    assert read.equals(exact(line))


@pytest.mark.parametrize(
    "value",
    [
        {"stringValue": 'a "quoted" \\ text\nü\x7f'},
        {"intValue": "-9223372036854775808"},
        {"intValue": 9223372036854775807},
        {"doubleValue": 1e300},
        {"doubleValue": 5},
        {"boolValue": False},
        {"bytesValue": "AQL/"},
        {"arrayValue": {}},
        {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "1"}, {}]}},
        {"kvlistValue": {"values": [{"key": "k", "value": {"doubleValue": 0.5}}]}},
        {},
        None,
    ],
)
def test_every_type_of_value_is_written_alike(value):
    line = with_attribute(value)
    assert json_span_rows([line]).equals(exact(line))


@pytest.mark.parametrize(
    "line",
    [
        with_attribute({"intValue": "1.0"}),
        with_attribute({"intValue": "9223372036854775808"}),
        with_attribute({"doubleValue": "NaN"}),
        with_attribute({"stringValue": "a", "intValue": "1"}),
        with_attribute({"stringValue": "\ud800"}),
        with_attribute({"arrayValue": {"values": [{"arrayValue": {}}]}}),
        with_attribute({"bytesValue": "AQL-"}),
        line_of({"attributes": [{"key": "a"}, {"key": "a"}]}),
        line_of({"attributes": [None]}),
        line_of({"kind": "SPAN_KIND_SERVER"}),
        line_of({"kind": -1}),
        line_of({"traceId": "CvdlGRbNQ92ESOshHIAxnA=="}),
        line_of({"newField": 1}),
        line_of({"startTimeUnixNano": "18446744073709551616"}),
        LINE[:-1],
        LINE.replace(b"GET", b"\xff\xff\xff"),
    ],
)
def test_what_is_unusual_is_left_to_the_exact_reading(line):
    with pytest.raises(Unusual):
        json_span_rows([LINE, line])


PAIRS = [{"key": key} for key in "abc"]


@pytest.mark.parametrize(
    "span",
    [
        {"attributes": PAIRS},
        {"events": [{}] * 3},
        {"links": [{}] * 3},
        {"events": [{"attributes": PAIRS}]},
        {"links": [{}, {"attributes": PAIRS}]},
        {"attributes": [{"key": "a", "value": {"arrayValue": {"values": [{}] * 3}}}]},
    ],
)
def test_a_span_that_may_be_beyond_limits_is_left_to_the_exact_reading(span, monkeypatch):
    line = line_of(span)
    assert json_span_rows([line]).equals(exact(line))
    tiny = SpanLimits(attributes=2, events=2, links=2, values=2)
    monkeypatch.setattr(json_limits, "SPAN_LIMITS", tiny)
    with pytest.raises(Unusual):
        json_span_rows([line])


def test_so_is_one_of_a_resource_that_may_be_beyond_them(monkeypatch):
    line = json.dumps({"resourceSpans": [{"resource": {"attributes": PAIRS}}]}).encode()
    json_span_rows([line])
    monkeypatch.setattr(json_limits, "SPAN_LIMITS", SpanLimits(attributes=2))
    with pytest.raises(Unusual):
        json_span_rows([line])
