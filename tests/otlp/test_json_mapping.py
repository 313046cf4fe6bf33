"""OTLP's JSON becomes exactly the message it says, or is refused with the place of the trouble.

Google's own ``json_format`` is the judge wherever OTLP makes no exception to it.
"""

import json
import math

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    NumberDataPoint,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.otlp.json_mapping import DEPTH_MAX, NotThisMessage, read_message
from indexer.otlp.json_reader import FloatText
from tests.otlp.export_requests import SPAN_ID, TRACE_ID


def nested(levels):
    """An array in an array, and so on; each level is two messages."""
    value = {"intValue": 1}
    for _ in range(levels):
        value = {"arrayValue": {"values": [value]}}
    return value


@pytest.mark.parametrize("text", [TRACE_ID, TRACE_ID.upper(), TRACE_ID.title()])
@pytest.mark.parametrize(
    ("kind", "around", "place"),
    [
        (Span, lambda ids: ids, lambda made: made),
        (LogRecord, lambda ids: ids, lambda made: made),
        (Span, lambda ids: {"links": [ids]}, lambda made: made.links[0]),
        (NumberDataPoint, lambda ids: {"exemplars": [ids]}, lambda made: made.exemplars[0]),
    ],
    ids=["span", "log record", "link", "exemplar"],
)
def test_ids_are_hex_of_any_case_wherever_they_stand(text, kind, around, place):
    made = place(read_message(kind, around({"traceId": text, "spanId": SPAN_ID.upper()})))
    assert (made.trace_id.hex(), made.span_id.hex()) == (TRACE_ID, SPAN_ID)


def test_the_id_of_a_parent_is_hex_too():
    assert read_message(Span, {"parentSpanId": SPAN_ID}).parent_span_id.hex() == SPAN_ID


def test_ids_in_base64_are_told_apart_by_their_length_and_end():
    message = Span(trace_id=bytes.fromhex(TRACE_ID), span_id=bytes.fromhex(SPAN_ID))
    said = json_format.MessageToDict(message)
    assert said["traceId"].endswith("=")
    assert read_message(Span, said) == message


@pytest.mark.parametrize(
    "text",
    ["", "abc", "zz" * 16, TRACE_ID[:-2], TRACE_ID + "00", " " + TRACE_ID[1:], "é" * 32, "=" * 24],
)
def test_text_that_is_no_id_is_the_problem_of_its_span(text):
    """The request stands; the id is one of another length, which no span may have."""
    assert len(read_message(Span, {"traceId": text, "name": "kept"}).trace_id) != 16


def test_an_id_that_is_a_number_is_refused():
    with pytest.raises(NotThisMessage, match="traceId: 17 is not text"):
        read_message(Span, {"traceId": 17})


@pytest.mark.parametrize("number", [0, 1, 2**53 + 1, 2**63 - 1, -(2**63)])
def test_integers_are_exact_as_numbers_and_as_text(number):
    assert read_message(AnyValue, {"intValue": number}).int_value == number
    assert read_message(AnyValue, {"intValue": str(number)}).int_value == number


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        "1.5",
        "15e-1",
        "1e-400",
        "",
        " 1",
        "1.",
        ".5",
        "1e",
        "+1",
        "1_000",
        "\u0661",
        "0x1",
        True,
        [],
        {},
        math.inf,
    ],
    ids=repr,
)
def test_what_is_no_integer_is_refused(value):
    with pytest.raises(NotThisMessage, match=r"intValue: .* is not an integer"):
        read_message(AnyValue, {"intValue": value})


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (AnyValue, "intValue", 2**63),
        (AnyValue, "intValue", "9" * 30),
        (AnyValue, "intValue", "9223372036854775808.0"),
        (AnyValue, "intValue", "1e30"),
        (AnyValue, "intValue", "1e999999999"),
        (AnyValue, "intValue", "1e" + "9" * 300),
        (AnyValue, "intValue", "0." + "0" * 400),
        (AnyValue, "intValue", str(-(2**63) - 1)),
        (Span, "startTimeUnixNano", -1),
        (Span, "startTimeUnixNano", str(2**64)),
        (Span, "flags", 2**32),
        (Span, "kind", 2**31),
        (ExponentialHistogramDataPoint, "scale", -(2**31) - 1),
    ],
)
def test_an_integer_out_of_its_range_is_refused(kind, field, value):
    with pytest.raises(NotThisMessage, match=f"{field}: .* is out of range"):
        read_message(kind, {field: value})


def test_a_time_may_have_all_64_bits():
    assert read_message(Span, {"endTimeUnixNano": str(2**64 - 1)}).end_time_unix_nano == 2**64 - 1


@pytest.mark.parametrize(
    ("value", "double"),
    [
        (1, 1.0),
        (0.1, 0.1),
        ("1.5e3", 1500.0),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
        (-0.0, -0.0),
        (5e-324, 5e-324),
    ],
)
def test_doubles_are_numbers_or_text(value, double):
    assert read_message(AnyValue, {"doubleValue": value}).double_value == double


def test_nan_is_a_word():
    assert math.isnan(read_message(AnyValue, {"doubleValue": "NaN"}).double_value)


@pytest.mark.parametrize(
    "value", [math.inf, 10**400, "1e999", "nan", "inf", "1_0", "", True, []], ids=str
)
def test_what_no_double_holds_is_refused(value):
    with pytest.raises(NotThisMessage, match=r"doubleValue: .* is not a double"):
        read_message(AnyValue, {"doubleValue": value})


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3), ("3", 3), ("SPAN_KIND_CLIENT", 3), (77, 77), (3.0, 3)],
)
def test_enumerations_are_numbers_and_their_names_are_tolerated(value, number):
    assert read_message(Span, {"kind": value}).kind == number


@pytest.mark.parametrize("value", ["SPAN_KIND_LATER", "client", ""])
def test_a_name_that_an_enumeration_does_not_have_is_refused(value):
    with pytest.raises(NotThisMessage, match=r"kind: .* is not a name of the enumeration"):
        read_message(Span, {"kind": value})


@pytest.mark.parametrize(
    ("value", "integer"),
    [
        (1.0, 1),
        (1.795e18, 1_795_000_000_000_000_000),
        ("1.795e18", 1_795_000_000_000_000_000),
        ("1.0", 1),
        ("3e0", 3),
        ("3E+2", 300),
        ("1000e-3", 1),
        ("-0.0", 0),
        ("0e999999999", 0),
        ("9223372036854775807.0", 2**63 - 1),
        ("9.223372036854775807e18", 2**63 - 1),
    ],
)
def test_integers_with_a_point_or_an_exponent_are_exact_where_the_text_is(value, integer):
    assert read_message(AnyValue, {"intValue": value}).int_value == integer
    text = value if isinstance(value, str) else repr(value)
    assert read_message(AnyValue, {"intValue": FloatText(text)}).int_value == integer


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 25))
def test_an_integer_is_the_same_wherever_its_point_stands(number, places):
    digits = str(abs(number)).rjust(places + 1, "0")
    point = len(digits) - places
    text = f"{'-' * (number < 0)}{digits[:point]}.{digits[point:] or '0'}e{places}"
    assert read_message(AnyValue, {"intValue": text}).int_value == number


@pytest.mark.parametrize("text", ["+/8=", "-_8=", "-_8"])
def test_bytes_are_base64_of_either_alphabet(text):
    assert read_message(AnyValue, {"bytesValue": text}).bytes_value == b"\xfb\xff"


@pytest.mark.parametrize("value", ["a", "a b=", "é", 1])
def test_what_is_no_base64_is_refused(value):
    with pytest.raises(NotThisMessage, match="bytesValue"):
        read_message(AnyValue, {"bytesValue": value})


def test_half_a_surrogate_pair_is_replaced_and_a_whole_one_kept():
    cut = json.loads(r'{"stringValue": "a\ud83d", "unknown": "\udc00"}')
    assert read_message(AnyValue, cut).string_value == "a\ufffd"
    whole = json.loads(r'{"stringValue": "\ud83d\ude00"}')
    assert read_message(AnyValue, whole).string_value == "😀"


@pytest.mark.parametrize("key", ["trace_state", "start_time_unix_nano", "[ext]", "later", ""])
@pytest.mark.parametrize("value", ["x", 1, None, [], {"a": [1, {}]}], ids=repr)
def test_unknown_keys_are_passed_over_whatever_they_hold(key, value):
    assert read_message(Span, {key: value, "name": "kept"}) == Span(name="kept")


@pytest.mark.parametrize("name", [field.json_name for field in Span.DESCRIPTOR.fields])
def test_null_is_the_same_as_absent(name):
    assert read_message(Span, {name: None}) == Span()


def test_an_empty_value_is_kept_and_says_nothing():
    made = read_message(AnyValue, {"arrayValue": {"values": [{}, {"intValue": 0}]}})
    assert [value.WhichOneof("value") for value in made.array_value.values] == [None, "int_value"]


@pytest.mark.parametrize("kind", ["arrayValue", "kvlistValue"])
def test_an_empty_list_is_not_an_absent_one(kind):
    assert read_message(AnyValue, {kind: {}}).WhichOneof("value") is not None


def test_two_values_at_once_are_refused():
    with pytest.raises(NotThisMessage, match="more than one of int_value, string_value"):
        read_message(AnyValue, {"stringValue": "a", "intValue": 1})
    assert read_message(AnyValue, {"stringValue": None, "intValue": 1}).int_value == 1


@pytest.mark.parametrize("value", ["text", 1, True, [], [1]], ids=repr)
def test_what_is_no_object_is_refused(value):
    with pytest.raises(NotThisMessage, match=r"status: .* is not an object"):
        read_message(Span, {"status": value})


@pytest.mark.parametrize("value", ["text", 1, {}, True], ids=repr)
def test_what_is_no_array_is_refused(value):
    with pytest.raises(NotThisMessage, match=r"events: .* is not an array"):
        read_message(Span, {"events": value})


def test_null_as_an_element_is_refused():
    with pytest.raises(NotThisMessage, match="events: None is not an object"):
        read_message(Span, {"events": [None]})


@pytest.mark.parametrize(("field", "value"), [("name", 1), ("name", ["a"]), ("traceState", {})])
def test_what_is_no_text_is_refused(field, value):
    with pytest.raises(NotThisMessage, match=f"{field}: .* is not text"):
        read_message(Span, {field: value})


@pytest.mark.parametrize("value", ["true", 0, 1])
def test_only_true_and_false_are_booleans(value):
    with pytest.raises(NotThisMessage, match=r"boolValue: .* is not a boolean"):
        read_message(AnyValue, {"boolValue": value})


def test_a_refusal_names_the_place_and_shows_little_of_the_value():
    with pytest.raises(NotThisMessage) as refusal:
        read_message(Span, {"events": [{"attributes": [{"value": {"intValue": "x" * 9_000}}]}]})
    assert str(refusal.value).startswith("events.attributes.value.intValue: 'xxx")
    assert len(str(refusal.value)) < 200


def test_what_is_read_at_the_greatest_depth_can_be_written_and_read_again():
    deepest = nested((DEPTH_MAX - 1) // 2)
    made = read_message(AnyValue, deepest)
    assert AnyValue.FromString(made.SerializeToString()) == made
    with pytest.raises(NotThisMessage, match="nested deeper than 100 messages"):
        read_message(AnyValue, nested(DEPTH_MAX // 2))


def test_a_histogram_without_a_sum_is_not_one_with_a_sum_of_zero():
    made = read_message(HistogramDataPoint, {"count": "2", "bucketCounts": ["1", 1], "sum": None})
    assert (made.count, list(made.bucket_counts), made.HasField("sum")) == (2, [1, 1], False)
    assert read_message(HistogramDataPoint, {"sum": 0}).HasField("sum")


scalars = st.one_of(
    st.builds(lambda value: {"stringValue": value}, st.text()),
    st.builds(lambda value: {"intValue": str(value)}, st.integers(-(2**63), 2**63 - 1)),
    st.builds(
        lambda value: {"doubleValue": value}, st.floats(allow_nan=False, allow_infinity=False)
    ),
    st.builds(lambda value: {"boolValue": value}, st.booleans()),
    st.just({"doubleValue": "-Infinity"}),
    st.just({}),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(lambda items: {"arrayValue": {"values": items}}, st.lists(inner, max_size=3)),
        st.builds(
            lambda items: {"kvlistValue": {"values": [{"key": k, "value": v} for k, v in items]}},
            st.lists(st.tuples(st.text(max_size=3), inner), max_size=3),
        ),
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(), values), max_size=5), st.integers(0, 2**32 - 1))
def test_where_otlp_makes_no_exception_json_format_agrees(pairs, dropped):
    said = {
        "attributes": [{"key": key, "value": value} for key, value in pairs],
        "droppedAttributesCount": dropped,
    }
    assert read_message(Resource, said) == json_format.ParseDict(said, Resource())


def test_metrics_of_every_kind_are_what_json_format_reads():
    point = {"timeUnixNano": "1763000000123456789", "attributes": [{"key": "a", "value": {}}]}
    metrics = [
        {"name": "a", "unit": "1", "gauge": {"dataPoints": [{**point, "asInt": "-5"}]}},
        {"name": "b", "sum": {"dataPoints": [{**point, "asDouble": 0.5}], "isMonotonic": True}},
        {"name": "c", "histogram": {"dataPoints": [{**point, "explicitBounds": [1, 2.5]}]}},
        {
            "name": "d",
            "exponentialHistogram": {
                "aggregationTemporality": 2,
                "dataPoints": [{**point, "scale": -3, "positive": {"offset": -1}, "max": 3}],
            },
        },
        {"name": "e", "summary": {"dataPoints": [{"quantileValues": [{"quantile": 0.9}]}]}},
    ]
    said = {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}
    assert read_message(ExportMetricsServiceRequest, said) == json_format.ParseDict(
        said, ExportMetricsServiceRequest()
    )
