"""Letters are found where a text has them, and in no two texts together."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.query.find.letters import ColumnLetters
from tests.support.examples import examples

TEXTS = st.lists(st.none() | st.text("abü", max_size=5), max_size=8)


@examples(40)
@given(
    texts=st.lists(TEXTS, max_size=3),
    letters=st.text("abü", min_size=2, max_size=3),
    first=st.integers(0, 3),
    kind=st.sampled_from((pa.string(), pa.large_string())),
)
def test_a_text_has_the_letters_or_has_not(
    texts: list[list[str | None]], letters: str, first: int, kind: pa.DataType
) -> None:
    """Also where the column begins in the middle of its buffer."""
    column = pa.chunked_array([pa.array(some, kind) for some in texts], kind).slice(first)
    values = [one or "" for some in texts for one in some][first:]
    counts = [sum(one.startswith(letters, at) for at in range(len(one))) for one in values]
    found = ColumnLetters(column).may_have(letters).tolist()
    if sum(counts) <= 4:  # beyond, all texts may be said to have them
        assert found == [one > 0 for one in counts]
    assert all(found[at] for at, one in enumerate(counts) if one)


@pytest.mark.parametrize("letters", ["", "a"])
def test_letters_of_too_many_are_said_to_be_of_all(letters: str) -> None:
    column = pa.chunked_array([["aaaaaaaaa", "b"]])
    assert ColumnLetters(column).may_have(letters).all()


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("k", [True, True, False, False]),
        ("c", [False, False, False, False]),
        ("\u00fc", [True, True, True, False]),
    ],
)
def test_a_letter_of_ascii_is_told_from_others_that_are_escaped(
    text: str, escaped: list[bool]
) -> None:
    """Writers of JSON escape what is not ASCII, and nearly nobody else."""
    column = pa.chunked_array([[r'{"\u006b":1}', r'{"a\u006B"}', json.dumps("\u00fc"), "{}"]])
    assert ColumnLetters(column).may_escape(text).tolist() == escaped
