"""No text makes a terminal do anything, and no two texts look the same."""

import json
import re
import sys
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexer.system.terminal_text import escape_json, escape_lines, escape_text

JOINERS = "\u200c\u200d"
ANY_TEXT = st.text(st.characters(exclude_categories=()))
TRICKY = st.text(st.sampled_from("\\nrtxuU0189abef\x1b\n\r\t\x9b\u202e\U000e0001é"), max_size=12)


def commands(text: str) -> list[str]:
    """The characters of the text that a terminal may act on, by Unicode's own table."""
    categories = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return [c for c in text if unicodedata.category(c) in categories and c not in JOINERS]


def restored(line: str) -> str:
    """What the line was made from, by the rule as it is documented."""
    names = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}
    return re.sub(
        r"\\(?:([nrt\\])|x(..)|u(....)|U(.{8}))",
        lambda found: names.get(found[1] or "") or chr(int(found[2] or found[3] or found[4], 16)),
        line,
    )


def test_every_character_that_commands_is_escaped() -> None:
    """By the categories of this Python's Unicode, over all code points."""
    everything = [chr(code) for code in range(sys.maxunicode + 1)]
    for character in commands("".join(everything)):
        assert escape_text(character).isascii(), hex(ord(character))
        assert len(escape_text(character)) > 1
    letters = [c for c in everything if unicodedata.category(c)[0] in "LMNPS" and c != "\\"]
    assert escape_text("".join(letters)) == "".join(letters)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("two\nlines\r\t\x00", r"two\nlines\r\t\x00"),
        ("\x9b31m \x7f \u202egnihton\u202c", r"\x9b31m \x7f \u202egnihton\u202c"),
        ("\ud800 \ufeff \U000e0041", r"\ud800 \ufeff \U000e0041"),
        (r"C:\data \n \x1b", r"C:\data \\n \\x1b"),
        ('{"a":"\\"b\\""}', '{"a":"\\"b\\""}'),
        ("Zoë 日本 👩\u200d💻", "Zoë 日本 👩\u200d💻"),
    ],
)
def test_how_it_looks(text: str, line: str) -> None:
    assert escape_text(text) == line


@settings(deadline=None)
@given(ANY_TEXT | TRICKY)
@example("\\\\\n")
def test_a_line_is_harmless_and_says_which_text_it_was(text: str) -> None:
    line = escape_text(text)
    assert commands(line) == []
    assert line.splitlines() in ([], [line])
    assert restored(line) == text


@settings(deadline=None)
@given(ANY_TEXT)
def test_lines_of_a_text_are_its_own_and_indented(text: str) -> None:
    first, *rest = escape_lines(text).split("\n")
    assert len(rest) == text.count("\n")
    assert all(line.startswith("  ") for line in rest)
    assert commands("".join([first, *rest])) == []


@settings(deadline=None, max_examples=40)
@given(st.recursive(ANY_TEXT, lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner)))
def test_json_stays_the_same_value(value: object) -> None:
    text = escape_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert commands(text.replace("\n", "")) == []
    assert json.loads(text) == value
    text.encode()
