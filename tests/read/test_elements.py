"""Events and links have the names of OTLP's JSON, whoever wrote them, and say nothing more."""

import pytest

from indexer.read.arrow_values import NanosText
from indexer.read.elements import count, element
from indexer.read.normalise import parse_value

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def event(**item):
    return element("events", item, parse_value)


def link(**item):
    return element("links", item, parse_value)


@pytest.mark.parametrize(
    "name", ["timeUnixNano", "time_unix_nano", "time_nanos", "timestamp_unix_nano"]
)
@pytest.mark.parametrize("time", [17, "17", 17.0, NanosText("17")], ids=repr)
def test_the_time_of_an_event_is_decimal_text(name, time):
    assert event(**{name: time}) == {"timeUnixNano": "17", "attributes": {}}


@pytest.mark.parametrize("name", ["timestamp", "Timestamp", "time", "Time"])
def test_a_name_without_a_unit_is_a_time_only_by_its_type(name):
    assert event(**{name: NanosText("17")}) == {"timeUnixNano": "17", "attributes": {}}
    assert event(**{name: "2026-11-25"}) == {name: "2026-11-25", "attributes": {}}


def test_the_first_time_counts_and_a_list_is_none():
    found = event(timeUnixNano=[1], time_nanos=3, timestamp_unix_nano=4)
    assert found == {"timeUnixNano": "3", "attributes": {}}
    assert event(timeUnixNano=None, time_unix_nano={}) == {"attributes": {}}


@pytest.mark.parametrize(
    ("trace", "span", "state"),
    [
        ("traceId", "spanId", "traceState"),
        ("trace_id", "span_id", "trace_state"),
        ("TraceId", "SpanId", "TraceState"),
    ],
)
def test_the_names_of_a_link_are_those_of_otlp(trace, span, state):
    found = link(**{trace: TRACE, span: SPAN, state: "a=1"})
    assert found == {"traceId": TRACE, "spanId": SPAN, "traceState": "a=1", "attributes": {}}


@pytest.mark.parametrize(
    ("trace", "span"),
    [
        (f"0x{TRACE}", f"0x{SPAN}"),
        (TRACE.upper(), SPAN.upper()),
        ("CvdlGRbNQ92ESOshHIAxnA==", "t61rcWkgMzE="),
    ],
)
def test_the_ids_of_a_link_are_those_of_the_span_it_points_to(trace, span):
    found = link(traceId=trace, spanId=span)
    assert (found["traceId"], found["spanId"]) == (TRACE, SPAN)


def test_ids_that_are_none_stay():
    found = link(traceId="?", spanId="", traceState=None)
    assert found == {"traceId": "?", "spanId": "", "traceState": None, "attributes": {}}


@pytest.mark.parametrize("dropped", [{}, {"droppedAttributesCount": None}])
def test_no_count_is_made_up(dropped):
    assert event(name="e", **dropped) == {"name": "e", "attributes": {}}


@pytest.mark.parametrize("name", ["droppedAttributesCount", "dropped_attributes_count"])
def test_a_count_that_was_written_is_there(name):
    assert link(**{name: 0}) == {"droppedAttributesCount": 0, "attributes": {}}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (None, {}),
        ("null", {}),
        ('{"a": null}', {"a": None}),
        ([{"key": "a", "value": {"intValue": "5"}}], {"a": 5}),
        ("not json", "not json"),
        ([1], [1]),
    ],
)
def test_attributes_are_an_object_where_they_can_be(attributes, expected):
    assert event(attributes=attributes) == {"attributes": expected}


def test_what_else_a_writer_says_stays():
    assert event(name="e", flags=1, other={"x": None}) == {
        "name": "e",
        "flags": 1,
        "other": {"x": None},
        "attributes": {},
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((0, 0), (7.0, 7), ("12", 12), (True, 1), (2**64 - 1, 2**64 - 1)),
        *((2**64, None), (-1, None), (1.5, None), ("", None), ("-1", None), ("9" * 30, None)),
        *((float("nan"), None), ([], None), (None, None), ("٣", None)),
    ],
)
def test_a_count_is_a_number_of_64_bits_or_none(value, expected):
    assert count(value) == expected
