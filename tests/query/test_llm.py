"""What attributes say without an index equals what DuckDB says of them for the index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexer.query.llm import has_value, is_llm
from indexer.read.promoted import VALUE_CHARS_MAX, _pointer

pytestmark = pytest.mark.duckdb

STORED = "SELECT left(TRY(json_extract_string($text, [$pointer]))[1], $chars)"
"""What ``AttributeReader`` asks of JSON text, for one key."""

TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
KEYS = st.sampled_from(["a", "a.b", "a/b", "~", "~1", 'a"b', "$", "é", "*", "0", ""]) | TEXTS
NUMBERS = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.builds(
        lambda digits, power: digits * 10.0**power, st.integers(1, 999), st.integers(-9, 24)
    )
)
SPELLED = st.sampled_from(["-0", "-0.0", "0e5", "1e400", "-1E+400", "1e-400", "1.50", "1E5"])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS | st.just("x" * (VALUE_CHARS_MAX + 1))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    opened = duckdb.connect(config={"threads": 1})
    yield opened
    opened.close()


def agree(connection: duckdb.DuckDBPyConnection, text: str, key: str) -> None:
    params = {"text": text, "pointer": _pointer(key), "chars": VALUE_CHARS_MAX}
    ((stored,),) = connection.execute(STORED, params).fetchall()
    assert has_value(text, key) == (stored is not None)
    if stored is not None:
        assert has_value(text, key, stored), stored
        assert not has_value(text, key, f"{stored}x")
        assert not has_value(text, key, stored[:-1]) or stored == ""


@settings(max_examples=300, deadline=None)
@given(attributes=st.dictionaries(KEYS, VALUES, max_size=4), other=KEYS, escaped=st.booleans())
def test_a_value_is_the_one_that_the_index_would_hold(
    connection: duckdb.DuckDBPyConnection, attributes: dict[str, Any], other: str, escaped: bool
) -> None:
    """Of any key of any JSON object, however its letters are spelled."""
    text = json.dumps(attributes, ensure_ascii=escaped)
    for key in [*attributes, other]:
        agree(connection, text, key)


@settings(max_examples=40, deadline=None)
@given(number=SPELLED | NUMBERS.map(json.dumps))
def test_a_number_is_written_as_duckdb_writes_it(
    connection: duckdb.DuckDBPyConnection, number: str
) -> None:
    """Alone and in a list."""
    agree(connection, f'{{"a":{number}}}', "a")
    agree(connection, f'{{"a":[{number}, -{number.lstrip("-")}]}}', "a")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[1]",
        '"a"',
        '{"a":1} x',
        ' { "a" : 1 } ',
        '{"a":1,"a":2}',
        '{"a":null,"a":2}',
        '{"a":{"b":1,"b":2, "c":[]}}',
        '{"a":"\\ud800"}',
        '{"a":1,"b":["\\uD800"]}',
        '{"a":["\\ud83d\\ude00\\/"]}',
        '{"a":["\\u0000\\u000b\\u001F\\u007f\\b\\f\\n\\r\\t\\"\\\\"]}',
        '{"a":"\x01"}',
        '{"\\u0061":1}',
    ],
)
def test_odd_texts_have_what_the_index_would_find(
    connection: duckdb.DuckDBPyConnection, text: str
) -> None:
    """JSON that is no object, is none at all, or has a key twice."""
    agree(connection, text, "a")


def test_a_long_value_is_compared_as_it_is_cut() -> None:
    """The index holds its beginning, and nothing else is equal to it."""
    text = json.dumps({"a": "x" * 2000})
    assert has_value(text, "a", "x" * VALUE_CHARS_MAX)
    assert not has_value(text, "a", "x" * 2000)


def test_no_attributes_have_no_value() -> None:
    """A column that a file does not have."""
    assert not has_value(None, "a")
    assert not is_llm(None)
    assert not has_value("[" * 100_000, "a")


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"openinference.span.kind": "LLM"}, True),
        ({"openinference.span.kind": "llm"}, False),
        ({"openinference.span.kind": "CHAIN", "llm.model_name": "LLM"}, False),
        ({"openinference.span.kind": ["LLM"]}, False),
        ({"openinference.span.kind": "CHAIN", "gen_ai.operation.name": "chat"}, True),
        ({"gen_ai.system": "openai"}, True),
        ({"gen_ai.usage.input_tokens": 0}, True),
        ({"gen_ai.request.stream": False}, True),
        ({"gen_ai.provider.name": ""}, False),
        ({"gen_ai.provider.name": None, "gen_ai.response.id": [], "gen_ai.x": {}}, False),
        ({"gen_ai.response.finish_reasons": [""]}, True),
        ({"my.gen_ai.system": "openai", "note": "gen_ai.system"}, False),
        ({"nested": {"gen_ai.system": "openai", "openinference.span.kind": "LLM"}}, False),
        ({}, False),
    ],
)
def test_a_call_of_a_model_is_told_by_its_attributes(
    attributes: dict[str, Any], expected: bool
) -> None:
    """OpenInference's kind in capitals, or any value of OpenTelemetry's namespace."""
    assert is_llm(json.dumps(attributes)) == expected


@pytest.mark.parametrize(
    "attributes", [{"openinference.span.kind": "LLM"}, {"gen_ai.system": "openai"}]
)
def test_letters_that_are_spelled_by_number_are_letters(attributes: dict[str, str]) -> None:
    """JSON may spell them so, and then the keys cannot be seen in the text."""
    spelled = {letter: f"\\u{ord(letter):04X}" for letter in "abcdefghijklmnopqrstuvwxyzLM._"}
    text = json.dumps(attributes).translate(str.maketrans(spelled))
    assert "gen_ai" not in text
    assert is_llm(text)


@example(value="LLM")
@given(value=TEXTS)
def test_text_that_is_no_json_is_no_call_of_a_model(value: str) -> None:
    """However much it looks like one."""
    assert not is_llm(f'{{"openinference.span.kind":"LLM","gen_ai.system":"{value}"')
