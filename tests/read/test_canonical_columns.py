"""Columns of SQL have the canonical values as valid JSON, and plain JSON keeps its text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.read.canonical_columns import canonical_values
from indexer.read.json_text import is_plain_json, parse_json
from indexer.read.normalise import canonical
from tests.support.drawn.payload import ODD_JSON, VALUES
from tests.support.examples import examples

TEXTS = VALUES.map(json.dumps) | st.sampled_from(
    [text.decode("utf-8", "replace") for text, _ in ODD_JSON]
)


@pytest.mark.parametrize("name", ["attributes", "events", "links"])
@examples(30)
@given(st.lists(st.none() | TEXTS, max_size=5))
def test_the_json_of_a_column_has_the_canonical_values(name: str, stored: list[Any]) -> None:
    found = canonical_values(name, stored).to_pylist()
    values = [None if text is None else json.loads(text) for text in found]
    assert values == [canonical(name, one) for one in stored]


def test_an_object_in_plain_json_keeps_its_text() -> None:
    """Blanks, the order of its keys and the spelling of its numbers."""
    texts = ['{ "b": 1.50, "a": [true] }', " {}\n"]
    assert canonical_values("attributes", texts).to_pylist() == texts


@pytest.mark.parametrize(
    "text",
    [
        '{"k": 1, "k": 2}',
        '{"k": {"a": 1, "a": 1}}',
        '{"k": NaN}',
        '{"k": -Infinity}',
        '{"k": 1e400}',
        '{"k": ' + "9" * 310 + "}",
        '{"k": "\\ud83d"}',
        '{"k": ' + "[" * 300 + "]" * 300 + "}",
        '{"k": 1,}',
        "[1]",
        "5",
        "",
        "{",
    ],
)
def test_what_readers_of_json_may_take_differently_is_not_plain(text: str) -> None:
    assert not is_plain_json(text, "{")


@examples(60)
@given(TEXTS)
def test_plain_json_needs_none_of_the_rules(text: str) -> None:
    if is_plain_json(text, "{") or is_plain_json(text, "["):
        assert parse_json(text) == json.loads(text)


def test_counts_and_texts_are_their_values() -> None:
    assert canonical_values("flags", [None, "7", -1, 2.0, 2**64]).to_pylist() == [
        *(None, 7, None, 2, None)
    ]
    assert canonical_values("status_message", [b"a\xff", None]).to_pylist() == ["a\ufffd", None]
