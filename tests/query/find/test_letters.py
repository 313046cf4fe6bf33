"""Letters are found where a text has them, and in no two texts together."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.query.find.letters import may_have, may_have_twice
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
    if sum(counts) <= 4:  # beyond, all texts may be said to have them
        assert may_have(column, letters).tolist() == [one > 0 for one in counts]
        assert may_have_twice(column, letters).tolist() == [one > 1 for one in counts]
    assert all(may_have(column, letters)[at] for at, one in enumerate(counts) if one)


@pytest.mark.parametrize("letters", ["", "a"])
def test_letters_of_too_many_are_said_to_be_of_all(letters: str) -> None:
    assert may_have(pa.chunked_array([["aaaaaaaaa", "b"]]), letters).all()
