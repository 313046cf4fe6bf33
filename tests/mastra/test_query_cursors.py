"""Cursors of queries are taken by the query that gave them alone."""

import pytest

from indexer.errors import InvalidMastraCall
from indexer.mastra import error_ids
from indexer.mastra.query_cursors import binding, decode, encode

BOUND = binding("traces", {"a": 1}, None)


def test_a_cursor_has_the_values_that_it_was_made_of():
    assert decode(encode(BOUND, "2026", "ü\ud83d"), BOUND, 2) == ["2026", "ü\ud83d"]


def test_a_binding_is_of_values_not_of_their_order_in_objects():
    assert binding({"a": 1, "b": 2}) == binding({"b": 2, "a": 1}) != binding({"a": 1, "b": "2"})


@pytest.mark.parametrize(
    ("cursor", "error_id"),
    [
        ("not a cursor", error_ids.CURSOR_MALFORMED),
        ("abc", error_ids.CURSOR_MALFORMED),
        ("e30", error_ids.CURSOR_MALFORMED),
        ("W10", error_ids.CURSOR_MALFORMED),
        (encode(binding("spans"), "1", "2"), error_ids.CURSOR_CONFLICT),
        (encode(BOUND, "1"), error_ids.CURSOR_CONFLICT),
    ],
)
def test_any_other_cursor_is_refused(cursor, error_id):
    with pytest.raises(InvalidMastraCall) as refused:
        decode(cursor, BOUND, 2)
    assert refused.value.error_id == error_id
