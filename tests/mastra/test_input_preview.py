"""A line says what the user said, whatever form the input of an agent has."""

import pytest

from indexer.mastra.input_preview import input_preview


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("hello", "hello"),
        ("", None),
        (5, None),
        ({"a": 1}, None),
        ([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}], "u"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {}, "b"]}]},
            "a | b",
        ),
        ({"messages": "plain"}, "plain"),
        ([{"role": "user", "content": {"parts": [{"text": "p"}]}}, None], "p"),
        ("x" * 100, "x" * 100),
        ("x" * 101, "x" * 99 + "…"),
    ],
)
def test_the_preview_of_an_input(given, expected):
    assert input_preview(given) == expected
