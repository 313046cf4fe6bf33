"""Bytes are found wherever they are."""

import re

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.system.byte_search import Bytes, find_all, windows
from tests.support.examples import examples


def letters(content: bytes) -> Bytes:
    return np.frombuffer(content, np.uint8)


def places_of(needle: bytes, content: bytes) -> list[int]:
    return [at for at in range(len(content)) if content.startswith(needle, at)]


@examples(100)
@given(
    content=st.binary(max_size=40) | st.text("ab", max_size=120).map(str.encode),
    needle=st.binary(min_size=1, max_size=3)
    | st.text("ab", min_size=1, max_size=12).map(str.encode)
    | st.sampled_from((b"ab" * 9, b"a" * 40)),
    most=st.integers(0, 140),
)
@example(content=b"ababa\0ab", needle=b"aba", most=2)
@example(content=b"", needle=b"a", most=0)
@example(content=b"ab" * 60, needle=b"ab", most=60)
def test_each_place_is_found_unless_there_are_too_many(
    content: bytes, needle: bytes, most: int
) -> None:
    """Those that overlap too, and where nothing stands between two of them."""
    found = find_all(letters(content), needle, most=most)
    places = places_of(needle, content)
    if len(places) > most:
        assert found is None
    else:
        assert found is not None
        assert found.tolist() == places


@examples(40)
@given(content=st.text("ab", max_size=60), needle=st.text("ab", min_size=1, max_size=4))
def test_of_places_that_are_apart_each_is_the_first_after_the_one_before(
    content: str, needle: str
) -> None:
    found = find_all(letters(content.encode()), needle.encode(), most=60, are_apart=True)
    assert found is not None
    assert found.tolist() == [one.start() for one in re.finditer(needle, content)]


@examples(50)
@given(
    content=st.binary(max_size=300),
    needle=st.binary(min_size=1, max_size=80),
    at=st.integers(0, 300),
    begin=st.integers(0, 64),
)
def test_bytes_are_found_at_any_place_in_memory(
    content: bytes, needle: bytes, at: int, begin: int
) -> None:
    """Whatever the vectors are that they lie in."""
    whole = content[:at] + needle + content[at:]
    found = find_all(letters(whole)[begin:], needle, most=400)
    assert found is not None
    assert found.tolist() == places_of(needle, whole[begin:])


@examples(25)
@given(content=st.binary(max_size=8), places=st.sets(st.integers(0, 8)), width=st.integers(1, 10))
def test_a_window_is_filled_up_where_the_bytes_end(
    content: bytes, places: set[int], width: int
) -> None:
    ordered = sorted(places)
    found = windows(letters(content), np.array(ordered, np.int64), width)
    assert [row.tobytes() for row in found] == [
        content[place : place + width].ljust(width, b"\0") for place in ordered
    ]
