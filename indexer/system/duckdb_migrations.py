"""Numbered migrations of a DuckDB database: each applied once, in a transaction of its own."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import duckdb

Migration = tuple[int, str, str]
"""Number, name and SQL."""


def applied_version(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The newest migration of a database, 0 of an empty one; None for one of another program."""
    tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    names = {name for (name,) in tables}
    if not names:
        return 0
    if "schema_migrations" not in names:
        return None
    rows = connection.execute("SELECT max(version) FROM schema_migrations").fetchall()
    return int(rows[0][0] or 0)


def apply_migrations(
    transaction: Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]],
    migrations: Sequence[Migration],
    version: int,
) -> None:
    """Apply those with a higher number than ``version``, in order."""
    for number, name, text in migrations:
        if number <= version:
            continue
        with transaction() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS schema_migrations ("
                "version INTEGER PRIMARY KEY, name VARCHAR NOT NULL, "
                "applied_at TIMESTAMPTZ NOT NULL)"
            )
            connection.execute(text)
            connection.execute("INSERT INTO schema_migrations VALUES (?, ?, now())", [number, name])
