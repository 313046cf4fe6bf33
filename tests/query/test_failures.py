"""States of DuckDB are told apart from faults of this program in what is asked of it."""

import duckdb
import pytest

from indexer.errors import AnswerOutOfMemory, CatalogUnavailable
from indexer.query.failures import states_as_errors

pytestmark = pytest.mark.duckdb


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT no_such_column", duckdb.BinderException),
        ("SELECT (", duckdb.ParserException),
        ("FROM no_such_table", duckdb.CatalogException),
        ("SELECT 'x'::INTEGER", duckdb.ConversionException),
        ("SELECT error('internal')", duckdb.InvalidInputException),
    ],
)
def test_a_statement_that_is_wrong_is_a_fault_and_stays_one(sql, kind):
    with duckdb.connect() as connection, pytest.raises(kind), states_as_errors():
        connection.execute(sql).fetchall()


def test_too_little_memory_is_a_state():
    """The text says how much; the hint is not about the disk."""
    with duckdb.connect(config={"memory_limit": "20MB", "temp_directory": ""}) as connection:
        with pytest.raises(AnswerOutOfMemory, match="Out of Memory") as refused, states_as_errors():
            connection.execute("SELECT list(i) FROM range(100_000_000) t(i)").fetchall()
        assert "\n" not in refused.value.message
        assert "INDEXER_MEMORY_LIMIT" in refused.value.advice


def test_files_that_cannot_be_read_are_a_state(tmp_path):
    with duckdb.connect() as connection, pytest.raises(CatalogUnavailable), states_as_errors():
        connection.execute(f"FROM read_csv('{tmp_path}/none.csv')").fetchall()


def test_a_database_that_is_closed_or_given_up_is_a_state():
    connection = duckdb.connect()
    connection.close()
    with pytest.raises(CatalogUnavailable), states_as_errors():
        connection.execute("SELECT 1")
    with pytest.raises(CatalogUnavailable), states_as_errors():
        raise duckdb.FatalException("FATAL Error: database has been invalidated")
