"""Canonical values of payloads that somebody sent to see what happens."""

import json

import pytest

from indexer.read.normalise import NESTED_MAX, canonical


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
