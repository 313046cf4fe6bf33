"""OTLP's JSON is stored as what it says; a bad span costs itself, and foreign words are named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.errors import InvalidOtlp, OtlpTooLarge
from indexer.otlp.json_reader import JsonReader, check_tokens
from indexer.otlp.json_requests import admit_json
from indexer.otlp.request_limits import RequestLimits
from indexer.spans.limits import SPAN_LIMITS, SpanLimits
from tests.otlp.export_requests import as_otlp_json, attribute, body, document, request_of, span
from tests.otlp.hostile_bodies import JSON
from tests.otlp.messages import few, requests

RESOURCE = {"attributes": [attribute("service.name", stringValue="shop")]}


def stored(sent):
    """The request that was kept."""
    return ExportTraceServiceRequest.FromString(admit_json(sent).stored)


def shuffled(value):
    """The same document with the members of every object the other way round."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return [shuffled(one) for one in value] if isinstance(value, list) else value


@few
@given(requests, st.sampled_from([None, 2]), st.booleans())
def test_a_document_is_stored_as_the_request_that_it_is(request, indent, backwards):
    said = json.loads(as_otlp_json(request))
    sent = json.dumps(shuffled(said) if backwards else said, indent=indent).encode()
    found = admit_json(sent)
    assert ExportTraceServiceRequest.FromString(found.stored) == request_of(sent)
    assert (found.rejected, found.message) == (0, "")


def test_members_of_a_document_come_in_any_order():
    sent = body(span(), resource=RESOURCE, scope={"name": "scope"})
    assert stored(json.dumps(shuffled(json.loads(sent))).encode()) == stored(sent)
    (each,) = stored(sent).resource_spans
    assert each.resource.attributes[0].value.string_value == "shop"
    assert each.scope_spans[0].scope.name == "scope"


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"startTimeUnixNano": 1.5}, "startTimeUnixNano: '1.5' is not an integer"),
        ({"kind": "SPAN_KIND_LATER"}, "kind: 'SPAN_KIND_LATER' is not a name of the enumeration"),
        ({"status": {"code": "NO"}}, "status.code: 'NO' is not a name of the enumeration"),
        ({"name": 1}, "name: 1 is not text"),
        ({"events": {}}, "events: {} is not an array"),
        ({"attributes": [attribute("a", intValue=2**63)]}, "out of range"),
    ],
)
def test_a_bad_span_is_rejected_alone_and_its_fault_named(fields, place):
    found = admit_json(body(span(), span(**fields), span(), resource=RESOURCE))
    assert (found.span_count, found.rejected) == (2, 1)
    assert found.message.startswith("1 of 3 spans was rejected: 1 invalid at ")
    assert place in found.message


@pytest.mark.parametrize("value", [None, 1, "span", []])
def test_an_element_that_is_no_object_is_rejected_alone(value):
    found = admit_json(body(span(), value))
    assert (found.span_count, found.rejected) == (1, 1)
    assert "is not an object" in found.message


@pytest.mark.parametrize(
    ("around", "words"),
    [
        ({"resource": 5}, "of an invalid resource: 5 is not an object"),
        ({"resource": {"attributes": 5}}, "of an invalid resource: attributes: 5"),
        ({"scope": {"name": 5}}, "of an invalid scope: name: 5 is not text"),
    ],
)
def test_a_bad_resource_or_scope_costs_its_own_spans(around, words):
    said = document(span(), span(), **around)
    said["resourceSpans"] += document(span())["resourceSpans"]
    found = admit_json(json.dumps(said).encode())
    assert (found.span_count, found.rejected) == (1, 2)
    assert f"2 of 3 spans were rejected: 2 {words}" in found.message


def test_integers_in_every_form_that_protobuf_allows():
    sent = body(
        span(
            startTimeUnixNano="HERE",
            endTimeUnixNano="1.795e18",
            droppedAttributesCount=3.0,
            attributes=[attribute("a", intValue=1.0)],
        )
    ).replace(b'"HERE"', b"1.795000000000000001e18")
    (kept,) = stored(sent).resource_spans[0].scope_spans[0].spans
    assert kept.start_time_unix_nano == 1_795_000_000_000_000_001
    assert kept.end_time_unix_nano == 1_795_000_000_000_000_000
    assert (kept.dropped_attributes_count, kept.attributes[0].value.int_value) == (3, 1)


def test_names_of_enumerations_are_understood():
    sent = body(span(kind="SPAN_KIND_SERVER", status={"code": "STATUS_CODE_ERROR"}))
    (kept,) = stored(sent).resource_spans[0].scope_spans[0].spans
    assert (kept.kind, kept.status.code) == (2, 2)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"resourceLogs": [{}]}, "resourceLogs is log records; this endpoint accepts only traces"),
        ({"resourceMetrics": []}, "resourceMetrics is metrics; this endpoint accepts only traces"),
        ({"batches": [{}]}, "batches is Tempo's answer to a query; OTLP's name is resourceSpans"),
        ({"resource_spans": []}, "resource_spans is resourceSpans in snake_case"),
    ],
)
def test_a_document_of_another_kind_is_refused_and_the_right_word_said(said, words):
    with pytest.raises(InvalidOtlp, match="invalid traces request: ") as refusal:
        admit_json(json.dumps(said).encode())
    assert words in refusal.value.message
    mixed = admit_json(json.dumps({**said, **document(span())}).encode())
    assert mixed.span_count == 1
    assert mixed.message.startswith("not understood: ")
    assert words in mixed.message


def test_names_in_snake_case_inside_are_pointed_out():
    inner = {"resourceSpans": [{"scope_spans": [{"spans": [span()]}]}]}
    assert admit_json(json.dumps(inner).encode()).message == "scope_spans must be spelt scopeSpans"
    ids = {"trace_id": "01" * 16, "span_id": "01" * 8, "name": "a"}
    found = admit_json(json.dumps(document(ids)).encode())
    assert found.rejected == 1
    assert found.message.endswith("; trace_id must be spelt traceId")


def test_a_name_that_is_not_known_is_passed_over_and_alone_is_not_understood():
    assert admit_json(json.dumps({"later": [1], **document(span())}).encode()).message == ""
    found = admit_json(b'{"later": [1]}')
    assert (found.span_count, found.rejected) == (0, 0)
    assert found.message == "nothing was understood: 'later', where resourceSpans may stand"


@pytest.mark.parametrize(
    "empty",
    [
        b"{}",
        b" {}\n",
        b"\xef\xbb\xbf{}",
        b'{"resourceSpans": null}',
        b'{"resourceSpans": []}',
        b'{"resourceSpans": [{"resource": null, "scopeSpans": null}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"scope": null, "spans": null, "schemaUrl": null}]}]}',
    ],
)
def test_an_empty_request_is_one(empty):
    found = admit_json(empty)
    assert (found.span_count, found.rejected, found.message) == (0, 0, "")


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"1",
        b"{} {}",
        b"{1:2}",
        b'{"a" 1}',
        b'{"a":1,}',
        b'{"a":1 "b":2}',
        b"\xff\xfe{\x00}\x00",
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"a":' * 200_000,
        b'{"resourceSpans": 1}',
        b'{"resourceSpans": [1]}',
        b'{"resourceSpans": [{"scopeSpans": {}}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": "a"}]}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{}',
        b'{"resourceSpans": [{"schemaUrl": 1}]}',
    ],
    ids=lambda junk: repr(junk[:50]),
)
def test_what_is_no_request_is_refused(junk):
    with pytest.raises(InvalidOtlp, match=r"^invalid traces request in JSON: "):
        admit_json(junk)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
))  # fmt: skip
def test_a_document_read_by_members_is_the_document(value):
    assert _read(JsonReader(json.dumps(value))) == json.loads(json.dumps(value), parse_float=str)


def _read(reader):
    if reader.next_is("{"):
        return {name: _read(reader) for name in reader.members()}
    if reader.next_is("["):
        return [_read(reader) for _ in reader.elements()]
    return reader.value()


@pytest.mark.parametrize("shape", list(JSON))
def test_a_document_of_too_many_parts_is_refused_before_it_is_parsed(shape):
    limits = RequestLimits(messages=1_000)
    sent = JSON[shape](3_100).encode()
    with pytest.raises(OtlpTooLarge, match="more than 3000 objects"):
        admit_json(sent, limits)
    with pytest.raises(OtlpTooLarge, match="more than 3000 objects"):
        check_tokens(sent.replace(b"{}", b'{"a":1}'), 1_000)


def test_signs_inside_of_texts_are_no_parts():
    text = json.dumps({"a": '{[,"\\' * 10_000}).encode()
    check_tokens(text, 1_000)
    with pytest.raises(OtlpTooLarge):
        check_tokens(text + b"," * 3_001, 1_000)


def test_a_span_beyond_limits_is_rejected_in_json_as_well():
    most = SPAN_LIMITS.attributes
    assert admit_json(JSON["attributes"](most).encode()).span_count == 1
    found = admit_json(JSON["attributes"](most + 1).encode())
    assert found.message == (
        f"1 of 1 span was rejected: 1 with {most + 1} attributes, limit {most}"
    )


def test_a_span_too_large_to_be_read_is_rejected_alone():
    """Without being parsed: a million objects would be a hundred megabytes."""
    tiny = SpanLimits(attributes=2, events=2, links=2, values=2)
    large = span(attributes=[{}] * 50, name='"}]')
    found = admit_json(body(span(), large, span()), RequestLimits(span=tiny))
    assert (found.span_count, found.rejected) == (2, 1)
    assert "1 with 107 objects, arrays and members, limit 40" in found.message
    whole = admit_json(
        body(span(), span(), resource={"attributes": [{}] * 50}), RequestLimits(span=tiny)
    )
    assert (whole.span_count, whole.rejected) == (0, 2)
    assert "2 of an invalid resource: 101 objects" in whole.message
    ignored = json.dumps({"later": [{}] * 50, **document(span())}).encode()
    assert admit_json(ignored, RequestLimits(span=tiny)).span_count == 1


@pytest.mark.parametrize("junk", ["[", "[1,[2]", '{"a":"]}', "[{]}"])
def test_a_value_without_an_end_is_no_json(junk):
    with pytest.raises(ValueError, match=r"expected|Expecting|Unterminated"):
        JsonReader(junk).value_within(10)


def test_many_empty_spans_are_answered():
    found = admit_json(JSON["spans"](100_000).encode())
    assert (found.span_count, found.rejected) == (0, 100_000)
    assert found.message.startswith(
        "100,000 of 100,000 spans were rejected: 100000 without a trace_id"
    )
