"""Texts of a plain encoding are found by their place, whatever lengths they have."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.read.byte_arrays import ByteArrays, equal_stride
from tests.support.examples import examples

TEXTS = st.one_of(
    st.lists(st.binary(max_size=6), min_size=1, max_size=20),
    st.integers(0, 5).flatmap(
        lambda length: st.lists(
            st.binary(min_size=length, max_size=length), min_size=1, max_size=20
        )
    ),
)


def encoded(texts: list[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


@examples(40)
@given(TEXTS, st.data())
def test_any_text_is_found_in_any_order(texts: list[bytes], data: st.DataObject) -> None:
    found = ByteArrays(encoded(texts), len(texts))
    for _ in range(3):
        place = data.draw(st.integers(0, len(texts) - 1))
        assert found[place] == texts[place]


@examples(40)
@given(TEXTS, st.data())
def test_texts_of_ascending_places_are_those_of_each(
    texts: list[bytes], data: st.DataObject
) -> None:
    places = data.draw(st.lists(st.integers(0, len(texts)), unique=True).map(sorted))
    found = ByteArrays(encoded(texts), len(texts))
    if len(texts) in places:
        with pytest.raises(IndexError):
            found.take(places)
    else:
        assert found.take(places) == [texts[place] for place in places]


@examples(40)
@given(TEXTS, st.integers(1, 9))
def test_a_text_that_is_cut_off_is_an_error(texts: list[bytes], cut: int) -> None:
    body = encoded(texts)
    with pytest.raises(IndexError):
        ByteArrays(body[: -min(cut, len(body))], len(texts)).take(range(len(texts)))


@examples(40)
@given(TEXTS)
def test_only_texts_of_one_length_have_a_stride(texts: list[bytes]) -> None:
    lengths = {len(text) for text in texts}
    assert equal_stride(encoded(texts)) == (4 + lengths.pop() if len(lengths) == 1 else 0)


@pytest.mark.parametrize("texts", [[b"ab", b"cd"], [b"ab", b"c"]], ids=["equal", "different"])
def test_a_place_after_the_last_text_is_an_error(texts: list[bytes]) -> None:
    found = ByteArrays(encoded(texts), len(texts))
    with pytest.raises(IndexError):
        found[2]


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_a_text_that_ends_early_is_an_error(cut: int) -> None:
    found = ByteArrays(encoded([b"abc", b"def"])[:-cut], 2)
    assert found[0] == b"abc"
    with pytest.raises(IndexError):
        found[1]


def test_no_bytes_have_no_text() -> None:
    with pytest.raises(IndexError):
        ByteArrays(b"", 1)[0]
