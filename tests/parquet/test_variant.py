"""A VARIANT is the value that was written, shredded or not; other bytes cost no more than they are."""

import datetime as dt
import struct
import time
import uuid
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.parquet.variant import Shredded, UnixNanos, is_variant, variant_values
from tests.support.examples import examples
from tests.support.variants import GROUP, encoded, shredded_column, variant_column

some = examples(30)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=70)
SCALARS |= st.floats(allow_nan=False) | st.text(max_size=70)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=15,
)
EMPTY_NAMES = b"\x01\x00\x00"


def read(column, values_max=1_000):
    shredded = Shredded(
        typed=lambda array: array.to_pylist(),
        scalar=lambda one: one,
        invalid=lambda content: f"invalid: {content.hex()}",
        cut=lambda value, left_out: (value, left_out),
        values_max=values_max,
    )
    return variant_values(column, shredded)


def one(value, metadata=EMPTY_NAMES):
    return read(pa.array([{"metadata": metadata, "value": value}], GROUP))[0]


@some
@given(st.lists(VALUES, max_size=5))
def test_every_value_comes_back(values):
    assert read(variant_column(values)) == values


@some
@given(st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3), max_size=4))
def test_a_shredded_value_is_the_same(values):
    assert read(shredded_column(values, "a")) == values


def test_a_sliced_column_gives_its_own_rows():
    column = variant_column([{"a": 1}, None, {"b": [2]}])
    assert read(column.slice(1)) == [None, {"b": [2]}]


@pytest.mark.parametrize(
    ("kind", "content", "value"),
    [
        (3, struct.pack("<b", -5), -5),
        (4, struct.pack("<h", -500), -500),
        (5, struct.pack("<i", 70_000), 70_000),
        (8, b"\x02" + struct.pack("<i", -12345), Decimal("-123.45")),
        (9, b"\x00" + struct.pack("<q", 12345), Decimal(12345)),
        (10, b"\x26" + (10**37 + 1).to_bytes(16, "little"), Decimal(f"{10**37 + 1}E-38")),
        (11, struct.pack("<i", 20_782), dt.date(2026, 11, 25)),
        (12, struct.pack("<q", 7), UnixNanos(7_000)),
        (13, struct.pack("<q", -7), UnixNanos(-7_000)),
        (14, struct.pack("<f", 0.5), 0.5),
        (17, struct.pack("<q", 3_661_000_001), dt.time(1, 1, 1, 1)),
        (18, struct.pack("<q", 7), UnixNanos(7)),
        (19, struct.pack("<q", 7), UnixNanos(7)),
        (20, bytes(range(16)), uuid.UUID(bytes=bytes(range(16)))),
    ],
)
def test_every_primitive_is_read(kind, content, value):
    assert one(bytes([kind << 2]) + content) == value
    assert one(bytes([kind << 2]) + content[:-1]).startswith("invalid")


def test_text_that_is_not_utf8_is_replaced():
    assert one(bytes([2 << 2 | 1]) + b"a\xff") == "a\ufffd"


def test_lists_of_objects_can_be_shredded():
    element = pa.struct([("value", pa.binary()), ("typed_value", pa.int64())])
    kind = pa.struct([*GROUP, ("typed_value", pa.list_(element))])
    row = {
        "metadata": EMPTY_NAMES,
        "value": None,
        "typed_value": [
            {"value": None, "typed_value": 5},
            {"value": encoded("x")[1], "typed_value": None},
            {"value": None, "typed_value": None},
        ],
    }
    whole = {**row, "value": encoded(["y"])[1], "typed_value": None}
    assert read(pa.array([row, None, whole, {**row, "typed_value": []}], kind)) == [
        [5, "x", None],
        None,
        ["y"],
        [],
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes([21 << 2]),
        bytes([7 << 2]),
        bytes([0b1_11_11 << 2 | 2]) + b"\xff" * 4,
        bytes([0b1_11 << 2 | 3]) + b"\xff" * 4,
        bytes([0b00_00 << 2 | 2, 1, 9, 0, 1, 0]),
        bytes([16 << 2]) + b"\xff\xff\xff\x7f",
        bytes([17 << 2]) + struct.pack("<q", -1),
        bytes([11 << 2]) + struct.pack("<i", 2**31 - 1),
    ],
    ids=bytes.hex,
)
def test_bytes_that_are_no_variant_are_named(content):
    assert one(content) == f"invalid: {content.hex()}"


@some
@given(st.binary(max_size=40), st.binary(max_size=40))
def test_any_bytes_have_an_end(metadata, content):
    one(content, metadata)


def test_values_inside_themselves_are_refused():
    """Each of 28 lists holds the next one twice: read as written, that is a quarter of a billion."""
    depth = 28
    body = bytes([0])
    for _ in range(depth):
        body = bytes([3, 2, 0, 0, len(body) if len(body) < 256 else 255]) + body
    began = time.process_time()
    assert str(one(body)).startswith("invalid")
    assert time.process_time() - began < 60


def test_deep_values_are_refused():
    body = bytes([0])
    for _ in range(300):
        size = len(body).to_bytes(4, "little")
        body = bytes([0b1_11 << 2 | 3]) + (1).to_bytes(4, "little") + bytes(4) + size + body
    assert str(one(body)).startswith("invalid")


def test_values_beyond_a_number_are_left_out_and_counted():
    column = variant_column([{"a": [1, 2, 3], "b": 4}, [1, 2]])
    assert read(column, values_max=4) == [({"a": [1, 2], "b": 4}, 1), [1, 2]]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([("metadata", pa.binary()), ("value", pa.binary())], True),
        ([("value", pa.large_binary()), ("metadata", pa.binary())], True),
        ([("metadata", pa.binary()), ("typed_value", pa.int64())], True),
        ([("metadata", pa.binary()), ("value", pa.binary()), ("typed_value", GROUP)], True),
        ([("metadata", pa.binary())], False),
        ([("metadata", pa.string()), ("value", pa.binary())], False),
        ([("metadata", pa.binary()), ("value", pa.string())], False),
        ([("metadata", pa.binary()), ("value", pa.binary()), ("other", pa.int8())], False),
        ([("value", pa.binary()), ("typed_value", pa.int8())], False),
    ],
    ids=str,
)
def test_a_variant_is_known_by_its_parts(fields, expected):
    assert is_variant(pa.struct(fields)) is expected
    assert not is_variant(pa.list_(pa.struct(fields)))
