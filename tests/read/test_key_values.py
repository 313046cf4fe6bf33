"""Attributes as OTLP lists them are objects, whichever names the members of AnyValue have."""

import json

import pyarrow as pa
import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from indexer.read.key_values import any_value, has_key_values, is_key_values, object_of
from tests.support.examples import examples

SCALARS = (
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5) | st.binary(max_size=5)
)
SCALARS |= st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def otlp(value):
    """The value as OTLP has it."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[otlp(one) for one in value]))
    if isinstance(value, dict):
        pairs = [KeyValue(key=key, value=otlp(one)) for key, one in value.items()]
        return AnyValue(kvlist_value=KeyValueList(values=pairs))
    member = {int: "int", float: "double", str: "string", bytes: "bytes"}[type(value)]
    return AnyValue(**{f"{member}_value": value})


def plain(value):
    """The value as answers have it: bytes are hex."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [plain(one) for one in value]
    return {k: plain(one) for k, one in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("own_names", [False, True], ids=["JSON", "protobuf"])
@examples(30)
@given(value=VALUES)
def test_an_any_value_is_its_value(own_names, value):
    said = MessageToDict(otlp(value), preserving_proto_field_name=own_names)
    found = any_value(json.loads(json.dumps(said)))
    expected = plain(value)
    if not value and isinstance(value, list | dict):
        expected = [] if isinstance(value, list) else {}
    assert found == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, None),
        ({"intValue": "x"}, "x"),
        ({"intValue": "9" * 30}, "9" * 30),
        ({"doubleValue": "NaN"}, "NaN"),
        ({"bytesValue": "not base64"}, "not base64"),
        ({"arrayValue": 5}, 5),
        ({"kvlistValue": {"values": [{"a": 1}]}}, {"values": [{"a": 1}]}),
        ({"stringValue": "x", "other": 1}, {"stringValue": "x", "other": 1}),
        ({"k": "v"}, {"k": "v"}),
        ("x", "x"),
    ],
)
def test_what_is_no_any_value_stays(value, expected):
    assert any_value(value) == expected


def test_pairs_are_an_object():
    pairs = [{"key": "a", "value": 1}, {"key": "b", "value": None}, {"key": "c"}]
    pairs += [{"key": "a", "value": {"stringValue": "last"}}, {"key": "d", "value": {}}]
    assert is_key_values(pairs)
    assert object_of(pairs) == {"a": "last"}


@pytest.mark.parametrize(
    "value", [[], [1], [{"key": 1}], [{"value": 1}], [{"key": "a", "x": 1}], {"key": "a"}, None]
)
def test_another_list_has_no_pairs(value):
    assert not is_key_values(value)


PAIR = pa.struct([("key", pa.string()), ("value", pa.int64())])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pa.list_(PAIR), True),
        (pa.large_list(pa.struct([("value", PAIR), ("key", pa.binary())])), True),
        (pa.map_(pa.string(), pa.int64()), False),
        (pa.list_(pa.struct([("key", pa.int64()), ("value", pa.int64())])), False),
        (pa.list_(pa.struct([("key", pa.string())])), False),
        (pa.list_(pa.string()), False),
        (PAIR, False),
    ],
    ids=str,
)
def test_a_column_of_pairs_is_known_by_its_type(kind, expected):
    assert has_key_values(kind) is expected
