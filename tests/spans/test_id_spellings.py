"""An ID is found by every spelling that can mean nothing else, and by no other."""

import base64
import string
import uuid

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.spans.id_spellings import (
    SPAN_DIGITS,
    TRACE_DIGITS,
    id_text,
    parse_ids,
    parse_span_id,
    parse_trace_id,
)
from indexer.spans.identifiers import format_hex
from tests.support.examples import examples

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
some = examples(20)
ZERO = {TRACE_DIGITS: "0" * 32, SPAN_DIGITS: "0" * 16}


def ids(digits):
    return st.binary(min_size=digits // 2, max_size=digits // 2).filter(any)


def spellings(content: bytes) -> list[str]:
    """Each is one that some system prints."""
    hexed, encoded = content.hex(), base64.b64encode(content).decode()
    found = [hexed, hexed.upper(), f"0x{hexed}", f"0X{hexed.lstrip('0')}", encoded]
    found.append(base64.urlsafe_b64encode(content).decode())
    return [*found, str(uuid.UUID(hexed))] if len(content) == 16 else found


def parsed(column: pa.Array, digits: int) -> list[str | None]:
    found = parse_ids(column, digits=digits)
    for word in found.words:
        assert not word[~found.spelled].any()
    return format_hex(found.words, null=~found.valid).to_pylist()


@pytest.mark.parametrize("digits", [SPAN_DIGITS, TRACE_DIGITS])
@some
@given(data=st.data())
def test_an_id_is_the_same_in_every_spelling(digits, data):
    """And beside others in one column, nulls and texts of something else among them."""
    contents = data.draw(st.lists(ids(digits), max_size=8))
    spelled = [(text, one.hex()) for one in contents for text in spellings(one)]
    mixed = data.draw(st.permutations([*spelled, (None, None), ("x" * digits, None)]))
    column = pa.array([text for text, _ in mixed], pa.string())
    assert parsed(column, digits) == [expected for _, expected in mixed]


@some
@given(st.integers(1, 2**64 - 1))
def test_a_trace_id_of_64_bits_is_padded_on_the_left(number):
    expected = f"{number:032x}"
    for text in (f"{number:016x}", f"{number:x}", f"{number:X}"):
        assert parse_trace_id(text) == expected
    short = base64.b64encode(number.to_bytes(8, "big")).decode()
    assert parse_trace_id(short) == expected


@pytest.mark.parametrize("digits", range(17, 32))
def test_a_trace_id_between_64_and_128_bits_may_be_a_decimal_number(digits):
    assert parse_trace_id("1" * digits) is None
    assert parse_trace_id("0x" + "1" * digits) == ("1" * digits).zfill(32)


@pytest.mark.parametrize("digits", range(1, 16))
def test_a_span_id_without_its_zeros_may_be_a_counter(digits):
    assert parse_span_id("1" * digits) is None
    assert parse_span_id("0x" + "1" * digits) == ("1" * digits).zfill(16)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "0x", "x", "-", "=", "g" * 32, "é" * 16, "٣" * 16, "1 2", "+1", "_1"),
        *(TRACE + "0", f"0x{TRACE}0", f"0x0x{TRACE[:28]}", TRACE[:31] + "g"),
        *("c677d4160-361-a035-31e2-7233497a93e7", f"{{{uuid.UUID(TRACE)}}}"),
        *("CvdlGRbNQ92ESOshHIAxnA", "CvdlGRbNQ92ESOshHIAxnB==", "CvdlGRbNQ92ESOshHIAxn===="),
        "\udcff" * 4,
    ],
)
def test_another_text_is_no_trace_id(text):
    assert parse_trace_id(text) is None


@pytest.mark.parametrize("text", ["", "b7ad-6b71-6920-3331", TRACE, str(uuid.UUID(TRACE))])
def test_another_text_is_no_span_id(text):
    assert parse_span_id(text) is None


def test_blanks_around_an_id_are_left_out_where_a_person_types_it():
    assert (parse_trace_id(f" {TRACE}\n"), parse_span_id(f"\t{SPAN}")) == (TRACE, SPAN)


@pytest.mark.parametrize("digits", [SPAN_DIGITS, TRACE_DIGITS])
def test_zeros_are_spelled_and_no_id(digits):
    """As a parent they say that there is none; a malformed parent says that something is wrong."""
    texts = [ZERO[digits], f"0x{ZERO[digits]}", "0x0", *spellings(bytes(digits // 2))[4:], "x"]
    found = parse_ids(pa.array(texts), digits=digits)
    assert found.spelled.tolist() == [True] * (len(texts) - 1) + [False]
    assert not found.valid.any()


@pytest.mark.parametrize("digits", [SPAN_DIGITS, TRACE_DIGITS])
@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), "fixed"], ids=str)
@some
@given(data=st.data())
def test_raw_bytes_are_an_id(digits, kind, data):
    size = digits // 2
    contents = data.draw(st.lists(st.none() | ids(digits), max_size=8))
    column = pa.array(contents, pa.binary(size) if kind == "fixed" else kind)
    sliced = pa.chunked_array([column.slice(1), column.slice(0, 1)], column.type)
    text = id_text(sliced, digits=digits).combine_chunks()
    expected = [None if one is None else one.hex() for one in [*contents[1:], *contents[:1]]]
    assert parsed(text, digits) == expected


@some
@given(st.lists(ids(TRACE_DIGITS).map(lambda one: one[8:]).filter(any), max_size=8))
def test_raw_trace_ids_of_8_bytes_are_padded(contents):
    column = pa.chunked_array([pa.array(contents, pa.binary(8))])
    text = id_text(column, digits=TRACE_DIGITS).combine_chunks()
    assert parsed(text, TRACE_DIGITS) == [one.hex().zfill(32) for one in contents]


@pytest.mark.parametrize("digits", [SPAN_DIGITS, TRACE_DIGITS])
@some
@given(data=st.data())
def test_a_column_of_bytes_may_hold_text(digits, data):
    """As writers of BYTE_ARRAY without a logical type store it; hex digits are never raw bytes."""
    texts = [
        text for one in data.draw(st.lists(ids(digits), max_size=5)) for text in spellings(one)
    ]
    if digits == TRACE_DIGITS:
        texts += data.draw(st.lists(st.text(string.hexdigits, min_size=8, max_size=8)))
    column = pa.chunked_array([pa.array([text.encode() for text in texts], pa.binary())])
    again = id_text(column, digits=digits).combine_chunks()
    assert parsed(again, digits) == parsed(pa.array(texts, pa.string()), digits)


def test_bytes_of_another_length_are_no_id():
    column = pa.chunked_array([pa.array([b"\xff" * 16, b"\xff" * 7, b""], pa.binary())])
    assert parsed(id_text(column, digits=SPAN_DIGITS).combine_chunks(), SPAN_DIGITS) == [None] * 3


def test_the_uuids_of_parquet_are_trace_ids():
    column = pa.chunked_array([pa.array([uuid.UUID(TRACE).bytes], pa.uuid())])
    assert parsed(id_text(column, digits=TRACE_DIGITS).combine_chunks(), TRACE_DIGITS) == [TRACE]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_text_stays_as_it_stands(kind):
    column = pa.chunked_array([pa.array([TRACE, None, "x"], kind)])
    assert id_text(column, digits=TRACE_DIGITS).to_pylist() == [TRACE, None, "x"]
