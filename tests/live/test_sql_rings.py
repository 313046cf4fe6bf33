"""Rings that SQL makes and fills."""

import duckdb
import pytest

from indexer.errors import QueryRefused
from indexer.live.limits import RingLimits
from indexer.live.sql_rings import SqlRings

pytestmark = pytest.mark.duckdb


@pytest.fixture
def connection():
    with duckdb.connect(config={"threads": 1}) as made:
        yield made


@pytest.fixture
def rings(connection):
    made = SqlRings(connection, "memory")
    yield made
    made.close()


def rows(connection, sql):
    return connection.execute(sql).fetchall()


def test_a_ring_is_a_table_that_takes_rows_and_keeps_the_newest(connection, rings):
    rings.create("recent", "a BIGINT, b VARCHAR, c DECIMAL(9, 2)[]", RingLimits(rows=100))
    assert rings.insert("Recent", (), "SELECT range, 'x', [1.5] FROM range(1000)") == 1000
    sql = "SELECT count(*), min(a), max(a), any_value(c)::VARCHAR FROM recent"
    assert rows(connection, sql) == [(100, 900, 999, "[1.50]")]
    assert rows(connection, "SELECT a FROM recent LIMIT 3") == [(900,), (901,), (902,)]
    listed = "SELECT table_name, column_count FROM duckdb_tables() WHERE database_name = 'memory'"
    assert rows(connection, listed) == [("recent", 3)]
    sql = "SELECT rows, inserted_rows, evicted_rows FROM rings.stats"
    assert rows(connection, sql) == [(100, 1000, 900)]


def test_columns_are_cast_named_and_else_null(connection, rings):
    rings.create("r", "a BIGINT, b VARCHAR, c DATE", RingLimits())
    rings.insert("r", ("C", "a"), "VALUES ('2026-01-02', '7')")
    found = rows(connection, "SELECT a, b, c::VARCHAR FROM r")
    assert found == [(7, None, "2026-01-02")]
    rings.insert("r", ("a",), "SELECT ?", [8])
    assert rows(connection, "SELECT a FROM r") == [(7,), (8,)]


def test_an_insert_that_fails_adds_nothing(connection, rings):
    rings.create("r", "a BIGINT", RingLimits())
    for sql in ("VALUES (1), ('x')", "SELECT 1, 2", "SELECT nothing"):
        with pytest.raises(duckdb.Error):
            rings.insert("r", (), sql)
    with pytest.raises(QueryRefused, match="no column 'b'"):
        rings.insert("r", ("b",), "SELECT 1")
    assert rows(connection, "SELECT count(*) FROM r") == [(0,)]


def test_many_small_inserts_wrap_around(connection, rings):
    rings.create("r", "a BIGINT", RingLimits(rows=10))
    for number in range(25):
        rings.insert("r", (), "SELECT ?", [number])
    assert rows(connection, "FROM r") == [(number,) for number in range(15, 25)]


def test_rings_are_dropped_and_made_again_with_other_columns(connection, rings):
    rings.create("r", "a BIGINT", RingLimits())
    rings.drop("r")
    assert "r" not in rings
    with pytest.raises(duckdb.CatalogException):
        rows(connection, "FROM r")
    rings.create("r", "b VARCHAR", RingLimits())
    assert rows(connection, "SELECT b FROM r") == []


def test_a_name_that_is_taken_and_constraints_are_refused(connection, rings):
    rows(connection, "CREATE TABLE r (a INTEGER)")
    with pytest.raises(duckdb.CatalogException):
        rings.create("r", "a BIGINT", RingLimits())
    for columns in ("a BIGINT NOT NULL", "a BIGINT PRIMARY KEY", "a BIGINT DEFAULT 1"):
        with pytest.raises(QueryRefused, match="no constraints"):
            rings.create("other", columns, RingLimits())
    assert rows(connection, "SELECT ring FROM rings.stats") == []


def test_two_rings_are_joined_with_each_other(connection, rings):
    rings.create("a", "x BIGINT", RingLimits())
    rings.create("b", "x BIGINT", RingLimits())
    rings.insert("a", (), "FROM range(10)")
    rings.insert("b", (), "SELECT x + 5 FROM a")
    assert rows(connection, "SELECT count(*) FROM a JOIN b USING (x)") == [(5,)]
