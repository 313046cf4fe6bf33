"""Numbers of the hybrid are the same one by one, all at once, and as they were written by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.parquet.hybrid import all_numbers, numbers_at, single_number
from tests.support.examples import examples


def varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def packed(width: int, numbers: list[int]) -> bytes:
    bits = sum(number << (width * at) for at, number in enumerate(numbers))
    return varint(len(numbers) // 8 << 1 | 1) + bits.to_bytes(width * len(numbers) // 8, "little")


def repeated(number: int, count: int) -> bytes:
    return varint(count << 1) + bytes([number])


@st.composite
def runs(draw: st.DrawFn) -> tuple[int, bytes, list[int]]:
    """(width, encoded, numbers)."""
    width = draw(st.integers(1, 8))
    number = st.integers(0, (1 << width) - 1)
    data, numbers = b"", []
    for _ in range(draw(st.integers(1, 5))):
        if draw(st.booleans()):
            some = draw(st.lists(number, min_size=8, max_size=8)) * draw(st.integers(1, 3))
            data += packed(width, some)
        else:
            some = [draw(number)] * draw(st.integers(1, 40))
            data += repeated(some[0], len(some))
        numbers += some
    return width, data, numbers


@examples(40)
@given(runs(), st.data())
def test_all_numbers_are_those_at_each_place(
    drawn: tuple[int, bytes, list[int]], data: st.DataObject
) -> None:
    width, encoded, numbers = drawn
    count = data.draw(st.integers(1, len(numbers)))
    assert list(all_numbers(encoded, 0, width, count)) == numbers[:count]
    assert numbers_at(encoded, 0, width, list(range(count))) == numbers[:count]
    one = single_number(encoded, 0, width, count)
    assert one is None or set(numbers[:count]) == {one}


@pytest.mark.parametrize("count", [9, 100])
def test_numbers_that_end_early_are_an_error(count: int) -> None:
    with pytest.raises(IndexError):
        all_numbers(packed(3, [1] * 16)[:-4], 0, 3, count)


def test_a_run_is_as_long_as_what_is_asked_for() -> None:
    """Whatever it claims: it is not written out."""
    assert all_numbers(repeated(1, 1 << 40), 0, 1, 5) == b"\1" * 5


@pytest.mark.parametrize("width", [0, 9])
def test_wider_numbers_than_a_byte_are_refused(width: int) -> None:
    with pytest.raises(ValueError, match="bits"):
        all_numbers(b"\x03\xff", 0, width, 1)
