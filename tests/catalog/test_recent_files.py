"""Rows of the files that came last are in memory, as the last commit has left them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from indexer.catalog import recent_files as module
from indexer.catalog.recent_files import RecentFile, after_commit, recent_files
from indexer.read.metadata import batch, read_file
from indexer.system.storage import LocalStorage
from tests.support.span_files import Span, write


def registered(folder: Path, *counts: int, first_id: int = 1) -> list[RecentFile]:
    """Files of so many spans, registered together."""
    storage = LocalStorage(folder)
    read = []
    for number, count in enumerate(counts):
        rows = [Span(trace=number + 1, span=span) for span in range(1, count + 1)]
        info = storage.stat(write(folder / f"{first_id + number}.parquet", rows).name)
        assert info is not None
        read.append(read_file(storage, info.info))
    together = batch(read)
    file_ids = range(first_id, first_id + len(counts))
    return recent_files(together.files, file_ids, together.columns, "/storage")


def kept(files: Sequence[RecentFile]) -> dict[int, RecentFile]:
    return dict(after_commit({}, (), files))


def test_each_file_of_a_transaction_has_its_own_rows(tmp_path: Path) -> None:
    found = registered(tmp_path, 2, 0, 3)
    assert [(one.file_id, len(one.spans)) for one in found] == [(1, 2), (2, 0), (3, 3)]
    assert [set(one.spans.trace_lo.tolist()) for one in found] == [{1}, set(), {3}]
    assert found[2].file_path == "/storage/3.parquet"


@pytest.mark.parametrize(
    ("bound", "most"), [("FILES_MAX", 1), ("BYTES_MAX", 5 * module.SPAN_BYTES - 1)]
)
def test_of_a_large_transaction_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    monkeypatch.setattr(module, bound, most)
    assert registered(tmp_path, 2, 3) == []


def test_a_commit_takes_away_the_files_that_it_changes(tmp_path: Path) -> None:
    before = kept(registered(tmp_path, 1, 1, 1))
    assert after_commit(before, (), ()) == before
    assert after_commit(before, {2, 9}, ()).keys() == {1, 3}
    assert after_commit(before, None, ()) == {}


def test_a_file_that_is_registered_anew_has_its_new_rows(tmp_path: Path) -> None:
    before = kept(registered(tmp_path, 1))
    (again,) = registered(tmp_path, 2)
    assert after_commit(before, {1}, [again]) == {1: again}


@pytest.mark.parametrize("bound", ["FILES_MAX", "BYTES_MAX"])
def test_the_files_that_came_first_go_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    files = registered(tmp_path, 1, 1, 1)
    most = 2 if bound == "FILES_MAX" else sum(one.nbytes for one in files) - 1
    monkeypatch.setattr(module, bound, most)
    assert kept(files).keys() == {2, 3}
