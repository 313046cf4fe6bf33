"""One statement that reads is run, whatever it begins with, and everything else is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from indexer.errors import QueryRefused
from indexer.query.statement import check_statement, explained, refusal, without_helpers

pytestmark = pytest.mark.duckdb


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as one:
        one.execute("CREATE TABLE services (service_name VARCHAR)")
        one.execute("CREATE VIEW otel_spans_with_event AS SELECT 1")
        yield one


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1;",
        "WITH one AS (SELECT 1) FROM one",
        "FROM services -- all of them",
        "VALUES (1)",
        "SHOW TABLES",
        "DESCRIBE services",
        "SUMMARIZE services",
        "EXPLAIN SELECT 1",
        "/* why */ explain (FORMAT json) FROM services",
        "/* in /* each */ other */ (SELECT ';') ; ;",
        "EXPLAIN (SELECT 1)",
        "PIVOT services ON service_name IN ('shop')",
    ],
)
def test_one_statement_that_reads_is_accepted(
    connection: duckdb.DuckDBPyConnection, sql: str
) -> None:
    check_statement(connection, sql)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("", "got none"),
        ("SELECT 1; SELECT 2", "got 2 statements"),
        ("INSERT INTO services VALUES ('x')", "INSERT is not a query"),
        ("EXPLAIN INSERT INTO services VALUES ('x')", "INSERT is not a query"),
        ("EXPLAIN ANALYZE DELETE FROM services", "DELETE is not a query"),
        ("SET threads = 1", "SET is not a query"),
        ("CALL pragma_version()", "CALL is not a query"),
        ("ATTACH ':memory:' AS other", "ATTACH is not a query"),
        ("-- ;\n PRAGMA database_list", "PRAGMA is not a query"),
        ("EXPORT DATABASE 'there'", "EXPORT is not a query"),
        ("PIVOT services ON service_name", "PIVOT takes more than one statement"),
    ],
)
def test_anything_else_is_refused_with_what_it_is(
    connection: duckdb.DuckDBPyConnection, sql: str, said: str
) -> None:
    with pytest.raises(QueryRefused) as refused:
        check_statement(connection, sql)
    assert said in refused.value.message
    assert "SELECT" in refused.value.advice or "PIVOT" in refused.value.advice


@pytest.mark.parametrize("begin", ["", "EXPLAIN ", "SELECT 1; ", "; ", "EXPLAIN; "])
def test_no_file_is_opened_to_find_out_what_a_statement_is(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, begin: str
) -> None:
    """DuckDB's parser takes what IMPORT names for the statements, or quotes it in its error."""
    for content in ("SELECT 1", "secret"):
        (tmp_path / "schema.sql").write_text(content)
        (tmp_path / "load.sql").write_text("")
        with pytest.raises(QueryRefused):
            check_statement(connection, f"{begin}IMPORT DATABASE '{tmp_path}'")


def test_what_is_explained_is_the_rest_of_the_statement() -> None:
    assert explained("EXPLAIN (FORMAT json) FROM spans") == "FROM spans"
    assert explained("SELECT 'EXPLAIN'") == "SELECT 'EXPLAIN'"


def test_tables_are_shown_without_helpers(connection: duckdb.DuckDBPyConnection) -> None:
    sql = without_helpers(" show tables; ", ["otel_spans_with_event"])
    assert connection.execute(sql).fetchall() == [("services",)]
    assert without_helpers("SHOW TABLES", []) == "SHOW TABLES"
    assert without_helpers("SELECT 1", ["other"]) == "SELECT 1"


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        ("FROM otel_span", "Did you mean otel_spans? SHOW TABLES lists all tables and views."),
        ('FROM "OTEL_SPANZ"', "Did you mean otel_spans? SHOW TABLES lists all tables and views."),
        ("FROM quite_another", "SHOW TABLES lists all tables and views."),
        (
            "SELECT sevice_name FROM services",
            "Did you mean service_name? DESCRIBE lists the columns of a table or view.",
        ),
        (
            "SELECT s.sevice_name FROM services s",
            "Did you mean service_name? DESCRIBE lists the columns of a table or view.",
        ),
        ("SELECT quite FROM services", "DESCRIBE lists the columns of a table or view."),
        ("SELEC 1", "Check the SQL."),
    ],
)
def test_a_wrong_name_gets_a_near_one_of_ours(
    connection: duckdb.DuckDBPyConnection, sql: str, hint: str
) -> None:
    with pytest.raises(duckdb.Error) as raised:
        connection.execute(sql)
    refused = refusal(raised.value, ["otel_spans", "services"])
    assert refused.advice == hint
    assert "Did you mean" not in refused.message or "services" in sql
