"""Whatever JSON somebody wrote, an answer says it again as valid JSON, by one rule each."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.read.json_text import NESTED_MAX, number_or_name, parse_json
from tests.support.examples import examples

some = examples(30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@some
@given(VALUES)
def test_json_is_the_value_that_it_says(value):
    found = parse_json(json.dumps(value))
    if "Infinity" not in json.dumps(value):
        assert found == value


@some
@given(st.text() | st.text('{}[]":,\\u0d8f 19eE+-.NaInfity', max_size=20))
def test_any_text_has_a_value_that_is_valid_json(text):
    """It can be encoded, and is the same when it is read again."""
    value = parse_json(text)
    again = json.dumps(value, ensure_ascii=False, allow_nan=False)
    again.encode()
    assert parse_json(again) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": NaN, "b": [Infinity, -Infinity]}', {"a": "NaN", "b": ["Infinity", "-Infinity"]}),
        ("[1e308, 1e309, -1E+999, 1e-999]", [1e308, "1e309", "-1E+999", 0.0]),
        ("9007199254740993", 2**53 + 1),
        (f"[{2**64}, {10**308}]", [2**64, 10**308]),
        (f"[{10**309}, -{10**309}]", [f"{10**309}", f"-{10**309}"]),
        ("[" + "9" * 5_000 + "]", ["9" * 5_000]),
        ('{"k": 1, "k": 2}', {"k": 2}),
        (r'"\ud83d"', "\ufffd"),
        (r'{"\udc00": ["x\ud83dy", "\ud83d\ude00"]}', {"\ufffd": ["x\ufffdy", "😀"]}),
        (r'"\ud83d\ud83d\ude00"', "\ufffd😀"),
        (r'"\\ud83d"', r"\ud83d"),
        ('{"a": null}', {"a": None}),
        (" 5\n", 5),
    ],
)
def test_each_odd_value_has_one_rule(text, value):
    assert parse_json(text) == value


@pytest.mark.parametrize(
    "text", ["", " ", "{", "nan", "{'a': 1}", '{"a": 1,}', "01", '"\n"', "\ufeff{}", "\0", "{}{}"]
)
def test_text_that_is_no_json_stays(text):
    assert parse_json(text) == text


@pytest.mark.parametrize("opener", ["[", '{"a":'], ids=["array", "object"])
@pytest.mark.parametrize(
    ("depth", "is_read"),
    [(NESTED_MAX, True), (NESTED_MAX + 1, False), (5_000, False), (200_000, False)],
)
def test_depth_has_a_limit_that_does_not_depend_on_the_stack(opener, depth, is_read):
    closer = "]" if opener == "[" else "}"
    text = opener * depth + "1" + closer * depth
    assert (parse_json(text) != text) == is_read


def test_many_containers_beside_each_other_are_not_deep():
    assert parse_json("[" + "[[]]," * 500 + "[]]") == [[[]]] * 500 + [[]]


@some
@given(st.floats())
def test_a_double_is_a_number_or_its_name(value):
    found = number_or_name(value)
    assert found == value if math.isfinite(value) else found in {"NaN", "Infinity", "-Infinity"}
