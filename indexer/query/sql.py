"""Read-only SQL for people: one SELECT on a catalog file that nobody writes to.

The file is a published snapshot while a worker runs, or the catalog itself while none does; the
worker's own process never runs outside SQL. Beyond the catalog only the files of the index can
be read, and nothing can be written anywhere.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from indexer.errors import QueryRefused
from indexer.query.views import FILES_MAX, ViewFile, otel_spans
from indexer.read.dialect import dialects
from indexer.register.catalog import Catalog
from indexer.results import arrow_table

_COVERED = """
SELECT file_id, file_path, dialect, missing_columns, nested_columns, count(*) OVER () AS matching
FROM parquet_files
WHERE owned_span_count > 0
  AND ($since IS NULL OR max_time >= $since::TIMESTAMPTZ)
  AND ($until IS NULL OR min_time < $until::TIMESTAMPTZ)
ORDER BY max_time DESC, relative_path
LIMIT $limit
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many of the files that match the window the view reads."""

    files: int
    matching: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which files ``otel_spans`` covers: those with spans in [since, until), newest first."""

    since: datetime | None = None
    until: datetime | None = None
    files_max: int = FILES_MAX


def open_session(path: Path, *, memory_limit: str, threads: int) -> duckdb.DuckDBPyConnection:
    """A read-only connection. Raises CatalogBusy, CatalogUnreadable or CatalogTooNew."""
    return Catalog.open(path, memory_limit=memory_limit, threads=threads, read_only=True).connection


def select(
    connection: duckdb.DuckDBPyConnection, sql: str, window: Window
) -> tuple[pa.Table, Coverage | None]:
    """Run one SELECT; its rows, and what ``otel_spans`` covered when it was asked.

    Raises QueryRefused for anything but one SELECT, and for SQL that DuckDB rejects.
    """
    try:
        _check(connection, sql)
        coverage = _add_view(connection, window) if "otel_spans" in sql.lower() else None
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        return arrow_table(connection, sql), coverage
    except duckdb.Error as error:
        raise QueryRefused(
            str(error).strip(), hint="Check the SQL; see `files` and `status`."
        ) from error


def _check(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QueryRefused(f"{len(statements)} statements, and not one SELECT")


def _add_view(connection: duckdb.DuckDBPyConnection, window: Window) -> Coverage:
    rows = connection.execute(
        _COVERED, {"since": window.since, "until": window.until, "limit": window.files_max}
    ).fetchall()
    files = [
        ViewFile(
            file_id=row[0],
            file_path=row[1],
            dialect=row[2],
            missing_columns=tuple(row[3]),
            nested_columns=tuple(row[4]),
        )
        for row in rows
    ]
    allowed = [file.file_path for file in files]
    connection.execute("SET allowed_paths = $paths", {"paths": allowed})
    connection.execute(otel_spans(files, {dialect.name: dialect for dialect in dialects()}))
    return Coverage(files=len(files), matching=rows[0][5] if rows else 0)
