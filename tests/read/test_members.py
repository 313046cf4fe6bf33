"""A path leads into structs, maps and JSON text alike, and an object is made of what has a value."""

import json

import pyarrow as pa
import pytest

from indexer.read.members import gathered, member, member_column, whole
from indexer.read.part import Part

MAP = pa.map_(pa.string(), pa.string())


def test_the_first_path_that_leads_anywhere_counts():
    value = {"a": {"b": None}, "c": '{"d": [1]}'}
    assert member(value, (("a", "b"), ("c", "d"))) == [1]
    assert member(value, (("a",),)) == {"b": None}
    assert member(value, (("c", "x"), ("x", "d"))) is None
    assert member("text", (("a",),)) is None
    assert member("{broken", (("a",),)) is None


def test_a_star_takes_the_members_that_begin_so():
    assert member({"r.a": 1, "r.b": 2, "s": 3}, (("r.*",),)) == {"a": 1, "b": 2}
    assert member({"s": 3}, (("r.*",),)) is None


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_what_says_nothing_is_left_out(nothing):
    assert gathered([("a", nothing), ("m.*", {"x": nothing, "y": 0}), ("f", False)]) == {
        "m.y": 0,
        "f": False,
    }


def test_members_of_json_text_are_members():
    assert gathered([("m.*", '{"x": 1}'), ("n.*", "text"), ("*", {"o": 2})]) == {
        "m.x": 1,
        "n": "text",
        "o": 2,
    }


def test_what_was_left_out_of_a_part_is_counted():
    """Members of an object are attributes; what is inside of one is a value."""
    found = gathered([("m.*", Part({"x": 1}, 3, 4)), ("k", Part([1], 5, 6))])
    assert found == Part({"m.x": 1, "k": [1]}, 3, 15)


def test_whole_doubles_are_integers_at_any_depth():
    found = whole({"a": [1.0, 1.5, True], "b": {"c": 1e300}})
    assert json.dumps(found) == json.dumps({"a": [1, 1.5, True], "b": {"c": int(1e300)}})


@pytest.mark.parametrize(
    "column",
    [
        pa.array([{"a": {"b": "x"}}, {"a": {"b": None}}, {"a": None}, None]),
        pa.array([[("a", '{"b": "x"}')], [("a", "{}")], [], None], MAP),
        pa.array(['{"a": {"b": "x"}}', '{"a": 1}', "", None]),
    ],
    ids=["structs", "maps", "text"],
)
def test_a_column_of_members_has_a_row_for_each(column):
    rows = pa.chunked_array([column.slice(0, 2), column.slice(2)])
    assert member_column(rows, (("a", "b"),)).to_pylist() == ["x", None, None, None]


def test_of_a_key_that_is_there_twice_the_first_counts():
    column = pa.chunked_array([pa.array([[("a", "new"), ("a", "old")]], MAP)])
    assert member_column(column, (("a",),)).to_pylist() == ["new"]
