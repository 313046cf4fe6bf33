"""Read-only SQL for people: one statement that reads, on a catalog file that nobody writes to.

The file is a published snapshot while a worker runs, or the catalog itself while none does; the
worker's own process never runs outside SQL. Beyond the catalog only the files of the index can
be read, and nothing can be written anywhere.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from indexer.catalog.database import Catalog
from indexer.deferred_dataclass import dataclass
from indexer.query.row_stream import RowStream
from indexer.query.sql_scope import (
    NOTHING_UNINDEXED,
    OTEL_SPANS,
    REPLACED_SPANS,
    UNINDEXED_SPANS,
    Coverage,
    SqlViews,
    Unindexed,
    Window,
    with_event,
)
from indexer.query.statement import (
    check_statement,
    explained,
    is_of_names,
    refusal,
    without_helpers,
)
from indexer.system.duckdb_rows import text_literal

if TYPE_CHECKING:  # of statements that name a view of spans, and longer to load than DuckDB
    from indexer.query.span_views import CoveredFiles, SpanViews

_TABLES = """
SELECT table_name FROM information_schema.tables WHERE table_catalog = current_database()
"""


def open_session(
    path: Path, *, memory_limit: str, threads: int, otlp_folder: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """A read-only connection; with a folder it has ``read_otlp`` for the files below it.

    Raises CatalogBusy, CatalogUnreadable or CatalogTooNew.
    """
    catalog = Catalog.open(path, memory_limit=memory_limit, threads=threads, read_only=True)
    if otlp_folder is not None:
        from indexer.otlp.sql.functions import install  # noqa: PLC0415 - few questions need OTLP

        install(catalog.connection, folder=otlp_folder)
    return catalog.connection


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlAnswer:
    """The rows of one statement while they are read, and what its views of spans cover."""

    rows: RowStream
    names: Sequence[str]
    """Of the views that there are."""
    views: "SpanViews | None" = None
    named: tuple[str, ...] = ()
    """Of the views, those that the statement names."""
    of_tables: bool = False
    """Whether it reads tables of the index, beside views."""

    @property
    def coverage(self) -> Coverage | None:
        """What the views cover, and what could not be read so far; None where it names none."""
        if self.views is None or not self.named:
            return None
        return replace(self.views.coverage, views=self.named)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in parts. Raises QueryRefused, and FileChanged for a file that breaks off."""
        try:
            yield from self.rows.batches()
        except duckdb.Error as error:
            raise refusal(error, self.names) from error


def select(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    window: Window,
    dialect_views: Sequence[SqlViews] = (),
    unindexed: Unindexed = NOTHING_UNINDEXED,
    catalog: Path | None = None,
) -> tuple[pa.Table, Coverage | None]:
    """All rows of one statement that reads, and what the views of spans that it names cover.

    Raises as ``stream``.
    """
    answer = stream(connection, sql, window, dialect_views, unindexed, catalog)
    table = pa.Table.from_batches(answer.batches(), answer.rows.schema)
    return table, answer.coverage


def stream(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    window: Window,
    dialect_views: Sequence[SqlViews] = (),
    unindexed: Unindexed = NOTHING_UNINDEXED,
    catalog: Path | None = None,
    *,
    may_scan: bool = True,
) -> SqlAnswer:
    """Run one statement that reads.

    The views have ``unindexed`` spans too, which tables of the index have not. With the path of the
    session's ``catalog``, what earlier sessions saw of its files makes it quicker. Without
    ``may_scan`` DuckDB itself opens no file. Raises QueryRefused for anything but one statement
    that reads, and for SQL that DuckDB rejects.
    """
    known = view_names(dialect_views)
    try:
        check_statement(connection, sql)
        question = explained(sql)
        words = _words(sql, known)
        lists = is_of_names(question)
        covered = None
        if words or lists:
            covered = _covered_files(connection, window, unindexed, catalog)
        paths = [] if covered is None else covered.scannable_paths
        allowed = ", ".join(map(text_literal, paths))
        connection.execute(f"SET allowed_paths = [{allowed}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        named = _named(connection, question, words)
        of_tables = names_tables(connection, question, known)
        if covered is None or not (named or lists):
            return SqlAnswer(rows=RowStream(connection, sql), names=known, of_tables=of_tables)
        from indexer.query.span_views import SpanViews  # noqa: PLC0415 - see above

        views = SpanViews(connection, covered, known if lists else named, dialect_views)
        rows = views.answer(without_helpers(sql, _helpers(dialect_views)), may_scan=may_scan)
        return SqlAnswer(rows=rows, names=known, views=views, named=named, of_tables=of_tables)
    except duckdb.Error as error:
        raise refusal(error, [*known, *_tables(connection)]) from error


def names_tables(
    connection: duckdb.DuckDBPyConnection, question: str, views: Sequence[str]
) -> bool:
    """Whether the SQL reads tables of the index, beside views.

    Where DuckDB cannot tell, as for a join USING a column: whether it has the name of one, or of no
    view either.
    It is asked before they are made: of a view that has been DuckDB names the tables under it.
    """
    try:
        names = {name.lower() for name in connection.get_table_names(question)}
    except duckdb.Error:
        return bool(_words(question, _tables(connection))) or not _words(question, views)
    return bool(names.difference(views))


def create_views(
    connection: duckdb.DuckDBPyConnection, window: Window, dialect_views: Sequence[SqlViews] = ()
) -> Coverage:
    """Make ``otel_spans`` and all views of these dialects; what they cover. Raises duckdb.Error."""
    from indexer.query.span_views import SpanViews  # noqa: PLC0415 - see above

    covered = _covered_files(connection, window)
    views = SpanViews(connection, covered, view_names(dialect_views), dialect_views)
    views.make_all()
    return views.coverage


def _covered_files(
    connection: duckdb.DuckDBPyConnection,
    window: Window,
    unindexed: Unindexed = NOTHING_UNINDEXED,
    catalog: Path | None = None,
) -> "CoveredFiles":
    from indexer.query.span_views import CoveredFiles  # noqa: PLC0415 - see above

    return CoveredFiles.find(connection, window, unindexed, catalog)


def view_names(dialect_views: Sequence[SqlViews]) -> tuple[str, ...]:
    """Of ``otel_spans`` and of the views of these dialects."""
    return (OTEL_SPANS, *(name for views in dialect_views for name in views.names))


def _helpers(dialect_views: Sequence[SqlViews]) -> list[str]:
    """What the views of spans are made of in a session, beside tables of the index."""
    events = {event for views in dialect_views for event in views.events.values()}
    return [UNINDEXED_SPANS, REPLACED_SPANS, *map(with_event, events)]


def _words(sql: str, names: Sequence[str]) -> tuple[str, ...]:
    """The names that are words of the SQL, whatever it means by them."""
    return tuple(name for name in names if re.search(rf"\b{name}\b", sql, re.IGNORECASE))


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Of the catalog; none where DuckDB cannot say."""
    try:
        return [name for (name,) in connection.execute(_TABLES).fetchall()]
    except duckdb.Error:
        return []


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
