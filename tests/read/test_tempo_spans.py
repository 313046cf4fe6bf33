"""Attributes, events and links of a block of Tempo, wherever it keeps them, as OTLP names them."""

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.read.tempo_spans import COLUMNS, NestedSpans
from tests.support.file_spans import spans_of
from tests.support.tempo_blocks import SCHEMA, attrs, resource, span, trace, write_block

DATA = "data.parquet"


def only_span(folder, owner=None, **fields):
    write_block(folder, [trace(1, [resource([[span(1, **fields)]], **(owner or {}))])])
    (found,) = spans_of(folder, DATA)
    return found


@pytest.mark.parametrize(
    "attributes",
    [
        {"text": "a", "whole": 2**53 + 1, "part": 0.5, "truth": False, "empty": ""},
        {"texts": ["a", "b"], "one": ["a"], "none": [], "numbers": [1, -2], "truths": [True]},
    ],
    ids=["values", "lists"],
)
def test_an_attribute_has_the_value_of_its_list(tmp_path, attributes):
    assert only_span(tmp_path, Attrs=attrs(attributes))["attributes"] == attributes


SCALARS = (
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)
VALUES = st.one_of(*SCALARS, *(st.lists(one, max_size=3) for one in SCALARS))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.dictionaries(st.text("abc", max_size=2), VALUES, max_size=4), max_size=5))
def test_each_span_has_the_attributes_that_were_written(objects):
    rows = [span(at, Attrs=attrs(one)) for at, one in enumerate(objects, 1)]
    traces = pa.Table.from_pylist([trace(1, [resource([rows])])], SCHEMA)
    nested = NestedSpans.of(traces.to_batches()[0])
    (column,) = (one for one in COLUMNS if one.name == "span.attributes")
    found = [json.loads(text) for text in column.make(nested, ()).to_pylist()]
    assert found == objects
    assert repr(found) == repr(objects)  # true is not 1, and 1 is not 1.0


def test_what_no_list_can_hold_is_the_value_of_its_json(tmp_path):
    pairs = [{"key": "k", "value": {"intValue": "5"}}]
    found = only_span(tmp_path, Attrs=attrs({"o": {"kvlistValue": {"values": pairs}}}))
    assert found["attributes"] == {"o": {"k": 5}}


def test_an_attribute_without_a_value_is_left_out(tmp_path):
    assert only_span(tmp_path, Attrs=[{"Key": "a", "IsArray": False}])["attributes"] == {}


def test_columns_that_tempo_knows_are_attributes(tmp_path):
    found = only_span(
        tmp_path,
        {"service": "shop", "Cluster": "east", "Attrs": attrs({"host.name": "h"})},
        HttpMethod="GET",
        HttpUrl="/",
        HttpStatusCode=200,
        Attrs=attrs({"a": 1}),
    )
    http = {"http.method": "GET", "http.url": "/", "http.status_code": 200}
    assert found["attributes"] == {"a": 1, **http}
    resource_attributes = {"host.name": "h", "service.name": "shop", "cluster": "east"}
    assert found["resource_attributes"] == resource_attributes


def test_a_resource_without_a_service_is_of_an_unknown_one(tmp_path):
    found = only_span(tmp_path, {"service": ""})
    assert (found["service_name"], found["resource_attributes"]) == ("unknown_service", {})


def test_the_time_of_an_event_is_counted_from_the_start_of_its_span(tmp_path):
    owned = {"Attrs": attrs({"a": 1}), "DroppedAttributesCount": 2}
    found = only_span(
        tmp_path,
        StartTimeUnixNano=1_700_000_000_000_000_001,
        Events=[{"TimeSinceStartNano": 7, "Name": "e", **owned}],
    )
    assert found["events"] == [
        {
            "timeUnixNano": "1700000000000000008",
            "name": "e",
            "attributes": {"a": 1},
            "droppedAttributesCount": 2,
        }
    ]


def test_the_ids_of_a_link_are_hex_though_they_could_be_text(tmp_path):
    owned = {"Attrs": [], "DroppedAttributesCount": 0, "TraceState": "k=v"}
    link = {"TraceID": b"a" * 16, "SpanID": b"b" * 8, **owned}
    (found,) = only_span(tmp_path, Links=[link])["links"]
    assert (found["traceId"], found["spanId"]) == ("61" * 16, "62" * 8)
    assert found["traceState"] == "k=v"
