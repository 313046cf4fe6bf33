"""A text that stands in an answer as it is stored is the one that its value is written as."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.clients.shared.json_text import json_string
from indexer.read.json_text import parse_json
from indexer.read.normalise import canonical
from indexer.read.stored_objects import (
    KEYS_MAX,
    MISSES_FIRST,
    SHAPES_A_KEY,
    StoredObject,
    StoredObjects,
)
from tests.support.examples import examples

PLAIN = {"a.b": "x", "n": 1, "f": 0.5, "t": True, "none": None, "l": ["x", 1, False]}
KEYS = st.sampled_from([*PLAIN, "é", 'q"', "\\d+", "%s", ".*", "\x7f"])
SCALARS = st.one_of(
    st.sampled_from(["", "x", 'q"\\', "é", "\x7f", "\n", "\ud800", ".*", "%", "\U0001f600"]),
    st.sampled_from([0, 1, -1, 10**17, 10**18, 10**19, 2**63, 10**400]),
    st.sampled_from([0.0, -0.0, 0.1, 1e16, 1e22, 1e-7, 5e-324, 1.5, -2.25]),
    st.booleans(),
    st.none(),
)
VALUES = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(KEYS, SCALARS, max_size=2)
)
ODD_NUMBERS = [
    "-0",
    "1e5",
    "1E5",
    "0.10",
    "01",
    "1.0",
    "1.",
    "+1",
    "1e400",
    "NaN",
    "-1.5e-07",
    "1e-7",
]


def written(members: list[tuple[str, str]], separator: str = ",", colon: str = ":") -> str:
    return "{" + separator.join(f"{json.dumps(key)}{colon}{text}" for key, text in members) + "}"


TEXTS = st.one_of(
    st.dictionaries(KEYS, VALUES, max_size=4).map(
        lambda one: json.dumps(one, separators=(",", ":"))
    ),
    st.dictionaries(KEYS, VALUES, max_size=4).map(
        lambda one: json.dumps(one, separators=(",", ":"), ensure_ascii=False)
    ),
    st.dictionaries(KEYS, VALUES, max_size=4).map(json.dumps),
    st.lists(st.tuples(KEYS, st.sampled_from([*ODD_NUMBERS, '"x"', '"\\u0041"', "[1.5]"]))).map(
        written
    ),
    st.text(max_size=5),
    st.sampled_from(["{}", "[]", "1", '"x"', '{"a":1} ', ' {"a":1}', '{"a":1}x', '{"a":1']),
)


def value_of(found: Any) -> Any:
    return found.value if isinstance(found, StoredObject) else found


@examples(200)
@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_whatever_was_seen_before_a_stored_text_says_what_is_written(texts: list[str]) -> None:
    known = StoredObjects()
    for text in texts * (SHAPES_A_KEY * MISSES_FIRST):
        found = known.attributes(text)
        assert json_string(value_of(found)) == json_string(canonical("attributes", text))
        if isinstance(found, StoredObject):
            assert found.text == text == json_string(parse_json(text))
            assert found.names == parse_json(text).keys()


@examples(100)
@given(st.fixed_dictionaries(dict.fromkeys(("a", "b"), SCALARS)), SCALARS, SCALARS)
def test_of_one_shape_each_other_value_is_told_apart(
    usual: dict[str, Any], first: Any, second: Any
) -> None:
    """The keys are the same, the values may need what the usual ones do not."""
    known = StoredObjects()
    for _ in range(MISSES_FIRST):
        known.attributes(json.dumps(usual, separators=(",", ":")))
    for text in (
        json.dumps({"a": first, "b": second}, separators=(",", ":")),
        json.dumps({"a": first, "b": second}, separators=(",", ":"), ensure_ascii=False),
        *(f'{{"a":{one},"b":{one}}}' for one in ODD_NUMBERS),
    ):
        found = known.attributes(text)
        assert json_string(value_of(found)) == json_string(canonical("attributes", text))
        assert not isinstance(found, StoredObject) or found.text == json_string(parse_json(text))


@pytest.mark.parametrize("usual", ['"x"', "7", "-1.5", "true", "null", '["x",1]'])
@pytest.mark.parametrize("other", [*ODD_NUMBERS, "00", "-01", "12345678901234567890", "0.1e1"])
def test_a_number_that_is_written_in_another_way_is_not_taken_as_it_stands(
    usual: str, other: str
) -> None:
    known = StoredObjects()
    for _ in range(MISSES_FIRST):
        known.attributes(f'{{"a":{usual}}}')
    for text in (f'{{"a":{other}}}', f'{{"a":[{other}]}}', f'{{"a":"{other}"}}'):
        found = known.attributes(text)
        assert value_of(found) == canonical("attributes", text)
        if isinstance(found, StoredObject):
            assert text == json_string(parse_json(text))


def test_after_some_texts_of_a_kind_the_next_are_not_parsed() -> None:
    known = StoredObjects()
    found = [
        known.attributes(json.dumps({**PLAIN, "n": number, "f": number / 7}, separators=(",", ":")))
        for number in range(-MISSES_FIRST, MISSES_FIRST)
    ]
    assert [isinstance(one, StoredObject) for one in found] == [False] * MISSES_FIRST + [
        True
    ] * MISSES_FIRST
    assert found[-1].value == {**PLAIN, "n": MISSES_FIRST - 1, "f": (MISSES_FIRST - 1) / 7}


def test_texts_of_any_keys_are_met_in_bounded_memory() -> None:
    known = StoredObjects()
    for number in range(4 * KEYS_MAX):
        known.attributes(f'{{"k{number}":1}}')
        known.attributes(f'{{"{"k" * 1_000}{number}":1}}')
    assert len(known._missed) <= KEYS_MAX
