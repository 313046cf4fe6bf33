"""Ids between hex text and integers: a wrong one here would be a wrong trace everywhere."""

import string

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.spans.identifiers import format_hex, parse_hex
from tests.spans.plain_spans import WORD, thorough

A_TRACE = "0af7651916cd43dd8448eb211c80319c"
A_SPAN = "b7ad6b7169203331"
BESIDE_HEX = "/:@G`g \x00-+_é٣"
"""Neighbours of the hex digits in ASCII, what ``int(text, 16)`` forgives, and two-byte letters."""


def words_of(text: str | None, digits: int) -> list[int] | None:
    """The oracle: the id's 64-bit words, or None for an invalid one."""
    if text is None or len(text) != digits or not set(text) <= set(string.hexdigits):
        return None
    words = [int(text[at : at + 16], 16) for at in range(0, digits, 16)]
    return words if any(words) else None


def parsed(column: pa.Array, digits: int) -> list[list[int] | None]:
    words, valid = parse_hex(column, digits=digits)
    for word in words:
        assert not word[~valid].any()
    return [[int(word[at]) for word in words] if valid[at] else None for at in range(len(column))]


def texts(digits: int) -> st.SearchStrategy[str | None]:
    hexes = st.text(string.hexdigits, min_size=digits, max_size=digits)
    broken = st.tuples(hexes, st.integers(0, digits - 1), st.sampled_from(BESIDE_HEX)).map(
        lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + 1 :]
    )
    wrong_length = st.text(string.hexdigits, max_size=digits * 2 + 1)
    as_many_bytes = st.just("é" + "a" * (digits - 2))
    return st.none() | st.just("0" * digits) | hexes | broken | wrong_length | as_many_bytes


@pytest.mark.parametrize("digits", [16, 32])
@thorough
@given(data=st.data())
def test_every_text_is_read_as_python_reads_it(digits, data):
    column = data.draw(st.lists(texts(digits), max_size=30))
    expected = [words_of(text, digits) for text in column]
    assert parsed(pa.array(column, pa.string()), digits) == expected


@thorough
@given(st.lists(texts(32), max_size=20), st.integers(0, 20), st.integers(0, 20))
def test_a_slice_of_a_column_is_read_like_the_column_of_the_slice(column, offset, length):
    sliced = pa.array(column, pa.string()).slice(min(offset, len(column)), length)
    expected = [words_of(text, 32) for text in sliced.to_pylist()]
    assert parsed(sliced, 32) == expected


@thorough
@given(st.lists(st.text(string.hexdigits, min_size=32, max_size=32), min_size=1, max_size=20))
def test_a_slice_of_real_ids_is_read_without_its_neighbours(column):
    """The way without a null or a wrong length is another one, and has its own offset."""
    sliced = pa.array([A_TRACE, *column, A_TRACE], pa.string()).slice(1, len(column))
    assert parsed(sliced, 32) == [words_of(text, 32) for text in column]


@thorough
@given(st.lists(st.text(string.hexdigits, min_size=16, max_size=16), max_size=30))
@example([A_SPAN.upper(), "f" * 16, "0" * 15 + "1"])
def test_an_id_comes_back_in_lowercase(column):
    words, _ = parse_hex(pa.array(column, pa.string()), digits=16)
    assert format_hex(words).to_pylist() == [text.lower() for text in column]


@thorough
@given(st.lists(st.tuples(st.integers(0, WORD), st.integers(0, WORD)), max_size=30))
def test_integers_come_back_from_their_text(pairs):
    words = [np.array([pair[half] for pair in pairs], np.uint64) for half in (0, 1)]
    again = parsed(format_hex(words), 32)
    assert again == [list(pair) if any(pair) else None for pair in pairs]


@thorough
@given(st.lists(st.tuples(st.integers(0, WORD), st.booleans()), max_size=70))
def test_a_row_marked_as_null_is_null_and_no_other(rows):
    words = np.array([word for word, _ in rows], np.uint64)
    null = np.array([hidden for _, hidden in rows], np.bool_)
    written = format_hex([words], null=null)
    written.validate(full=True)
    assert written.to_pylist() == [None if hidden else f"{word:016x}" for word, hidden in rows]


def test_upper_and_lower_case_are_the_same_id():
    column = pa.array([A_TRACE, A_TRACE.upper(), A_TRACE.title()])
    first, second, third = parsed(column, 32)
    assert first == second == third == [0x0AF7651916CD43DD, 0x8448EB211C80319C]


def test_an_id_of_zeros_is_no_id():
    assert parsed(pa.array(["0" * 32, "0" * 31 + "1", "1" + "0" * 31]), 32) == [
        None,
        [0, 1],
        [1 << 60, 0],
    ]


@pytest.mark.parametrize("text", ["", A_SPAN[:-1], A_SPAN + "0", A_TRACE, f" {A_SPAN[1:]}"])
def test_a_text_of_another_length_or_with_a_blank_is_no_span_id(text):
    assert parsed(pa.array([text, A_SPAN]), 16) == [None, [int(A_SPAN, 16)]]


def test_letters_of_two_bytes_do_not_pass_for_two_digits():
    fourteen_letters_sixteen_bytes = "aéaéaaaaaaaaaa"
    assert len(fourteen_letters_sixteen_bytes.encode()) == 16
    assert parsed(pa.array([fourteen_letters_sixteen_bytes]), 16) == [None]


def test_bytes_that_hide_behind_a_null_are_not_read():
    hidden = pa.array([A_SPAN, A_SPAN])
    validity = pa.py_buffer(bytes([0b10]))
    column = pa.Array.from_buffers(pa.string(), 2, [validity, *hidden.buffers()[1:]], 1)
    assert parsed(column, 16) == [None, [int(A_SPAN, 16)]]


@pytest.mark.parametrize("digits", [16, 32])
@pytest.mark.parametrize("column", [[], [None], [None, None]])
def test_a_column_without_a_text_has_no_id(column, digits):
    assert parsed(pa.array(column, pa.string()), digits) == [None] * len(column)


def test_no_rows_are_no_text():
    assert format_hex([np.zeros(0, np.uint64)]).to_pylist() == []
