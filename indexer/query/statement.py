"""One statement of SQL that only reads, as DuckDB's own parser takes it apart; else a refusal."""

import re
from collections.abc import Collection, Sequence

import duckdb

from indexer.errors import QueryRefused

_BLANK = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
_EXPLAIN = re.compile(
    rf"{_BLANK}EXPLAIN\b{_BLANK}(?:ANALYZE\b{_BLANK})?(?:\([^()]*\){_BLANK})?",
    re.IGNORECASE | re.DOTALL,
)
_SHOW_TABLES = re.compile(r"\s*(SHOW\s+(?:ALL\s+)?TABLES)\s*;?\s*", re.IGNORECASE)
_OF_NAMES = re.compile(
    r"(^|\()\s*(desc|show)\b|\b(describe|summarize|information_schema|duckdb_\w+|sqlite_\w+|pg_\w+)\b",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(r'(?:Table|View)(?: or view)? with name "?([^\s"!]+)"? does not exist')
_UNKNOWN_COLUMN = re.compile(r'column (?:named )?"([^"]+)"[^\n]*\s+Candidate bindings: ([^\n]*)')
_QUOTED = re.compile('"([^"]+)"')
_DUCKDBS_GUESS = re.compile(r'\n?Did you mean "[^"]*"\?')
_READS = "SELECT, WITH, FROM, VALUES, SHOW, DESCRIBE, SUMMARIZE, or EXPLAIN of one of them"


def check_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raises QueryRefused for anything but one statement that reads, duckdb.Error for no SQL."""
    found = connection.extract_statements(sql)
    if len(found) != 1:
        count = f"{len(found)} statements" if found else "none"
        raise QueryRefused(f"expected one statement, got {count}", hint=f"Write one: {_READS}.")
    kind = found[0].type
    if kind == duckdb.StatementType.EXPLAIN:
        kind = _explained_type(connection, sql)
    if kind != duckdb.StatementType.SELECT:
        raise QueryRefused(
            f"{_words(kind)} is not a query; the catalog is read and never changed",
            hint=f"Write one statement: {_READS}.",
        )


def is_of_names(sql: str) -> bool:
    """Whether the SQL may ask which tables and views there are, or how one is made."""
    return _OF_NAMES.search(sql) is not None


def without_helpers(sql: str, helpers: Collection[str]) -> str:
    """SHOW TABLES without views that other views are made of; other SQL as it is."""
    asked = _SHOW_TABLES.fullmatch(sql)
    if asked is None or not helpers:
        return sql
    listed = ", ".join(f"'{name}'" for name in sorted(helpers))
    return f"FROM ({asked[1]}) WHERE name NOT IN ({listed})"


def refusal(error: duckdb.Error, names: Sequence[str]) -> QueryRefused:
    """What DuckDB says of the SQL; of an unknown table the nearest of our names."""
    said = str(error).strip()
    unknown = _UNKNOWN.search(said)
    if unknown is not None:
        guess = _guess(unknown[1].rpartition(".")[2].lower(), names)
        hint = f"{guess}SHOW TABLES lists all tables and views."
        return QueryRefused(_DUCKDBS_GUESS.sub("", said), hint=hint)
    column = _UNKNOWN_COLUMN.search(said)
    if column is not None:
        guess = _guess(column[1].lower(), _QUOTED.findall(column[2]))
        return QueryRefused(said, hint=f"{guess}DESCRIBE lists the columns of a table or view.")
    return QueryRefused(said, hint="Check the SQL.")


def _guess(name: str, names: Sequence[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - of a refusal alone

    near = get_close_matches(name, names, 1)
    return f"Did you mean {near[0]}? " if near else ""


def explained(sql: str) -> str:
    """What is explained; other SQL as it is."""
    start = _EXPLAIN.match(sql)
    return sql[start.end() :] if start else sql


def _explained_type(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.StatementType:
    """The type of what is explained; EXPLAIN itself where that is not one statement."""
    inner = connection.extract_statements(explained(sql))
    return inner[0].type if len(inner) == 1 else duckdb.StatementType.EXPLAIN


def _words(kind: duckdb.StatementType) -> str:
    return kind.name.replace("_", " ")
