"""What was read ahead is what reading gives, and costs nothing where nobody asks for it."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pyarrow as pa
import pytest

from indexer.errors import FileVanished
from indexer.query.tiers.read_ahead import WAITING_MAX, ReadAhead
from indexer.read.payload_table import PayloadTable
from indexer.read.tally import Tally

TABLES = [PayloadTable(table=pa.table({"": [at]}), payload=(), constants={}) for at in range(4)]


class Reading:
    """One file that is read: by which thread, and whether that was ended."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.threads: list[int] = []
        self.is_ended = False

    def read(self, tally: Tally) -> Generator[PayloadTable]:
        tally.bytes_read += 7
        try:
            if self._error is not None:
                raise self._error
            for table in TABLES:
                self.threads.append(threading.get_ident())
                yield table
        finally:
            self.is_ended = True


def test_files_are_read_by_another_thread_and_come_in_order() -> None:
    tally, one, other = Tally(), Reading(), Reading()
    with ReadAhead() as ahead:
        ahead.begin("/a", one.read)
        ahead.begin("/b", other.read)
        assert list(ahead.tables("/a", one.read, tally)) == TABLES
        assert list(ahead.tables("/b", other.read, tally)) == TABLES
    here = threading.get_ident()
    assert len(one.threads) == len(other.threads) == len(TABLES)
    assert here not in {*one.threads, *other.threads}
    assert tally.bytes_read == 14


def test_a_file_that_was_not_begun_is_read_where_it_is_asked_for() -> None:
    tally, one = Tally(), Reading()
    with ReadAhead() as ahead:
        assert list(ahead.tables("/a", one.read, tally)) == TABLES
    assert set(one.threads) == {threading.get_ident()}


def test_what_fails_fails_for_who_asks_for_it() -> None:
    tally, gone = Tally(), Reading(FileVanished("the file is gone", path="a"))
    with ReadAhead() as ahead:
        ahead.begin("/a", gone.read)
        with pytest.raises(FileVanished):
            list(ahead.tables("/a", gone.read, tally))
    assert tally.bytes_read == 7


def test_what_nobody_asks_for_is_ended_after_a_few_batches_and_costs_nothing() -> None:
    one = Reading()
    with ReadAhead() as ahead:
        ahead.begin("/a", one.read)
    assert len(one.threads) <= WAITING_MAX
    assert one.is_ended or not one.threads


def test_files_that_are_passed_over_do_not_keep_the_next_one_waiting() -> None:
    """Neither one of which nothing was asked, nor one whose rows were not all taken."""
    tally, passed, half, last = Tally(), Reading(), Reading(), Reading()
    with ReadAhead() as ahead:
        ahead.begin("/passed", passed.read)
        ahead.begin("/half", half.read)
        tables = ahead.tables("/half", half.read, tally)
        assert next(iter(tables)) is TABLES[0]
        ahead.begin("/last", last.read)
        tables.close()
        assert list(ahead.tables("/last", last.read, tally)) == TABLES
    assert half.is_ended
    assert tally.bytes_read == 14
