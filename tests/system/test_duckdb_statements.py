"""A statement over rows does the same each time, prepared once, whatever the rows are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import duckdb
import pyarrow as pa
import pytest

from indexer.system.duckdb_statements import PIECE_ROWS, execute_with_rows

pytestmark = pytest.mark.duckdb

INSERT = "INSERT INTO numbers SELECT number, text FROM {rows}"


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
    execute_with_rows(connection, INSERT, rows_of(range(3)))
    execute_with_rows(connection, INSERT, rows_of(range(3, PIECE_ROWS + 10)))
    execute_with_rows(connection, INSERT, rows_of(range(PIECE_ROWS + 10, 70_000), encoded=True))
    execute_with_rows(connection, INSERT, rows_of(range(0)))
    assert summed(connection) == (70_000, sum(range(70_000)))


def test_it_takes_numbers(connection: duckdb.DuckDBPyConnection) -> None:
    between = f"{INSERT} WHERE number BETWEEN $1 AND $2"
    execute_with_rows(connection, between, rows_of(range(100)), 10, 12)
    execute_with_rows(connection, between, rows_of(range(100)), 20, 20)
    assert summed(connection) == (4, 10 + 11 + 12 + 20)


def test_it_can_be_run_again_after_it_failed_and_was_rolled_back(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("BEGIN")
    execute_with_rows(connection, INSERT, rows_of(range(3)))
    with pytest.raises(duckdb.ConstraintException):
        execute_with_rows(connection, INSERT, rows_of(range(2, 5)))
    connection.execute("ROLLBACK")
    execute_with_rows(connection, INSERT, rows_of(range(2, 5)))
    assert summed(connection) == (3, 2 + 3 + 4)


def test_connections_have_their_own(connection: duckdb.DuckDBPyConnection) -> None:
    execute_with_rows(connection, INSERT, rows_of(range(3)))
    with closing(connection.cursor()) as other:
        execute_with_rows(other, INSERT, rows_of(range(3, 4)))
    execute_with_rows(connection, INSERT, rows_of(range(4, 5)))
    assert summed(connection) == (5, 10)
