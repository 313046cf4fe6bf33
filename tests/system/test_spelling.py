"""How near two names are: letters added, left out, changed, or swapped with their neighbour."""

import pytest

from indexer.system.spelling import NAME_CHARS_MAX, closest, edits, nearest


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        ("status", "status", 0),
        ("staus", "status", 1),
        ("sttaus", "status", 1),
        ("statuss", "status", 1),
        ("stotus", "status", 1),
        ("", "abc", 3),
        ("trace", "audit", 5),
    ],
)
def test_each_edit_counts_once_either_way(one, other, count):
    assert edits(one, other) == edits(other, one) == count


def test_the_closest_are_in_order_of_their_edits_however_many_these_are():
    assert closest("fils", ["spans", "fields", "files"], 2) == ["files", "fields"]
    assert closest("x" * 9_999, ["a"], 2) == ["a"]


def test_the_nearest_is_the_one_with_the_fewest_edits_and_none_that_is_too_far():
    assert nearest("fils", ["files", "spans", "fields"], 2) == "files"
    assert nearest("xyz", ["files", "spans"], 2) is None
    assert nearest("x" * (NAME_CHARS_MAX + 1), ["x" * NAME_CHARS_MAX], 2) is None
