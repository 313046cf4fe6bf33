"""What was read ahead is what reading gives, and costs nothing where nobody asks for it."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pyarrow as pa
import pytest

from indexer.errors import FileVanished
from indexer.query.tiers.read_ahead import ReadAhead
from indexer.read.payload_table import PayloadTable
from indexer.read.tally import Tally

TABLES = [PayloadTable(table=pa.table({"": [at]}), payload=(), constants={}) for at in range(3)]


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


def test_the_first_rows_are_read_by_another_thread_and_all_come_in_order() -> None:
    tally, one, other = Tally(), Reading(), Reading()
    with ReadAhead() as ahead:
        ahead.begin("/a", one.read)
        ahead.begin("/b", other.read)
        assert list(ahead.tables("/a", one.read, tally)) == TABLES
        assert list(ahead.tables("/b", other.read, tally)) == TABLES
    here = threading.get_ident()
    assert [thread == here for thread in one.threads] == [False, True, True]
    assert [thread == here for thread in other.threads] == [True, True, True]
    assert tally.bytes_read == 14


def test_what_fails_fails_for_who_asks_for_it() -> None:
    tally, gone = Tally(), Reading(FileVanished("the file is gone", path="a"))
    with ReadAhead() as ahead:
        ahead.begin("/a", gone.read)
        with pytest.raises(FileVanished):
            list(ahead.tables("/a", gone.read, tally))
    assert tally.bytes_read == 7


def test_what_nobody_asks_for_is_ended() -> None:
    one = Reading()
    with ReadAhead() as ahead:
        ahead.begin("/a", one.read)
    assert one.is_ended
    assert len(one.threads) <= 1
