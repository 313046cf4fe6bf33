"""JSON that is taken alike by readers with one type of number and without lone surrogates."""

from __future__ import annotations

import json

import pytest

from indexer.clients.junjo.evidence.portable import (
    DEPTH_MAX,
    NotPortable,
    Size,
    check_portable,
    parse_portable,
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "NaN",
        "-Infinity",
        "1e999",
        "9007199254740992",
        "1e16",
        '"\\ud800"',
        '{"\\udfff":1}',
        "1" * 5_000,
        "[" * 100_000,
        "[" * (DEPTH_MAX + 2) + "]" * (DEPTH_MAX + 2),
    ],
)
def test_what_some_reader_takes_otherwise_is_not_portable(text: str) -> None:
    with pytest.raises(NotPortable):
        parse_portable(text)


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "9007199254740991",
        "0.1",
        '"\\ud83d\\ude00"',
        "[" * (DEPTH_MAX + 1) + "]" * (DEPTH_MAX + 1),
    ],
)
def test_anything_else_is(text: str) -> None:
    assert parse_portable(text) == json.loads(text)


def test_the_size_counts_values_and_characters() -> None:
    """An object and a number are eight, names and texts as long as they are."""
    assert check_portable({"ab": [1, "cde"]}) == Size(values=4, text=8 + 2 + 8 + 8 + 3)
    with pytest.raises(NotPortable, match="more than 20 characters"):
        check_portable({"ab": [1, "cde"]}, text_max=20)
