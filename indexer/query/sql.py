"""Read-only SQL for people: one SELECT on a catalog file that nobody writes to.

The file is a published snapshot while a worker runs, or the catalog itself while none does; the
worker's own process never runs outside SQL. Beyond the catalog only the files of the index can
be read, and nothing can be written anywhere.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from indexer.catalog.database import Catalog
from indexer.errors import QueryRefused
from indexer.otlp.sql.functions import install
from indexer.query.span_views import Coverage, CoveredFiles, SpanViews, Window
from indexer.query.unindexed_rows import NOTHING_UNINDEXED, Unindexed
from indexer.query.views import OTEL_SPANS, SqlViews
from indexer.system.duckdb_rows import arrow_table


def open_session(
    path: Path, *, memory_limit: str, threads: int, otlp_folder: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """A read-only connection; with a folder it has ``read_otlp`` for the files below it.

    Raises CatalogBusy, CatalogUnreadable or CatalogTooNew.
    """
    catalog = Catalog.open(path, memory_limit=memory_limit, threads=threads, read_only=True)
    if otlp_folder is not None:
        install(catalog.connection, folder=otlp_folder)
    return catalog.connection


def select(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    window: Window,
    dialect_views: Sequence[SqlViews] = (),
    unindexed: Unindexed = NOTHING_UNINDEXED,
) -> tuple[pa.Table, Coverage | None]:
    """Run one SELECT; its rows, and what ``otel_spans`` and the views that it names cover.

    The views have ``unindexed`` spans too, which tables of the index have not.
    Raises QueryRefused for anything but one SELECT, and for SQL that DuckDB rejects.
    """
    try:
        _check(connection, sql)
        known = view_names(dialect_views)
        words = tuple(name for name in known if re.search(rf"\b{name}\b", sql, re.IGNORECASE))
        covered = CoveredFiles.find(connection, window, unindexed) if words else None
        paths = [] if covered is None else covered.scannable_paths
        connection.execute("SET allowed_paths = $paths", {"paths": paths})
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        named = _named(connection, sql, words)
        if covered is None or not named:
            return arrow_table(connection, sql), None
        views = SpanViews(connection, covered, named, dialect_views)
        return views.answer(sql), views.coverage
    except duckdb.Error as error:
        raise QueryRefused(
            str(error).strip(), hint="Check the SQL; see `files` and `status`."
        ) from error


def names_tables(
    connection: duckdb.DuckDBPyConnection, sql: str, dialect_views: Sequence[SqlViews] = ()
) -> bool:
    """Whether the SQL reads tables of the index, beside views; also where DuckDB cannot tell.

    Ask before ``select``: of a view that has been made DuckDB names the tables under it.
    """
    try:
        names = {name.lower() for name in connection.get_table_names(sql)}
    except duckdb.Error:
        return True
    return bool(names.difference(view_names(dialect_views)))


def create_views(
    connection: duckdb.DuckDBPyConnection, window: Window, dialect_views: Sequence[SqlViews] = ()
) -> Coverage:
    """Make ``otel_spans`` and all views of these dialects; what they cover. Raises duckdb.Error."""
    covered = CoveredFiles.find(connection, window)
    views = SpanViews(connection, covered, view_names(dialect_views), dialect_views)
    views.make_all()
    return views.coverage


def view_names(dialect_views: Sequence[SqlViews]) -> tuple[str, ...]:
    """Of ``otel_spans`` and of the views of these dialects."""
    return (OTEL_SPANS, *(name for views in dialect_views for name in views.names))


def _check(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QueryRefused(f"expected one SELECT, got {_kinds(statements)}")


def _kinds(statements: Sequence[duckdb.Statement]) -> str:
    if len(statements) == 1:
        return f"one {statements[0].type.name}"
    return f"{len(statements)} statements"


def _named(
    connection: duckdb.DuckDBPyConnection, sql: str, words: tuple[str, ...]
) -> tuple[str, ...]:
    """Those of the words that DuckDB takes for tables, and not for text or a name of the query's.

    All of them where it cannot tell without the tables, as for a join USING a column.
    """
    try:
        tables = {name.lower() for name in connection.get_table_names(sql)} if words else set()
    except duckdb.Error:
        return words
    return tuple(name for name in words if name in tables)
