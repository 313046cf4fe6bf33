"""A message says one span and two spans."""

import pytest

from indexer.system.counted_nouns import counted


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 spans"), (1, "1 span"), (2, "2 spans"), (1_000_000, "1,000,000 spans")],
)
def test_a_noun_is_singular_for_one_alone(number, said):
    assert counted(number, "span") == said


def test_a_noun_may_have_a_plural_or_a_verb_of_its_own():
    assert [counted(n, "entry", "entries") for n in (1, 2)] == ["1 entry", "2 entries"]
    assert [counted(n, "file is", "files are") for n in (1, 2)] == ["1 file is", "2 files are"]
