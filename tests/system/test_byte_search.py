"""Bytes are found wherever they are, by the C library's search and by numpy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.system import byte_search
from indexer.system.byte_search import Bytes, find_all, stands_anywhere, windows
from tests.support.examples import examples


@pytest.fixture(params=[True, False], ids=["memmem", "numpy"])
def by_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.setattr(byte_search, "_MEMMEM", None)


def letters(content: bytes) -> Bytes:
    return np.frombuffer(content, np.uint8)


@pytest.mark.usefixtures("by_library")
def test_each_place_is_found_unless_there_are_too_many() -> None:
    """Those that overlap too."""
    for content, needle, places in (
        (b"ababa\0ab", b"ab", [0, 2, 6]),
        (b"ababa\0ab", b"aba", [0, 2]),
        (b"ababa\0ab", b"\0", [5]),
        (b"ab", b"abc", []),
        (b"", b"a", []),
    ):
        for most in (len(places), 100):
            found = find_all(letters(content), needle, most=most)
            assert found is not None
            assert found.tolist() == places
    assert find_all(letters(b"ab" * 4), b"ab", most=3) is None


@examples(50)
@given(
    content=st.binary(max_size=40) | st.text("ab", max_size=120).map(str.encode),
    needle=st.binary(min_size=1, max_size=3)
    | st.sampled_from((b"a", b"ab", b"aa", b"ab" * 4, b"ab" * 9)),
    dense=st.sampled_from((0, 1, byte_search.DENSE_BYTES)),
    block=st.integers(1, 64),
    part=st.integers(1, 64),
)
def test_bytes_are_found_however_they_are_looked_for(
    content: bytes, needle: bytes, dense: int, block: int, part: int
) -> None:
    """Also where the search changes on the way, and in whatever blocks numpy looks at.

    And again, by the way that was found to be right before.
    """
    places = [at for at in range(len(content)) if content.startswith(needle, at)]
    byte_search._way_of.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_search, "DENSE_BYTES", dense)
        patch.setattr(byte_search, "SHORT_BYTES", dense % 2)
        patch.setattr(byte_search, "_BLOCK_WORDS", block)
        patch.setattr(byte_search, "_PART_WORDS", part)
        for searched, expected in ((content, places), (b"", []), (content, places)):
            found = find_all(letters(searched), needle, most=200)
            assert found is not None
            assert found.tolist() == expected


@examples(40)
@given(
    content=st.text("\\\\uab", max_size=60).map(str.encode),
    needle=st.sampled_from((b"\\u", b"\\uab", b"a")),
    looked_at=st.integers(1, 8),
    copied=st.integers(1, 8),
    frequent=st.sampled_from((1, 8)),
)
def test_a_needle_that_stands_somewhere_is_said_to(
    content: bytes, needle: bytes, looked_at: int, copied: int, frequent: int
) -> None:
    """And of one that does not it is known, unless its first letter is frequent."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_search, "_LOOKED_AT_BYTES", looked_at)
        patch.setattr(byte_search, "_COPIED_BYTES", copied)
        patch.setattr(byte_search, "_FREQUENT_BYTES", frequent)
        stands = stands_anywhere(letters(content), needle)
    assert stands or needle not in content
    if frequent == 1:
        assert stands == (needle in content)


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
