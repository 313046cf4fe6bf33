"""Attribute values of every kind are what JSON can say of them, exactly."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from indexer.otlp.values import attributes, attributes_text, double, json_text, json_value

KINDS = [
    (AnyValue(), None),
    (AnyValue(string_value=""), ""),
    (AnyValue(string_value="Grüße 😀\x00"), "Grüße 😀\x00"),
    (AnyValue(bool_value=False), False),
    (AnyValue(int_value=-(2**63)), -(2**63)),
    (AnyValue(int_value=2**63 - 1), 2**63 - 1),
    (AnyValue(double_value=0.1), 0.1),
    (AnyValue(double_value=math.nan), "NaN"),
    (AnyValue(double_value=math.inf), "Infinity"),
    (AnyValue(double_value=-math.inf), "-Infinity"),
    (AnyValue(bytes_value=b"\x00\xff"), "00ff"),
    (AnyValue(array_value={}), []),
    (AnyValue(array_value={"values": [{"int_value": 1}, {}]}), [1, None]),
    (AnyValue(kvlist_value={}), {}),
    (AnyValue(kvlist_value={"values": [{"key": "a", "value": {"int_value": 1}}]}), {"a": 1}),
    (AnyValue(string_value_strindex=3), None),
]


@pytest.mark.parametrize(("value", "expected"), KINDS, ids=lambda one: repr(one)[:30])
def test_every_kind_of_value(value, expected):
    found = json_value(value)
    assert (type(found), found) == (type(expected), expected)
    assert attributes([KeyValue(key="k", value=value)]) == {"k": expected}


def test_the_kinds_above_are_all_that_there_are():
    seen = {value.WhichOneof("value") for value, _ in KINDS} - {None}
    assert seen == {field.name for field in AnyValue.DESCRIPTOR.fields}


def test_of_a_key_that_occurs_twice_the_last_value_holds():
    pairs = [KeyValue(key="a", value=AnyValue(int_value=number)) for number in (1, 2)]
    assert attributes([*pairs, KeyValue(key="b")]) == {"a": 2, "b": None}


def test_a_double_stays_a_double_and_an_integer_an_integer():
    pairs = [
        KeyValue(key="d", value=AnyValue(double_value=1)),
        KeyValue(key="i", value=AnyValue(int_value=1)),
    ]
    assert attributes_text(pairs) == '{"d":1.0,"i":1}'


def test_text_is_compact_and_keeps_every_alphabet():
    assert json_text({"é": ["😀", None]}) == '{"é":["😀",null]}'


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_finite_double_is_the_same_after_json(value):
    found = json.loads(json_text(double(value)))
    assert (found, math.copysign(1, found)) == (value, math.copysign(1, value))
