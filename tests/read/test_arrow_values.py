"""A value of any column type is one that JSON can say, and nothing in it ends an answer."""

import datetime as dt
import json
import uuid
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.read.arrow_values import NanosText, arrow_values
from indexer.read.conform import TIME_MAX
from tests.read.read_back import invalid_utf8
from tests.support.examples import examples
from tests.support.variants import variant_column

TEXT_MAP = pa.map_(pa.string(), pa.string())
KEY_VALUE = pa.list_(pa.struct([("key", pa.string()), ("value", pa.int64())]))


def values(stored, kind, key=""):
    found = arrow_values(pa.array(stored, kind), key)
    json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    return found


@pytest.mark.parametrize(
    ("kind", "stored", "expected"),
    [
        (pa.null(), None, None),
        (pa.bool_(), True, True),
        (pa.uint64(), 2**64 - 1, 2**64 - 1),
        (pa.float64(), float("nan"), "NaN"),
        (pa.float32(), float("-inf"), "-Infinity"),
        (pa.float16(), 1.5, 1.5),
        (pa.string(), "é", "é"),
        (pa.string_view(), "é", "é"),
        (pa.dictionary(pa.int8(), pa.string()), "é", "é"),
        (pa.binary(), "é".encode(), "é"),
        (pa.binary(), b"\xff\x00", "ff00"),
        (pa.binary(2), b"\xff\x01", "ff01"),
        (pa.decimal128(38, 2), Decimal("1.50"), 1.5),
        (pa.decimal128(38, 2), Decimal(f"{10**30}.00"), 10**30),
        (pa.decimal256(76, 0), Decimal(10**75), 10**75),
        (pa.date32(), dt.date(2026, 11, 25), "2026-11-25"),
        (pa.time64("us"), dt.time(1, 2, 3, 4), "01:02:03.000004"),
        (pa.timestamp("ns", "UTC"), 1_795_000_000_123_456_789, "1795000000123456789"),
        (pa.timestamp("s"), 1, "1000000000"),
        (pa.timestamp("us"), 253_402_300_799_999_999, str(TIME_MAX)),
        (pa.duration("us"), dt.timedelta(microseconds=3), 3_000),
        (pa.duration("ns"), 5, 5),
        (pa.uuid(), uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (pa.month_day_nano_interval(), (1, 2, 3), str(pa.MonthDayNano([1, 2, 3]))),
        (pa.list_(pa.int64()), [1, None], [1, None]),
        (pa.large_list(pa.string()), [], []),
        (pa.list_(pa.int8(), 2), [1, 2], [1, 2]),
        (pa.struct([("a", pa.int8()), ("b", pa.int8())]), {"a": 1}, {"a": 1}),
        (TEXT_MAP, [("k", "1"), ("k", "2"), ("n", None)], {"k": "2"}),
        (TEXT_MAP, [("k", "1"), ("n", "2"), ("k", None)], {"n": "2"}),
        (pa.map_(pa.int64(), TEXT_MAP), [(5, [("a", "b")])], {"5": {"a": "b"}}),
        (pa.map_(pa.binary(), pa.binary()), [(b"k", b"\xff")], {"k": "ff"}),
        (pa.map_(pa.string(), pa.list_(TEXT_MAP)), [("k", [[]])], {"k": [{}]}),
        (KEY_VALUE, [{"key": "a", "value": 1}, {"key": "b", "value": None}], {"a": 1}),
        (KEY_VALUE, [], {}),
    ],
    ids=str,
)
def test_a_value_of_every_type(kind, stored, expected):
    """Beside a null, and in a part of a longer column."""
    assert values([stored, None, stored], kind) == [expected, None, expected]
    assert arrow_values(pa.array([None, stored, stored], kind).slice(1, 1)) == [expected]
    (found,) = values([stored], kind)
    assert type(found) is type(expected) or isinstance(found, NanosText)


def test_text_that_is_not_utf8_is_replaced_wherever_it_is():
    texts = invalid_utf8(b"a\xff", b"b")
    assert arrow_values(texts) == ["a\ufffd", "b"]
    nested = pa.ListArray.from_arrays([0, 2], texts)
    assert arrow_values(nested) == [["a\ufffd", "b"]]
    assert arrow_values(pa.MapArray.from_arrays([0, 2], texts, texts)) == [
        {"a\ufffd": "a\ufffd", "b": "b"}
    ]


@pytest.mark.parametrize("key", ["spanId", "span_id", "SpanId"])
def test_raw_bytes_of_an_id_are_hex_even_where_they_are_text(key):
    assert values([b"abcdefgh", b"0123456789abcdef"], pa.binary(), key) == [
        "6162636465666768",
        "0123456789abcdef",
    ]
    link = pa.struct([(key, pa.binary(8))])
    assert values([[{key: b"abcdefgh"}]], pa.list_(link)) == [[{key: "6162636465666768"}]]


def test_bytes_of_an_any_value_are_hex():
    kind = pa.struct([("key", pa.string()), ("value", pa.struct([("bytesValue", pa.binary())]))])
    assert values([[{"key": "a", "value": {"bytesValue": b"ab"}}]], pa.list_(kind)) == [
        {"a": "6162"}
    ]


def test_a_variant_inside_a_list_is_its_value():
    column = variant_column([{"a": [1, {"b": None}]}, float("inf")])
    assert arrow_values(column) == [{"a": [1, {"b": None}]}, "Infinity"]
    assert arrow_values(pa.ListArray.from_arrays([0, 2], column)) == [
        [{"a": [1, {"b": None}]}, "Infinity"]
    ]


SIMPLE = st.sampled_from(
    [pa.string(), pa.binary(), pa.int32(), pa.float64(), pa.bool_(), pa.null()]
)
SIMPLE |= st.sampled_from([pa.timestamp("ms"), pa.date64(), pa.time32("s"), pa.decimal128(9, 3)])
KINDS = st.recursive(
    SIMPLE,
    lambda inner: (
        inner.map(pa.list_)
        | inner.map(lambda one: pa.map_(pa.string(), one))
        | st.lists(inner, min_size=1, max_size=3).map(
            lambda kinds: pa.struct([(f"f{at}", one) for at, one in enumerate(kinds)])
        )
    ),
    max_leaves=5,
)


@examples(40)
@given(KINDS, st.data())
def test_every_column_has_one_value_a_row_and_all_are_json(kind, data):
    rows = data.draw(st.integers(0, 3))
    column = pa.nulls(rows, kind)
    assert arrow_values(column) == [None] * rows
    nested = pa.ListArray.from_arrays(pa.array([0, rows, rows], pa.int32()), column)
    assert arrow_values(nested) == [[None] * rows, []]
    json.dumps(arrow_values(nested), allow_nan=False)
