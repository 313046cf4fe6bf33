"""One statement of SQL that only reads, as DuckDB's own parser takes it apart; else a refusal."""

import re
from collections.abc import Collection, Sequence

import duckdb

from indexer.errors import QueryRefused

_BLANK = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
_EXPLAIN = re.compile(
    rf"{_BLANK}EXPLAIN\b{_BLANK}(?:ANALYZE\b{_BLANK})?(?:\((?!{_BLANK}(?:SELECT|FROM|WITH|VALUES)\b)[^()]*\){_BLANK})?",
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
_OF_FUNCTION = re.compile(r"executing the UDF: \w+: (.*?)\s*\n\s*At:\n", re.DOTALL)
"""What a function of ours has raised, before the lines of Python that it came from."""
_DUCKDBS_GUESS = re.compile(r'\n?Did you mean "[^"]*"\?')
_BEGINS = frozenset(
    {
        *("select", "with", "from", "values", "table", "show", "describe", "desc", "summarize"),
        *("pivot", "pivot_wider", "unpivot", "pivot_longer", "explain"),
    }
)
"""The words that a statement that reads begins with."""
_WORD = re.compile(rb"\w+")
_READS = "SELECT, WITH, FROM, VALUES, SHOW, DESCRIBE, SUMMARIZE, or EXPLAIN of one of them"


def check_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raises QueryRefused for anything but one statement that reads, duckdb.Error for no SQL."""
    _refuse_by_words(sql)
    _refuse_by_words(explained(sql))
    found = connection.extract_statements(sql)
    kind = found[0].type if len(found) == 1 else duckdb.StatementType.MULTI
    if kind == duckdb.StatementType.EXPLAIN:
        kind = _explained_type(connection, sql)
    if kind == duckdb.StatementType.MULTI:
        raise QueryRefused(
            "PIVOT takes more than one statement to find its values",
            hint="Name them: PIVOT ... ON column IN ('one', 'other').",
        )
    if kind != duckdb.StatementType.SELECT:
        raise _no_query(_words(kind))


def _refuse_by_words(sql: str) -> None:
    """Before DuckDB parses it, which opens the files that IMPORT names. Raises QueryRefused."""
    words = _first_words(sql)
    if len(words) != 1:
        count = f"{len(words)} statements" if words else "none"
        raise QueryRefused(f"expected one statement, got {count}", hint=f"Write one: {_READS}.")
    word, kind = words[0]
    if kind == duckdb.token_type.keyword and word.lower() not in _BEGINS:
        raise _no_query(word.upper())


def _first_words(sql: str) -> list[tuple[str, duckdb.token_type]]:
    """What each statement begins with, after opening brackets."""
    content = sql.encode()
    found: list[tuple[str, duckdb.token_type]] = []
    is_begun = False
    for at, kind in duckdb.tokenize(sql):
        sign = content[at : at + 1]
        if kind == duckdb.token_type.operator and sign == b";":
            is_begun = False
        elif kind != duckdb.token_type.comment and sign != b"(" and not is_begun:
            word = _WORD.match(content, at)
            found.append(("" if word is None else word[0].decode(), kind))
            is_begun = True
    return found


def _no_query(words: str) -> QueryRefused:
    return QueryRefused(
        f"{words} is not a query; the catalog is read and never changed",
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
    of_function = _OF_FUNCTION.search(said)
    if of_function is not None:
        return QueryRefused(of_function[1], hint="Check the SQL.")
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
