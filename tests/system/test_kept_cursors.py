"""Cursors are kept for the next read, a few of them, and none beyond their connection's end."""

from __future__ import annotations

from contextlib import closing

import duckdb
import pytest

from indexer.system.kept_cursors import KEPT_MAX, KeptCursors

pytestmark = pytest.mark.duckdb


def test_one_that_is_given_back_is_taken_next() -> None:
    with closing(duckdb.connect()) as connection:
        kept = KeptCursors(connection)
        first, second = kept.take(), kept.take()
        kept.give_back(first)
        assert kept.take() is first
        assert second is not first


def test_no_more_than_a_few_wait() -> None:
    with closing(duckdb.connect()) as connection:
        kept = KeptCursors(connection)
        taken = [kept.take() for _ in range(KEPT_MAX + 1)]
        for cursor in taken:
            kept.give_back(cursor)
        with pytest.raises(duckdb.ConnectionException):
            taken[-1].execute("SELECT 1")


def test_none_waits_after_the_end() -> None:
    with closing(duckdb.connect()) as connection:
        kept = KeptCursors(connection)
        waiting, late = kept.take(), kept.take()
        kept.give_back(waiting)
        kept.close()
        kept.give_back(late)
        for cursor in (waiting, late):
            with pytest.raises(duckdb.ConnectionException):
                cursor.execute("SELECT 1")
