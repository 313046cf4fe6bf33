"""Bytes are found wherever they are, by the C library's search and by Python's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.system import byte_search
from tests.support.examples import examples


@pytest.fixture(params=[True, False], ids=["memmem", "find"])
def by_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.setattr(byte_search, "_MEMMEM", None)


@pytest.mark.usefixtures("by_library")
@pytest.mark.parametrize("most", [3, 100])
def test_each_place_is_found_up_to_the_end(most: int) -> None:
    """Those that overlap too, and nothing beyond."""
    content = b"ababa\0ab" + b"ab" * 5
    found = byte_search.find_all(content, b"ab", end=8, most=most)
    assert found == [0, 2, 6]
    assert byte_search.find_all(content, b"ab", end=10, most=3) is None
    assert byte_search.find_all(content, b"aba", end=8, most=most) == [0, 2]
    assert byte_search.find_all(b"", b"a", end=0, most=most) == []


@examples(50)
@given(
    content=st.binary(max_size=40) | st.text("ab", max_size=80).map(str.encode),
    needle=st.binary(min_size=1, max_size=3) | st.sampled_from((b"a", b"ab", b"aa")),
    dense=st.sampled_from((0, 1, byte_search.DENSE_BYTES)),
)
def test_bytes_are_found_however_they_are_looked_for(
    content: bytes, needle: bytes, dense: int
) -> None:
    """Also where the search changes on the way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_search, "DENSE_BYTES", dense)
        found = byte_search.find_all(content, needle, end=len(content), most=100)
    assert found == [at for at in range(len(content)) if content.startswith(needle, at)]
