"""A statement over rows does the same each time, prepared once, whatever the rows are."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import closing

import duckdb
import pyarrow as pa
import pytest

from indexer.system.duckdb_statements import (
    PIECE_ROWS,
    forget_statements,
    insert_rows,
    update_from_rows,
)

pytestmark = pytest.mark.duckdb

INSERT = "INSERT INTO numbers SELECT number, text FROM {rows}"
UPDATE = """UPDATE numbers SET text = '' FROM {rows} AS given WHERE numbers.number = given.number"""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(duckdb.connect()) as opened:
        opened.execute("CREATE TABLE numbers (number BIGINT PRIMARY KEY, text VARCHAR)")
        yield opened


def rows_of(numbers: range, *, encoded: bool = False) -> pa.Table:
    texts = pa.array([str(number) for number in numbers], pa.string())
    return pa.table(
        {
            "number": pa.array(numbers, pa.int64()),
            "text": texts.dictionary_encode() if encoded else texts,
        }
    )


def summed(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    found = connection.execute("SELECT count(*), sum(text::BIGINT)::BIGINT FROM numbers")
    ((count, total),) = found.fetchall()
    return count, total


def test_each_run_takes_the_rows_it_is_given(connection: duckdb.DuckDBPyConnection) -> None:
    """In pieces, of another schema, and none."""
    insert_rows(connection, INSERT, rows_of(range(3)))
    insert_rows(connection, INSERT, rows_of(range(3, PIECE_ROWS + 10)))
    insert_rows(connection, INSERT, rows_of(range(PIECE_ROWS + 10, 70_000), encoded=True))
    insert_rows(connection, INSERT, rows_of(range(0)))
    assert summed(connection) == (70_000, sum(range(70_000)))


def test_statements_are_made_anew_after_a_transaction_that_was_rolled_back(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """It takes their rows' places along, those of statements that ran inside it first."""
    insert_rows(connection, INSERT, rows_of(range(3)))
    connection.execute("BEGIN TRANSACTION")
    update_from_rows(connection, UPDATE, rows_of(range(3)))
    insert_rows(connection, INSERT, rows_of(range(3, 5), encoded=True))
    connection.execute("ROLLBACK")
    forget_statements(connection)
    connection.execute("CREATE TABLE others (number BIGINT)")  # has DuckDB plan again
    insert_rows(connection, INSERT, rows_of(range(3, 6), encoded=True))
    insert_rows(connection, INSERT, rows_of(range(6, 8)))
    assert summed(connection) == (8, sum(range(8)))
    update_from_rows(connection, UPDATE, rows_of(range(7)))
    assert connection.execute("SELECT number FROM numbers WHERE text <> ''").fetchall() == [(7,)]


def test_an_update_takes_numbers(connection: duckdb.DuckDBPyConnection) -> None:
    insert_rows(connection, INSERT, rows_of(range(100)))
    between = f"{UPDATE} AND numbers.number BETWEEN $1 AND $2"
    update_from_rows(connection, between, rows_of(range(100)), 10, 12)
    update_from_rows(connection, between, rows_of(range(100)), 20, 20)
    changed = connection.execute("SELECT number FROM numbers WHERE text = '' ORDER BY number")
    assert changed.fetchall() == [(10,), (11,), (12,), (20,)]


def test_an_update_sees_values_that_came_after_its_first_run(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """A prepared one keeps what the statistics of the table ruled out when it was planned."""
    update = "UPDATE numbers SET text = CASE WHEN numbers.number = 0 THEN 'zero' ELSE 'other' END"
    update += " FROM {rows} AS given WHERE numbers.number = given.number"
    insert_rows(connection, INSERT, rows_of(range(5, 9)))
    update_from_rows(connection, update, rows_of(range(5, 9)))
    insert_rows(connection, INSERT, rows_of(range(2)))
    update_from_rows(connection, update, rows_of(range(9)))
    found = connection.execute("SELECT number FROM numbers WHERE text = 'zero'").fetchall()
    assert found == [(0,)]


def test_it_can_be_run_again_after_it_failed_and_was_rolled_back(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("BEGIN")
    insert_rows(connection, INSERT, rows_of(range(3)))
    with pytest.raises(duckdb.ConstraintException):
        insert_rows(connection, INSERT, rows_of(range(2, 5)))
    connection.execute("ROLLBACK")
    insert_rows(connection, INSERT, rows_of(range(2, 5)))
    assert summed(connection) == (3, 2 + 3 + 4)


def test_rows_are_kept_no_longer_than_the_run(connection: duckdb.DuckDBPyConnection) -> None:
    """Whether they were read to the end, in part, or not at all."""
    before = pa.total_allocated_bytes()
    insert_rows(connection, INSERT, rows_of(range(200_000)))
    insert_rows(connection, f"{INSERT} LIMIT 1", rows_of(range(300_000, 500_000)))
    with pytest.raises(duckdb.ConstraintException):
        insert_rows(connection, INSERT, rows_of(range(200_000)))
    with pytest.raises(duckdb.BinderException):
        insert_rows(connection, "INSERT INTO numbers SELECT nothing FROM {rows}", rows_of(range(9)))
    gc.collect()
    assert pa.total_allocated_bytes() - before < 64 * 1024  # rows of one run have some MiB


def test_connections_have_their_own(connection: duckdb.DuckDBPyConnection) -> None:
    insert_rows(connection, INSERT, rows_of(range(3)))
    with closing(connection.cursor()) as other:
        insert_rows(other, INSERT, rows_of(range(3, 4)))
    insert_rows(connection, INSERT, rows_of(range(4, 5)))
    assert summed(connection) == (5, 10)


class _Spoken:
    """Another object for the same connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)


def test_no_two_statements_have_one_name(connection: duckdb.DuckDBPyConnection) -> None:
    """Of one connection neither: DuckDB would read rows at a place that is gone."""
    insert_rows(connection, INSERT, rows_of(range(3)))
    spoken = _Spoken(connection)
    insert_rows(spoken, INSERT, rows_of(range(3, 5), encoded=True))  # type: ignore[arg-type]
    del spoken
    gc.collect()
    insert_rows(connection, INSERT, rows_of(range(5, 8)))
    assert summed(connection) == (8, sum(range(8)))
