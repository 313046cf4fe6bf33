"""Canonical values of payloads that somebody sent to see what happens."""

import json

import pytest

from indexer.read.json_text import NESTED_MAX
from indexer.read.normalise import canonical


def _nested(name: str, depth: int) -> str:
    """Attributes, or a list of one event, with so many objects inside each other."""
    text = '{"a":' * depth + "1" + "}" * depth
    return f'[{{"name":"e","attributes":{text}}}]' if name in {"events", "links"} else text


@pytest.mark.parametrize("depth", [NESTED_MAX + 1, 480, 1_000, 100_000])
@pytest.mark.parametrize("name", ["attributes", "events", "links", "resource_attributes"])
def test_json_nested_too_deep_stays_the_text_that_it_is(name, depth):
    text = _nested(name, depth)
    assert canonical(name, text) == text
    assert canonical(name, text.encode()) == text


@pytest.mark.parametrize("name", ["attributes", "events"])
def test_json_as_deep_as_any_span_writer_makes_it_is_read(name):
    value = canonical(name, _nested(name, NESTED_MAX - 2))
    found = value[0]["attributes"] if name == "events" else value
    assert json.dumps(found).count("a") == NESTED_MAX - 2


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        ("a", "a"),
        (b"\xff", "\ufffd"),
        (5, "5"),
        (True, "true"),
        ({"a": [1]}, '{"a":[1]}'),
        (None, None),
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", ["status_message", "trace_state", "scope_name", "scope_version"])
def test_a_text_column_is_text(name, stored, value):
    assert canonical(name, stored) == value


@pytest.mark.parametrize(
    ("stored", "value"),
    [(5, 5), ("5", 5), (b"5", 5), (5.0, 5), (-1, None), ("x", None), (None, None)],
)
@pytest.mark.parametrize("name", ["flags", "dropped_links_count"])
def test_a_count_is_a_number(name, stored, value):
    assert canonical(name, stored) == value


@pytest.mark.parametrize("name", ["attributes", "resource_attributes", "scope_attributes"])
def test_attributes_in_any_form_are_one_object(name):
    pairs = [{"key": "a", "value": {"intValue": "1"}}]
    for stored in ('{"a": 1}', b'{"a": 1}', {"a": 1}, json.dumps(pairs), pairs):
        assert canonical(name, stored) == {"a": 1}


def test_events_in_any_form_are_one_list():
    text = '[{"name":"e","time_unix_nano":7}]'
    sides = {"name": ["e"], "timeUnixNano": [7], "attributes": None}
    for stored in (text, text.encode(), json.loads(text), [text[1:-1]], sides):
        assert canonical("events", stored) == [{"name": "e", "timeUnixNano": "7", "attributes": {}}]


def test_lists_side_by_side_may_end_early():
    sides = {"name": ["a", "b"], "timeUnixNano": [7], "attributes": []}
    assert canonical("events", sides) == [
        {"name": "a", "timeUnixNano": "7", "attributes": {}},
        {"name": "b", "attributes": {}},
    ]
    assert canonical("links", {"traceId": None, "spanId": None}) == []
    assert canonical("links", {"traceId": [], "spanId": None}) == []


@pytest.mark.parametrize("stored", [5, "text", "[1, [2]]", '{"a": 1}', {"a": [1]}, [1]], ids=repr)
def test_events_that_are_none_stay(stored):
    expected = json.loads(stored) if isinstance(stored, str) and stored != "text" else stored
    assert canonical("events", stored) == expected
