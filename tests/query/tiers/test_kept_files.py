"""Which files' rows are worth reading, how long they are kept, and what a commit takes away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from indexer.model import ParquetFileInfo
from indexer.query.find.trace_rows import TraceRows
from indexer.query.span import DataFile
from indexer.query.tiers import kept_files as module
from indexer.query.tiers.kept_files import ASKS_BEFORE_ROWS, BYTES_A_STATEMENT, KeptFiles
from indexer.read.dialect_document import dialects
from indexer.spans.columns import SpanColumns
from indexer.spans.texts import Texts


def file_of(size_bytes: int = 1) -> DataFile:
    info = ParquetFileInfo(
        path="/a.parquet",
        relative_path="a.parquet",
        size_bytes=size_bytes,
        modified_unix_nano=0,
        device=0,
        inode=0,
        changed_unix_nano=0,
    )
    return DataFile(tier="indexed", path="/a.parquet", info=info, dialect=dialects()[0])


def rows_of(file_id: int, count: int = 100) -> TraceRows:
    empty = SpanColumns.empty()
    texts = Texts(np.zeros(count, np.int32), ("a",))
    arrays = {
        name: np.arange(count).astype(getattr(empty, name).dtype)
        for name in SpanColumns.__slots__
        if name not in ("service", "name")
    }
    return TraceRows.of(file_id, replace(empty, **arrays, service=texts, name=texts))


def current() -> bool:
    return True


def replaced() -> bool:
    return False


@pytest.mark.parametrize(
    ("size_bytes", "asks"), [(1, ASKS_BEFORE_ROWS), (30 * BYTES_A_STATEMENT, 30)]
)
def test_rows_are_read_once_statements_have_taken_as_long(size_bytes: int, asks: int) -> None:
    """Reading all rows of a large file takes longer."""
    kept = KeptFiles()
    kept.keep_files({1: file_of(size_bytes)}, current)
    wanted = [kept.wants_rows(1) for _ in range(2 * asks)]
    assert wanted.index(True) == asks - 1
    assert wanted.count(True) == 1


def test_rows_are_not_read_where_none_may_be_kept() -> None:
    kept = KeptFiles(rows_bytes_max=0)
    kept.keep_files({1: file_of()}, current)
    assert not any(kept.wants_rows(1) for _ in range(2 * ASKS_BEFORE_ROWS))


def test_rows_that_were_not_asked_for_for_longest_go_first_and_have_to_pay_again() -> None:
    some = {file_id: rows_of(file_id) for file_id in range(1, 4)}
    kept = KeptFiles(rows_bytes_max=2 * some[1].nbytes)
    kept.keep_files(dict.fromkeys(some, file_of()), current)
    for file_id in (1, 2):
        kept.keep_rows(file_id, some[file_id], current)
    assert kept.rows(1) is some[1]
    kept.keep_rows(3, some[3], current)
    assert [kept.rows(file_id) is not None for file_id in some] == [True, False, True]
    assert [kept.wants_rows(2) for _ in range(ASKS_BEFORE_ROWS)].count(True) == 1
    kept.keep_rows(2, rows_of(2, count=1_000), current)
    assert kept.rows(2) is None


def test_what_was_read_beside_a_commit_is_not_kept() -> None:
    kept = KeptFiles()
    kept.keep_files({1: file_of()}, replaced)
    kept.keep_rows(1, rows_of(1), replaced)
    assert kept.files([1]) == {}
    assert kept.rows(1) is None


def test_rows_that_a_commit_overtook_are_wanted_again() -> None:
    kept = KeptFiles()
    kept.keep_files({1: file_of()}, current)
    for _ in range(2):
        assert [kept.wants_rows(1) for _ in range(ASKS_BEFORE_ROWS)][-1]
        kept.keep_rows(1, rows_of(1), replaced)


def test_a_commit_takes_away_what_it_changes_or_may_have_changed() -> None:
    kept = KeptFiles()
    kept.keep_files({file_id: file_of() for file_id in (1, 2)}, current)
    for file_id in (1, 2, 3):
        kept.keep_rows(file_id, rows_of(file_id), current)
    kept.forget({1, 9})
    assert [*kept.files([1, 2])] == [2]
    assert [kept.rows(file_id) is not None for file_id in (1, 2, 3)] == [False, True, True]
    kept.forget(None)
    assert kept.files([1, 2]) == {}
    assert [kept.rows(file_id) for file_id in (1, 2, 3)] == [None] * 3
    again = rows_of(2)
    kept.keep_rows(2, again, current)
    assert kept.rows(2) is again


def test_more_files_than_are_kept_are_learnt_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILES_MAX", 2)
    kept = KeptFiles()
    for file_id in range(5):
        kept.keep_files({file_id: file_of()}, current)
        assert len(kept.files(range(5))) <= 2
        assert [*kept.files([file_id])] == [file_id]
    kept.keep_files(dict.fromkeys(range(9, 12), file_of()), current)
    assert kept.files([9]) == {}


def test_the_order_of_rows_is_kept_with_them_and_counted() -> None:
    kept = KeptFiles(rows_bytes_max=2 * rows_of(1).nbytes)
    kept.keep_files({1: file_of(), 2: file_of()}, current)
    assert kept.newest_rows(1) is None
    for file_id in (1, 2):
        kept.keep_rows(file_id, rows_of(file_id), current)
    newest = kept.newest_rows(2)
    assert newest is not None
    assert newest.order.tolist() == list(range(99, -1, -1))
    assert kept.rows(1) is None
    assert kept.newest_rows(2) is newest
    kept.forget([2])
    assert kept.newest_rows(2) is None


def test_a_statement_that_takes_as_long_as_several_counts_as_so_many() -> None:
    kept = KeptFiles()
    kept.keep_files({1: file_of(8 * BYTES_A_STATEMENT)}, current)
    assert [kept.wants_rows(1, 3) for _ in range(5)] == [False, False, True, False, False]
