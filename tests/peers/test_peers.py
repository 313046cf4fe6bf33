"""The comparison itself: the index's own row of the second table, which is a promise."""

import pytest

from tests.peers.__main__ import CASES, cases
from tests.peers.contestants import CONTESTANTS

pytestmark = pytest.mark.duckdb


def test_the_index_answers_what_is_there_and_names_what_it_refuses(tmp_path):
    assert cases("this index", tmp_path) == {
        "as it is": "20 spans",
        "a copy": "20 spans",
        "a link": "20 spans",
        "a flipped byte": "10 spans, 1 file refused by name",
        "a vanished file": "10 spans",
        "a half-written file": "20 spans, 1 file refused by name",
    }


def test_duckdb_alone_is_there_to_compare_with(tmp_path):
    found = cases("DuckDB over the files", tmp_path)
    assert set(found) == set(CASES)
    assert found["as it is"] == "20 spans"


def test_every_contestant_says_who_it_is():
    assert all(kind.__doc__ for kind in CONTESTANTS.values())
