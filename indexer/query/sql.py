"""Read-only SQL for people: one SELECT on a catalog file that nobody writes to.

The file is a published snapshot while a worker runs, or the catalog itself while none does; the
worker's own process never runs outside SQL. Beyond the catalog only the files of the index can
be read, and nothing can be written anywhere.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from indexer.catalog.database import Catalog
from indexer.catalog.storage_root import indexed_path
from indexer.errors import QueryRefused
from indexer.model import ParquetFileInfo
from indexer.otlp.sql.functions import install
from indexer.query.limits import VIEW_FILES_MAX
from indexer.query.missing import Missing
from indexer.query.payload_functions import PayloadFile, PayloadFunctions
from indexer.query.views import SqlViews, otel_spans
from indexer.read.dialect import dialects
from indexer.system.duckdb_rows import arrow_table
from indexer.system.storage import LocalStorage

OTEL_SPANS = "otel_spans"
"""Made for a session whose SQL names it, or a view of a dialect that is made of it."""

_COVERED = """
SELECT file_id, file_path, dialect, row_count, relative_path, size_bytes, modified_unix_nano,
    device, inode, changed_unix_nano, footer_digest, count(*) OVER () AS matching
FROM parquet_files
WHERE owned_span_count > 0
  AND ($since IS NULL OR max_time >= $since::TIMESTAMPTZ)
  AND ($until IS NULL OR min_time < $until::TIMESTAMPTZ)
ORDER BY max_time DESC, relative_path
LIMIT $limit
"""
_INFO = (
    *("relative_path", "size_bytes", "modified_unix_nano", "device", "inode"),
    "changed_unix_nano",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Which views the SQL names, and how many of the files that match the window they read."""

    views: tuple[str, ...]
    files: int
    matching: int
    missing: tuple[Missing, ...] = ()
    """Files whose payload could not be read: it is NULL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which files the views cover: those with spans in [since, until), newest first."""

    since: datetime | None = None
    until: datetime | None = None
    files_max: int = VIEW_FILES_MAX


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
) -> tuple[pa.Table, Coverage | None]:
    """Run one SELECT; its rows, and what ``otel_spans`` and the views that it names cover.

    Raises QueryRefused for anything but one SELECT, and for SQL that DuckDB rejects.
    """
    try:
        _check(connection, sql)
        known = view_names(dialect_views)
        words = tuple(name for name in known if re.search(rf"\b{name}\b", sql, re.IGNORECASE))
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        named = _named(connection, sql, words)
        if not named:
            return arrow_table(connection, sql), None
        covered = _covered(connection, window)
        functions = _add_views(connection, covered, named, dialect_views)
        table = arrow_table(connection, sql)
        return table, covered.coverage(named, functions)
    except duckdb.Error as error:
        raise QueryRefused(
            str(error).strip(), hint="Check the SQL; see `files` and `status`."
        ) from error


def names_tables(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether the SQL reads something of the index; also where DuckDB cannot tell."""
    try:
        return bool(connection.get_table_names(sql))
    except duckdb.Error:
        return True


def create_views(
    connection: duckdb.DuckDBPyConnection, window: Window, dialect_views: Sequence[SqlViews] = ()
) -> Coverage:
    """Make ``otel_spans`` and all views of these dialects; what they cover. Raises duckdb.Error."""
    names = view_names(dialect_views)
    covered = _covered(connection, window)
    functions = _add_views(connection, covered, names, dialect_views)
    return covered.coverage(names, functions)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Covered:
    """The files that the views read, by id, and how many match the window."""

    files: dict[int, PayloadFile]
    matching: int

    def coverage(self, views: tuple[str, ...], functions: PayloadFunctions) -> Coverage:
        return Coverage(
            views=views,
            files=len(self.files),
            matching=self.matching,
            missing=functions.missing,
        )


def _covered(connection: duckdb.DuckDBPyConnection, window: Window) -> _Covered:
    known = {dialect.name: dialect for dialect in dialects()}
    found = connection.execute(
        _COVERED, {"since": window.since, "until": window.until, "limit": window.files_max}
    )
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    files = {
        row["file_id"]: PayloadFile(
            file_path=row["file_path"],
            info=ParquetFileInfo(
                path=row["file_path"],
                **{name: row[name] for name in _INFO},
            ),
            dialect=known[row["dialect"]],
            footer_digest=row["footer_digest"],
            row_count=row["row_count"],
        )
        for row in rows
    }
    return _Covered(files=files, matching=rows[0]["matching"] if rows else 0)


def _add_views(
    connection: duckdb.DuckDBPyConnection,
    covered: _Covered,
    named: tuple[str, ...],
    dialect_views: Sequence[SqlViews],
) -> PayloadFunctions:
    storage = LocalStorage(indexed_path(connection) or "/")
    functions = PayloadFunctions(storage, covered.files)
    functions.install(connection)
    connection.execute(otel_spans(sorted(covered.files)))
    for views in dialect_views:
        for statement in views.statements(named):
            connection.execute(statement)
    return functions
