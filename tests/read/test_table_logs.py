"""A file of a table with a log is refused, because the log may have removed it or rows of it."""

import shutil

import pytest

from indexer.errors import FormatNotRead
from indexer.read.group import read_group
from indexer.system.storage import LocalStorage
from tests.support.file_spans import WRITERS


def outcome(root, path):
    storage = LocalStorage(root)
    return read_group(storage, [storage.stat(path).info], 1_000)


@pytest.fixture
def table(tmp_path):
    (tmp_path / "lake" / "table" / "day=1").mkdir(parents=True)
    for path in ("lake/table/a.parquet", "lake/table/day=1/b.parquet", "lake/c.parquet"):
        shutil.copy(WRITERS / "databricks" / "v2.parquet", tmp_path / path)
    (tmp_path / "lake" / "table" / "_delta_log").mkdir()
    return tmp_path


@pytest.mark.parametrize("path", ["lake/table/a.parquet", "lake/table/day=1/b.parquet"])
def test_a_file_below_the_folder_of_the_log_is_refused(table, path):
    ((_, error),) = outcome(table, path).refused
    assert isinstance(error, FormatNotRead)
    assert error.message == "it is of a table with a log, lake/table/_delta_log"
    assert "without a log" in error.advice


def test_a_file_beside_the_table_is_read(table):
    assert outcome(table, "lake/c.parquet").refused == []


def test_what_no_such_table_holds_is_read_anywhere(table):
    path = "lake/table/langfuse.parquet"
    shutil.copy(WRITERS / "langfuse" / "current.parquet", table / path)
    assert outcome(table, path).refused == []
