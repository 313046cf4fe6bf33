"""Headers are found by name as Starlette finds them."""

from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from indexer.http.header_index import HeaderIndex

NAMES = st.sampled_from(["host", "origin", "content-length", "x-\xe9"])
HEADERS = st.lists(st.tuples(NAMES, st.text(st.characters(max_codepoint=255), max_size=3)))


@given(HEADERS, st.sampled_from(["Host", "origin", "CONTENT-LENGTH", "absent", "X-\xe9"]))
def test_each_look_finds_the_same(headers: list[tuple[str, str]], name: str) -> None:
    raw = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers]
    plain, index = Headers(raw=raw), HeaderIndex({"headers": raw})
    assert (name in index) == (name in plain)
    assert index.get(name) == plain.get(name)
    assert index.get(name, "none") == plain.get(name, "none")
    assert index.getlist(name) == plain.getlist(name)
    assert index == plain
    if name in plain:
        assert index[name] == plain[name]
