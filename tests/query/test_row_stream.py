"""Rows come as they are read: what fits into what is read ahead is whole before the first row."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pytest

from indexer.errors import FileChanged, QueryRefused
from indexer.query import row_stream
from indexer.query.row_stream import RowStream
from indexer.query.sql import Window, open_session, stream
from indexer.system.duckdb_connection import connect
from tests.support.catalogs import indexed
from tests.support.span_files import spans, write

pytestmark = pytest.mark.duckdb

MANY = "SELECT range AS n, repeat('x', 100) AS text FROM range(2_000_000)"
LATE_ERROR = "SELECT if(range < 900000, 1, error('late')) AS n FROM range(1_000_000)"


@pytest.fixture
def connection():
    connection = connect()
    yield connection
    connection.close()


@pytest.fixture
def little_ahead(monkeypatch):
    monkeypatch.setattr(row_stream, "AHEAD_BYTES", 1)


def test_a_small_answer_is_whole_before_its_first_row(connection):
    rows = RowStream(connection, "SELECT 1 AS a, 2 AS a")
    assert rows.is_whole
    assert rows.schema.names == ["a", "a"]
    assert rows.table().num_rows == 1


def test_a_large_answer_is_read_as_it_is_taken(connection, little_ahead):
    rows = RowStream(connection, MANY)
    assert not rows.is_whole
    numbers = [row for batch in rows.batches() for row in (batch["n"][0].as_py(), len(batch))]
    assert numbers[0] == 0
    assert sum(numbers[1::2]) == 2_000_000
    assert rows.is_whole


def test_an_error_of_a_small_answer_comes_before_any_row(connection):
    with pytest.raises(duckdb.Error, match="late"):
        RowStream(connection, LATE_ERROR)


def test_an_error_among_the_first_rows_is_made_up_for_by_reading_otherwise(connection):
    connection.execute("CREATE VIEW v AS SELECT error('unreadable') AS n")

    def otherwise():
        connection.execute("CREATE OR REPLACE VIEW v AS SELECT 7 AS n")

    assert RowStream(connection, "FROM v", otherwise).table()["n"].to_pylist() == [7]


@pytest.mark.parametrize("can_be_read_otherwise", [True, False])
def test_an_error_after_the_first_rows_says_whether_another_way_would_do(
    connection, little_ahead, can_be_read_otherwise
):
    rows = RowStream(connection, LATE_ERROR, (lambda: None) if can_be_read_otherwise else None)
    with pytest.raises(FileChanged if can_be_read_otherwise else duckdb.Error, match="late"):
        rows.table()


def test_a_conversion_that_fails_late_is_the_question_s_own_error(connection, little_ahead):
    sql = "SELECT CAST(if(range < 900000, '1', 'late') AS INTEGER) AS n FROM range(1_000_000)"
    rows = RowStream(connection, sql, lambda: None)
    with pytest.raises(duckdb.ConversionException, match="late"):
        rows.table()


def test_an_interrupt_ends_it(connection, little_ahead):
    rows = RowStream(connection, "SELECT count(*) OVER (ORDER BY a.range) AS n FROM range(10) a")
    rows.table()
    endless = "FROM range(10_000_000) a, range(10_000_000) b WHERE hash(a.range + b.range) = 1"
    timer = threading.Timer(0.2, connection.interrupt)
    timer.start()
    with pytest.raises(duckdb.InterruptException):
        RowStream(connection, endless).table()
    timer.join()


def test_payload_of_many_files_streams(tmp_path: Path, little_ahead, monkeypatch) -> None:
    """The functions of SQL that read a payload run while rows are taken."""
    monkeypatch.setattr(row_stream, "PART_ROWS", 500)
    with indexed(tmp_path) as one:
        for number in range(3):
            rows = spans(900, trace=number + 1, attributes='{"text":"' + "x" * 50 + '"}')
            write(one.root / f"{number}.parquet", rows)
        one.settle()
    session = open_session(tmp_path / "catalog.duckdb", memory_limit="256MiB", threads=2)
    try:
        for may_scan in (True, False):
            sql = "SELECT attributes FROM otel_spans"
            answer = stream(session, sql, Window(), may_scan=may_scan)
            texts = [text for one in answer.batches() for text in one["attributes"].to_pylist()]
            assert len(texts) == 2_700
            assert all("xxx" in text for text in texts)
            assert answer.coverage is not None
            assert answer.coverage.missing == ()
            session = _again(session, tmp_path)
    finally:
        session.close()


def test_an_error_of_streamed_rows_is_a_refusal(tmp_path: Path, little_ahead) -> None:
    with indexed(tmp_path):
        pass
    session = open_session(tmp_path / "catalog.duckdb", memory_limit="256MiB", threads=1)
    try:
        answer = stream(session, LATE_ERROR, Window())
        with pytest.raises(QueryRefused, match="late"):
            list(answer.batches())
    finally:
        session.close()


def _again(session, folder):
    """A session answers one statement: its settings are locked then."""
    session.close()
    return open_session(folder / "catalog.duckdb", memory_limit="256MiB", threads=2)
