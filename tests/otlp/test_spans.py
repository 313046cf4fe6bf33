"""Every column of a span's row, from what a request says to what a file will hold."""

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from indexer.errors import InvalidOtlp
from indexer.otlp import spans as module
from indexer.otlp.spans import LOST, SPAN_SCHEMA, span_table, span_table_of
from tests.otlp.export_requests import (
    SPAN_ID,
    START,
    TRACE_ID,
    as_otlp_json,
    attribute,
    body,
    one_span,
    request_of,
    rows,
    span,
)

JUNJO_21 = [
    "span_id",
    "trace_id",
    "parent_span_id",
    "service_name",
    "name",
    "span_kind",
    "start_time",
    "end_time",
    "duration_ns",
    "status_code",
    "status_message",
    "attributes",
    "events",
    "links",
    "trace_flags",
    "trace_state",
    "dropped_attributes_count",
    "dropped_events_count",
    "dropped_links_count",
    "resource_attributes",
    "resource_dropped_attributes_count",
]
UINT64, UINT32 = st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1)


def table_of(*spans, **around):
    return span_table([request_of(body(*spans, **around)).SerializeToString()])


def row_of(one=None, **around):
    (row,) = rows(table_of(one or span(), **around))
    return row


def test_the_columns_are_those_of_junjo_studio_and_three_for_the_scope():
    assert [*JUNJO_21, "scope_name", "scope_version", "scope_attributes"] == SPAN_SCHEMA.names
    nullable = {field.name for field in SPAN_SCHEMA if field.nullable}
    scope = {"scope_name", "scope_version", "scope_attributes"}
    assert nullable == {"parent_span_id", "status_message", "trace_state", *scope}
    assert SPAN_SCHEMA.field("start_time").type == pa.timestamp("ns", "UTC")


def test_a_span_with_nothing_but_its_ids():
    bare = {"traceId": TRACE_ID.upper(), "spanId": SPAN_ID}
    assert row_of(bare) == {
        "span_id": SPAN_ID,
        "trace_id": TRACE_ID,
        "parent_span_id": None,
        "service_name": "unknown_service",
        "name": "",
        "span_kind": 0,
        "start_time": 0,
        "end_time": 0,
        "duration_ns": 0,
        "status_code": 0,
        "status_message": None,
        "attributes": "{}",
        "events": "[]",
        "links": "[]",
        "trace_flags": 0,
        "trace_state": None,
        "dropped_attributes_count": 0,
        "dropped_events_count": 0,
        "dropped_links_count": 0,
        "resource_attributes": "{}",
        "resource_dropped_attributes_count": 0,
        "scope_name": None,
        "scope_version": None,
        "scope_attributes": None,
    }


def test_a_span_with_everything():
    full = span(
        parentSpanId="00f067aa0ba902b7",
        traceState="k=v",
        flags=0x301,
        attributes=[attribute("n", intValue="9007199254740993")],
        droppedAttributesCount=1,
        events=[{"name": "e", "timeUnixNano": "18446744073709551615", "droppedAttributesCount": 4}],
        droppedEventsCount=2,
        links=[
            {
                "traceId": "AB" * 16,
                "spanId": "CD" * 8,
                "traceState": "l=w",
                "attributes": [attribute("a", boolValue=True)],
                "flags": 257,
            }
        ],
        droppedLinksCount=3,
        status={"code": 2, "message": "no"},
    )
    resource = {
        "attributes": [attribute("service.name", stringValue="shop")],
        "droppedAttributesCount": 5,
    }
    scope = {"name": "lib", "version": "1.2", "attributes": [attribute("s", doubleValue=1)]}
    assert row_of(full, resource=resource, scope=scope) == {
        "span_id": SPAN_ID,
        "trace_id": TRACE_ID,
        "parent_span_id": "00f067aa0ba902b7",
        "service_name": "shop",
        "name": "GET /",
        "span_kind": 2,
        "start_time": START,
        "end_time": START + 1_000,
        "duration_ns": 1_000,
        "status_code": 2,
        "status_message": "no",
        "attributes": '{"n":9007199254740993}',
        "events": '[{"name":"e","timeUnixNano":"18446744073709551615","attributes":{},'
        '"droppedAttributesCount":4}]',
        "links": f'[{{"traceId":"{"ab" * 16}","spanId":"{"cd" * 8}","traceState":"l=w",'
        '"attributes":{"a":true},"droppedAttributesCount":0,"flags":257}]',
        "trace_flags": 0x301,
        "trace_state": "k=v",
        "dropped_attributes_count": 1,
        "dropped_events_count": 2,
        "dropped_links_count": 3,
        "resource_attributes": '{"service.name":"shop"}',
        "resource_dropped_attributes_count": 5,
        "scope_name": "lib",
        "scope_version": "1.2",
        "scope_attributes": '{"s":1.0}',
    }


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"stringValue": "shop"}, "shop"),
        ({"stringValue": ""}, "unknown_service"),
        ({}, "unknown_service"),
        ({"intValue": 0}, "0"),
        ({"boolValue": False}, "false"),
        ({"arrayValue": {"values": [{"stringValue": "a"}]}}, '["a"]'),
    ],
)
def test_the_service_is_the_resource_attribute_as_text(value, name):
    resource = {"attributes": [attribute("service.name", **value)]}
    assert row_of(resource=resource)["service_name"] == name


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (5, 3, (5, 3, -2)),
        (0, 2**64 - 1, (0, 2**63 - 1, 2**63 - 1)),
        (2**63, 1, (2**63 - 1, 1, 2 - 2**63)),
        (2**64 - 1, 2**64 - 1, (2**63 - 1, 2**63 - 1, 0)),
        (1_763_000_000_123_456_789, 0, (1_763_000_000_123_456_789, 0, -1_763_000_000_123_456_789)),
    ],
)
def test_times_are_exact_and_bounded_and_durations_are_signed(start, end, expected):
    row = row_of(span(startTimeUnixNano=str(start), endTimeUnixNano=end))
    assert (row["start_time"], row["end_time"], row["duration_ns"]) == expected


@pytest.mark.parametrize(("kind", "kept"), [(5, 5), (6, 0), (-1, 0), (2**31 - 1, 0)])
def test_a_kind_that_otlp_does_not_have_is_unspecified(kind, kept):
    assert row_of(span(kind=kind))["span_kind"] == kept


@pytest.mark.parametrize(("code", "kept"), [(2, 2), (3, 0), (-1, 0), (2**31 - 1, 0)])
def test_a_status_that_otlp_does_not_have_is_unset(code, kept):
    assert row_of(span(status={"code": code}))["status_code"] == kept


@pytest.mark.parametrize(("parent", "kept"), [("", None), ("0" * 16, None), ("AbCd", "abcd")])
def test_an_empty_parent_is_none_and_an_odd_one_stays_for_readers_to_count(parent, kept):
    assert row_of(span(parentSpanId=parent))["parent_span_id"] == kept


def test_each_span_has_the_resource_and_the_scope_that_it_was_sent_under():
    request = ExportTraceServiceRequest()
    for service in ("a", "b"):
        each = request.resource_spans.add()
        each.resource.attributes.add(key="service.name").value.string_value = service
        for scope in ("x", "y"):
            made = each.scope_spans.add(scope={"name": scope})
            for number in (1, 2):
                ids = {"trace_id": b"t" * 16, "span_id": bytes(7) + bytes([number])}
                made.spans.add(name=f"{service}{scope}{number}", **ids)
    found = rows(span_table([request.SerializeToString()]))
    said = [row["service_name"] + row["scope_name"] + str(int(row["span_id"], 16)) for row in found]
    assert said == [row["name"] for row in found]
    assert len(said) == 8


def test_rows_are_in_order_of_arrival_over_batches(monkeypatch):
    monkeypatch.setattr(module, "BATCH_SPANS", 3)
    bodies = [one_span(name=str(number)).SerializeToString() for number in range(10)]
    table = span_table(iter([b"", *bodies, b""]))
    assert table["name"].to_pylist() == [str(number) for number in range(10)]
    assert table["name"].num_chunks == 4


def test_large_requests_close_a_batch_however_few_their_spans(monkeypatch):
    monkeypatch.setattr(module, "BATCH_BYTES", 1_000)
    assert span_table([one_span(name="n" * 2_000).SerializeToString()] * 3)["name"].num_chunks == 3


@pytest.mark.parametrize("made", [span_table([]), span_table([b""]), span_table_of([])])
def test_of_nothing_there_is_an_empty_table(made):
    assert (made.num_rows, made.schema) == (0, SPAN_SCHEMA)


def test_spans_without_an_identity_are_left_out():
    table = table_of(span(name="a"), span(traceId=""), span(spanId="00"), span(name="b"))
    assert table["name"].to_pylist() == ["a", "b"]


def test_a_body_that_does_not_parse_is_refused():
    with pytest.raises(InvalidOtlp, match="invalid protobuf"):
        span_table([one_span().SerializeToString(), b"\xff"])


@pytest.mark.parametrize("pair", [(b"\xff", b""), (b"", b"\xff")])
def test_a_pair_that_does_not_parse_is_refused(pair):
    with pytest.raises(InvalidOtlp, match=r"invalid (span|resource)"):
        span_table_of([pair])


def test_pairs_give_the_same_rows_as_the_request_that_they_came_in():
    spans = [span(name=str(number)) for number in range(3)]
    resource = {"attributes": [attribute("service.name", stringValue="shop")]}
    request = request_of(body(*spans, resource=resource))
    each = request.resource_spans[0]
    stored = each.resource.SerializeToString()
    pairs = [(one.SerializeToString(), stored) for one in each.scope_spans[0].spans]
    assert rows(span_table_of(iter(pairs))) == rows(span_table([request.SerializeToString()]))


def test_an_empty_resource_is_one_without_attributes():
    stored = one_span().resource_spans[0].scope_spans[0].spans[0].SerializeToString()
    named = Resource(attributes=[{"key": "service.name", "value": {"string_value": "shop"}}])
    table = span_table_of([(stored, b""), (stored, named.SerializeToString()), (stored, b"")])
    assert table["service_name"].to_pylist() == ["unknown_service", "shop", "unknown_service"]
    assert table["resource_attributes"].to_pylist()[0] == "{}"


def test_of_a_key_that_occurs_twice_the_last_value_is_kept():
    twice = [attribute("a", intValue=1), attribute("b"), attribute("a", stringValue="x")]
    assert json.loads(row_of(span(attributes=twice))["attributes"]) == {"a": "x", "b": None}


def test_what_is_lost_is_said_with_a_reason():
    fields = [field for field, _ in LOST]
    assert len(set(fields)) == len(fields)
    assert all(field and why for field, why in LOST)


def made_values(inner):
    pairs = st.lists(
        st.fixed_dictionaries({"key": st.text(max_size=4), "value": inner}), max_size=3
    )
    return st.one_of(
        st.fixed_dictionaries(
            {"array_value": st.fixed_dictionaries({"values": st.lists(inner, max_size=3)})}
        ),
        st.fixed_dictionaries({"kvlist_value": st.fixed_dictionaries({"values": pairs})}),
    )


scalars = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"string_value": st.text()}),
    st.fixed_dictionaries({"bool_value": st.booleans()}),
    st.fixed_dictionaries({"int_value": st.integers(-(2**63), 2**63 - 1)}),
    st.fixed_dictionaries({"double_value": st.floats()}),
    st.fixed_dictionaries({"bytes_value": st.binary()}),
)
pairs_of = st.lists(
    st.fixed_dictionaries(
        {"key": st.text(max_size=4), "value": st.recursive(scalars, made_values, max_leaves=5)}
    ),
    max_size=3,
)
ids = {
    "trace_id": st.binary(min_size=16, max_size=16),
    "span_id": st.binary(min_size=8, max_size=8),
}
spans_of = st.fixed_dictionaries(
    {
        **ids,
        "parent_span_id": st.one_of(st.just(b""), st.binary(min_size=8, max_size=8)),
        "name": st.text(),
        "kind": st.integers(0, 5),
        "start_time_unix_nano": UINT64,
        "end_time_unix_nano": UINT64,
        "flags": UINT32,
        "trace_state": st.text(max_size=4),
        "attributes": pairs_of,
        "events": st.lists(
            st.fixed_dictionaries(
                {"name": st.text(), "time_unix_nano": UINT64, "attributes": pairs_of}
            ),
            max_size=2,
        ),
        "links": st.lists(
            st.fixed_dictionaries({**ids, "flags": UINT32, "attributes": pairs_of}), max_size=2
        ),
        "status": st.fixed_dictionaries({"code": st.integers(0, 2), "message": st.text()}),
    }
)
requests_of = st.builds(
    lambda resource, scope, spans: ExportTraceServiceRequest(
        resource_spans=[
            {
                "resource": {"attributes": resource},
                "scope_spans": [{"scope": {"attributes": scope, "name": "lib"}, "spans": spans}],
            }
        ]
    ),
    pairs_of,
    pairs_of,
    st.lists(spans_of, max_size=3),
)


@settings(deadline=None)
@given(requests_of)
def test_json_and_protobuf_give_the_same_table(request):
    """Whatever a request holds, and bit by bit: NaN is text in the table, so it is equal too."""
    stored = request.SerializeToString()
    of_json = request_of(as_otlp_json(request)).SerializeToString()
    assert span_table([of_json]).equals(span_table([stored]))
