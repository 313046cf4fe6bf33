"""Cut text is the JSON of the first elements, and what it lacks is counted to the last one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.read import json_cut
from indexer.read.json_cut import cut_json
from tests.support.examples import examples

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(
        st.characters(exclude_categories=["Cs"]) | st.sampled_from('\\"[]{},: \n'), max_size=6
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda one: st.lists(one, max_size=5) | st.dictionaries(st.text(max_size=3), one, max_size=5),
    max_leaves=15,
)
CONTAINERS = st.lists(VALUES, max_size=8) | st.dictionaries(st.text(max_size=3), VALUES, max_size=8)


def inside(value: Any) -> int:
    """Elements of a value's containers, its own among them."""
    members = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return 0
    return len(value) + sum(map(inside, members))


def members(value: Any) -> list[Any]:
    return list(value.items()) if isinstance(value, dict) else list(enumerate(value))


@examples(15)  # blocks of one byte are slow
@given(
    CONTAINERS,
    st.integers(0, 9),
    st.integers(0, 20),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
    st.sampled_from([1, 3, 7, 16, 1 << 20]),
)
@example({"a": "\\"}, 0, 0, None, True, 1)
@example([[], {}, [[]], [""]], 4, 1, 1, True, 3)
def test_the_first_elements_are_kept_and_the_rest_is_counted(
    value: Any, elements_max: int, inside_max: int, indent: Any, is_ascii: bool, block: int
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_cut, "BLOCK_BYTES_MIN", block)
        patch.setattr(json_cut, "BLOCK_BYTES_MAX", block)
        cut = cut_json(text, elements_max, inside_max)
    kept = members(value)[:elements_max]
    within = sum(inside(one) for _, one in kept)
    if len(value) <= elements_max and within <= inside_max:
        assert cut is None
        return
    assert cut is not None
    short = json.loads(cut.text)
    assert cut.left_out == len(value) - len(kept)
    assert [key for key, _ in members(short)] == [key for key, _ in kept]
    have = sum(inside(one) for _, one in members(short))
    assert have <= inside_max
    assert cut.inside_left_out == within - have
    if within <= inside_max:
        assert members(short) == kept
    for (_, one), (_, original) in zip(members(short), kept, strict=True):
        if not isinstance(original, dict | list):
            assert one == original


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "1",
        '"text"',
        "[",
        "[1,2",
        "[1,2]]",
        "[1,2] 3",
        "{1,2,3}",
        "][",
    ],
)
def test_what_is_no_json_is_not_cut(text: str) -> None:
    assert cut_json(text.encode(), 1, 1) is None


def test_bytes_that_are_no_utf_8_are_cut_too() -> None:
    cut = cut_json(b'["\xff\xfe","b","c"]', 2, 0)
    assert cut is not None
    assert (cut.text, cut.left_out) == (b'["\xff\xfe","b"]', 1)


def test_a_container_far_inside_is_cut_where_it_is() -> None:
    """The attributes around it stay, and so does what comes after it."""
    text = json.dumps({"a": {"b": {"c": list(range(100))}}, "d": [1, 2], "e": "f"}).encode()
    cut = cut_json(text, 10, 5)
    assert cut is not None
    assert json.loads(cut.text) == {"a": {"b": {"c": [0, 1, 2]}}, "d": [], "e": "f"}
    assert cut.inside_left_out == 99
    deeper = json.dumps({"a": [[[[[[[0] * 100]]]]]], "e": "f"}).encode()
    cut = cut_json(deeper, 10, 50)
    assert cut is not None
    assert json.loads(cut.text) == {"a": [[[[]]]], "e": "f"}
    assert cut.inside_left_out == 103


def test_each_element_keeps_some_of_its_own() -> None:
    """The event after one with too many attributes still has its name."""
    events = [{"name": n, "attributes": dict.fromkeys(map(str, range(50)), n)} for n in "abc"]
    cut = cut_json(json.dumps(events).encode(), 2, 20, each_min=4)
    assert cut is not None
    first, second = json.loads(cut.text)
    assert (first["name"], len(first["attributes"])) == ("a", 18)
    assert (second["name"], len(second["attributes"])) == ("b", 2)
    assert (cut.left_out, cut.inside_left_out) == (1, 32 + 48)
