"""Read-only SQL for people: one SELECT on a catalog file that nobody writes to.

The file is a published snapshot while a worker runs, or the catalog itself while none does; the
worker's own process never runs outside SQL. Beyond the catalog only the files of the index can
be read, and nothing can be written anywhere.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from indexer.catalog.database import Catalog
from indexer.catalog.storage_root import indexed_path
from indexer.errors import IndexerError, QueryRefused
from indexer.model import ParquetFileInfo
from indexer.otlp.sql.functions import install
from indexer.query.views import FILES_MAX, SqlViews, ViewFile, otel_spans
from indexer.read.dialect import dialects
from indexer.read.registered_file import find_registered
from indexer.system.duckdb_rows import arrow_table
from indexer.system.storage import LocalStorage

OTEL_SPANS = "otel_spans"
"""Made for a session whose SQL names it, or a view of a dialect that is made of it."""

_COVERED = """
SELECT file_id, file_path, dialect, missing_columns, nested_columns, count(*) OVER () AS matching,
       relative_path, size_bytes, modified_unix_nano, device, inode, changed_unix_nano,
       footer_digest
FROM parquet_files
WHERE owned_span_count > 0
  AND ($since IS NULL OR max_time >= $since::TIMESTAMPTZ)
  AND ($until IS NULL OR min_time < $until::TIMESTAMPTZ)
ORDER BY max_time DESC, relative_path
LIMIT $limit
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Which views the SQL names, and how many of the files that match the window they read."""

    views: tuple[str, ...]
    files: int
    matching: int
    changed: int
    """Of the files, those that are not what was indexed: their spans are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which files the views cover: those with spans in [since, until), newest first."""

    since: datetime | None = None
    until: datetime | None = None
    files_max: int = FILES_MAX


_NOTHING = Coverage(views=(), files=0, matching=0, changed=0)


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
        files, coverage = _covered(connection, window) if words else ([], _NOTHING)
        connection.execute(
            "SET allowed_paths = $paths", {"paths": [one.file_path for one in files]}
        )
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        named = _named(connection, sql, words)
        if named:
            _add_views(connection, files, named, dialect_views)
        return arrow_table(connection, sql), replace(coverage, views=named) if named else None
    except duckdb.Error as error:
        raise QueryRefused(
            str(error).strip(), hint="Check the SQL; see `files` and `status`."
        ) from error


def create_views(
    connection: duckdb.DuckDBPyConnection, window: Window, dialect_views: Sequence[SqlViews] = ()
) -> Coverage:
    """Make ``otel_spans`` and all views of these dialects; what they cover. Raises duckdb.Error."""
    names = view_names(dialect_views)
    files, coverage = _covered(connection, window)
    _add_views(connection, files, names, dialect_views)
    return replace(coverage, views=names)


def view_names(dialect_views: Sequence[SqlViews]) -> tuple[str, ...]:
    """Of ``otel_spans`` and of the views of these dialects."""
    return (OTEL_SPANS, *(name for views in dialect_views for name in views.names))


def _check(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QueryRefused(f"{len(statements)} statements, and not one SELECT")


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


def _covered(
    connection: duckdb.DuckDBPyConnection, window: Window
) -> tuple[list[ViewFile], Coverage]:
    """The files that the views read, and what of the window that covers.

    Those that are not what was indexed are left out: their rows would be other spans'.
    """
    rows = connection.execute(
        _COVERED, {"since": window.since, "until": window.until, "limit": window.files_max}
    ).fetchall()
    storage = LocalStorage(indexed_path(connection) or "/")
    files = [
        ViewFile(
            file_id=row[0],
            file_path=row[1],
            dialect=row[2],
            missing_columns=tuple(row[3]),
            nested_columns=tuple(row[4]),
        )
        for row in rows
        if _is_registered(storage, *row[6:])
    ]
    coverage = Coverage(
        views=(),
        files=len(rows),
        matching=rows[0][5] if rows else 0,
        changed=len(rows) - len(files),
    )
    return files, coverage


def _is_registered(
    storage: LocalStorage,
    relative_path: str,
    size_bytes: int,
    modified_unix_nano: int,
    device: int,
    inode: int,
    changed_unix_nano: int,
    digest: str,
) -> bool:
    info = ParquetFileInfo(
        path=storage.absolute(relative_path),
        relative_path=relative_path,
        size_bytes=size_bytes,
        modified_unix_nano=modified_unix_nano,
        device=device,
        inode=inode,
        changed_unix_nano=changed_unix_nano,
    )
    try:
        find_registered(storage, info, digest)
    except IndexerError:
        return False
    return True


def _add_views(
    connection: duckdb.DuckDBPyConnection,
    files: list[ViewFile],
    named: tuple[str, ...],
    dialect_views: Sequence[SqlViews],
) -> None:
    connection.execute(otel_spans(files, {dialect.name: dialect for dialect in dialects()}))
    for views in dialect_views:
        for statement in views.statements(named):
            connection.execute(statement)
