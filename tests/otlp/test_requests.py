"""A body is a request or ``InvalidOtlp``, and the answer says what was not kept."""

import json

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.errors import InvalidOtlp
from indexer.otlp import requests
from indexer.otlp.admission import admit
from indexer.otlp.json_requests import admit_json
from indexer.otlp.requests import (
    parse_protobuf,
    repeated_bytes,
    response,
    span_count,
)
from indexer.otlp.spans import span_table
from tests.otlp.export_requests import SPAN_ID, TRACE_ID, body, document, one_span, request_of, span

KINDS = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
SIGNALS = list(KINDS)
ONE_OF_EACH = {
    "traces": document(span()),
    "metrics": {
        "resourceMetrics": [
            {
                "scopeMetrics": [
                    {"metrics": [{"name": "a", "gauge": {"dataPoints": [{"asInt": 1}]}}]}
                ]
            }
        ]
    },
    "logs": {
        "resourceLogs": [
            {"scopeLogs": [{"logRecords": [{"severityNumber": 9, "body": {"stringValue": "a"}}]}]}
        ]
    },
}


def nested(levels):
    """A body with a span whose only attribute is an array in an array, and so on."""
    value = '{"arrayValue":{"values":[' * levels + "{}" + "]}}" * levels
    attributes = '[{"key":"a","value":' + value + "}]"
    return body(span(attributes="HERE")).replace(b'"HERE"', attributes.encode())


@pytest.mark.parametrize("signal", SIGNALS)
def test_json_and_protobuf_are_the_same_request(signal):
    read = request_of(json.dumps(ONE_OF_EACH[signal]).encode(), KINDS[signal])
    assert read.ByteSize() > 10
    assert parse_protobuf(signal, read.SerializeToString()) == read


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("junk", [b"\xff", b"\x0a\x05abc", b"{}", b"\x0a\xff\xff\xff\xff\x0f"])
def test_what_is_no_protobuf_is_refused_and_the_signal_named(signal, junk):
    with pytest.raises(InvalidOtlp, match=f"^invalid {signal} request in protobuf: "):
        parse_protobuf(signal, junk)


def test_what_nests_as_deep_as_json_allows_becomes_a_table_later():
    """The deepest body that is accepted is not stuck before the files."""
    accepted = [levels for levels in range(60) if admit_json(nested(levels)).span_count]
    deepest = accepted[-1]
    assert accepted == list(range(deepest + 1))
    assert 40 < deepest < 50
    (text,) = span_table([admit_json(nested(deepest)).stored])["attributes"].to_pylist()
    assert text == '{"a":' + "[" * deepest + "null" + "]" * deepest + "}"


def test_protobuf_that_nests_too_deep_is_refused():
    field = b""
    for _ in range(200):
        field = b"\x0a" + _length(field) + field
    with pytest.raises(InvalidOtlp):
        parse_protobuf("traces", field)


def _length(field):
    low, high = len(field) & 0x7F, len(field) >> 7
    return bytes([low | 0x80, high]) if high else bytes([low])


def test_text_that_is_not_utf_8_is_refused_in_protobuf():
    stored = one_span(name="name").SerializeToString().replace(b"name", b"n\xffme")
    with pytest.raises(InvalidOtlp):
        parse_protobuf("traces", stored)


def test_spans_are_counted_over_resources_and_scopes():
    request = ExportTraceServiceRequest()
    for scopes in ([2, 0], [], [3]):
        each = request.resource_spans.add()
        for count in scopes:
            each.scope_spans.add(spans=[{} for _ in range(count)])
    assert span_count(request) == 5
    assert span_count(ExportLogsServiceRequest(resource_logs=[{"scope_logs": [{}]}])) == 0


@pytest.mark.parametrize(
    ("ids", "rejected"),
    [
        ({}, 0),
        ({"traceId": TRACE_ID.upper()}, 0),
        ({"traceId": ""}, 1),
        ({"traceId": "0" * 32}, 1),
        ({"traceId": SPAN_ID}, 1),
        ({"traceId": None}, 1),
        ({"spanId": "0" * 16}, 1),
        ({"spanId": TRACE_ID}, 1),
        ({"spanId": "not hex at all!!"}, 1),
        ({"traceId": "", "spanId": ""}, 1),
        ({"parentSpanId": "ff"}, 0),
    ],
)
def test_spans_without_an_identity_are_counted(ids, rejected):
    found = admit(request_of(body(span(), span(**ids))).SerializeToString())
    assert (found.rejected, found.span_count) == (rejected, 2 - rejected)
    assert bool(found.message) == bool(rejected)
    assert span_table([found.stored]).num_rows == 2 - rejected


def test_a_rejection_says_which_ids_are_wrong():
    request = request_of(
        body(span(), span(traceId="ab"), span(spanId=""), span(traceId="", spanId=""))
    )
    found = admit(request.SerializeToString())
    assert found.rejected == 3
    assert found.message == (
        "3 of 4 spans were rejected: 2 without a trace_id of 16 bytes that are not all zero, "
        "2 without a span_id of 8 such bytes"
    )


@pytest.mark.parametrize("signal", SIGNALS)
def test_an_answer_without_trouble_is_empty(signal):
    assert response(signal).SerializeToString() == b""
    assert json_format.MessageToDict(response(signal)) == {}


@pytest.mark.parametrize(
    ("signal", "counted"),
    [
        ("traces", "rejectedSpans"),
        ("metrics", "rejectedDataPoints"),
        ("logs", "rejectedLogRecords"),
    ],
)
def test_an_answer_counts_what_was_rejected_in_the_words_of_its_signal(signal, counted):
    assert json_format.MessageToDict(response(signal, 3, "why")) == {
        "partialSuccess": {counted: "3", "errorMessage": "why"}
    }


def test_a_message_without_a_rejection_is_a_warning():
    said = json_format.MessageToDict(response("logs", message="not kept"))
    assert said == {"partialSuccess": {"errorMessage": "not kept"}}


def test_a_resource_is_counted_once_for_each_of_its_spans():
    resource = {"attributes": [{"key": "k", "value": {"string_value": "v" * 100}}]}
    request = ExportTraceServiceRequest(
        resource_spans=[
            {"resource": resource, "scope_spans": [{"scope": {"name": "s" * 8}, "spans": [{}] * 3}]}
        ]
    )
    each = request.resource_spans[0]
    assert repeated_bytes(request) == 3 * (each.resource.ByteSize() + 10)
    assert repeated_bytes(one_span()) == 0


@pytest.mark.parametrize("encode", ["protobuf", "json"])
def test_a_request_whose_table_would_be_many_times_its_size_is_refused(monkeypatch, encode):
    resource = {"attributes": [{"key": "k", "value": {"stringValue": "v" * 1000}}]}
    sent = body(span(), span(), resource=resource)
    stored = request_of(sent).SerializeToString()
    monkeypatch.setattr(requests, "REPEATED_BYTES_MAX", 2_000)
    with pytest.raises(InvalidOtlp, match="limit 2000"):
        admit_json(sent) if encode == "json" else parse_protobuf("traces", stored)
