"""The library's connection: DuckDB with OTLP's tables, and the index's where there is one.

A DuckDB connection cannot be subclassed, so it is held: ``Connection.duckdb`` is the bare one, and
all of DuckDB's own methods are there.
"""

import os
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from indexer.catalog.database import Catalog
from indexer.catalog.generations import Generations
from indexer.errors import CatalogBusy, CatalogUnreadable, QueryRefused
from indexer.live.sql import LiveSql
from indexer.live.statements import Statement, statements
from indexer.otlp.sql.functions import install
from indexer.query.sql import create_views, view_names
from indexer.query.sql_scope import Window
from indexer.run.sql_views import DIALECT_VIEWS
from indexer.settings import load_settings
from indexer.system.duckdb_connection import connect as connection
from indexer.system.duckdb_rows import text_literal

CATALOG = "span_index"
"""The name under which the index's catalog is attached."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

Parameters = Sequence[Any] | dict[str, Any] | None


def connect(catalog: str | os.PathLike[str] | None = None) -> "Connection":
    """A connection in memory with ``read_otlp`` and its variants, and the index's tables and views.

    The index is that of ``catalog``, the path that JUNJO_DUCKDB_PATH names, or of the settings.
    Without one, or while a worker has it open, the connection has only OTLP's functions; a named
    catalog has to exist. Raises CatalogBusy, CatalogUnreadable, CatalogTooNew,
    InvalidSettings, and QueryRefused for a URL.
    """
    if catalog is not None and _URL.match(os.fspath(catalog)):
        raise QueryRefused(
            f"{os.fspath(catalog)} is a URL; a worker cannot be queried in SQL",
            hint="Give the path of a catalog, or ask the worker's HTTP routes.",
        )
    pointer = Path(catalog) if catalog is not None else load_settings().catalog_pointer
    path = Generations(pointer).current()
    if path is None and catalog is not None:
        raise CatalogUnreadable(f"there is no catalog at {pointer}", path=str(pointer))
    if path is not None and not _is_free(path, is_named=catalog is not None):
        path = None
    return Connection(path)


class Connection:
    """DuckDB in memory. Close it, or use it in a ``with`` statement."""

    def __init__(self, catalog: Path | None = None) -> None:
        self.duckdb = connection(memory_limit=None, threads=os.cpu_count() or 1)
        self._views: set[str] = set()
        self._live = LiveSql(self.duckdb, into="memory")
        self._has_index = catalog is not None
        install(self.duckdb)
        if catalog is not None:
            self._attach(catalog)

    def execute(self, query: str, parameters: Parameters = None) -> duckdb.DuckDBPyConnection:
        """Run SQL; the result is fetched from as from any DuckDB connection.

        Statements of live tables are run here, as ``live.sql`` says; DuckDB knows none of them.
        """
        last = self._run_before_last(query)
        if isinstance(last, str):
            self._make_views(last)
            return self.duckdb.execute(last, parameters)
        return self.duckdb.execute(_said(self._live.run(last, parameters)))

    def sql(self, query: str) -> duckdb.DuckDBPyRelation:
        """A query as a relation of DuckDB, which is run when its rows are asked for."""
        return self._relation(query, None)

    def arrow(self, query: str, parameters: Parameters = None) -> pa.Table:
        """All rows of a query as an Arrow table."""
        return self._relation(query, parameters).to_arrow_table()

    def df(self, query: str, parameters: Parameters = None) -> Any:
        """All rows as a DataFrame of pandas. Raises QueryRefused where it is not installed."""
        _require("pandas")
        return self._relation(query, parameters).df()

    def pl(self, query: str, parameters: Parameters = None) -> Any:
        """All rows as a DataFrame of polars. Raises QueryRefused where it is not installed."""
        _require("polars")
        import polars as pl  # type: ignore[import-not-found]  # noqa: PLC0415 - not a dependency

        return pl.from_arrow(self.arrow(query, parameters))

    def close(self) -> None:
        """Close it, and detach live tables; relations of it cannot be run any more."""
        self._live.close()
        self.duckdb.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _relation(self, query: str, parameters: Parameters) -> duckdb.DuckDBPyRelation:
        """What can be had as Arrow; of ``execute``, DuckDB 2 warns that it costs a copy more."""
        last = self._run_before_last(query)
        if isinstance(last, str):
            self._make_views(last)
            return self.duckdb.sql(last, params=parameters)
        return self.duckdb.sql(_said(self._live.run(last, parameters)))

    def _run_before_last(self, query: str) -> str | Statement:
        """What is left to run: the query, or the last statement of a script with one of ours."""
        found = statements(query) if self._live.may_have_ours(query) else []
        if not any(self._live.is_ours(statement) for _, statement in found):
            return query
        for text, _ in found[:-1]:
            self.execute(text)
        text, last = found[-1]
        return last if last is not None and self._live.is_ours(last) else text

    def _attach(self, catalog: Path) -> None:
        location = text_literal(f"duckdb:{os.path.abspath(catalog)}")
        self.duckdb.execute(f"ATTACH {location} AS {CATALOG} (READ_ONLY)")
        self.duckdb.execute(f"SET search_path = 'memory.main,{CATALOG}.main'")
        self.duckdb.execute("SET TimeZone = 'UTC'")

    def _make_views(self, query: str) -> None:
        """The views over files are made when they are first named: each file is bound to them."""
        if self._has_index and not self._views:
            known = view_names(DIALECT_VIEWS)
            found = [name for name in known if re.search(rf"\b{name}\b", query, re.IGNORECASE)]
            if found:
                create_views(self.duckdb, Window(), DIALECT_VIEWS)
                self._views.update(known)


def _require(package: str) -> None:
    """Refuse where a package is not installed that no other part needs."""
    if find_spec(package) is None:
        raise QueryRefused(
            f"a DataFrame of {package} needs the package {package}, which is not installed",
            hint=f"Install it with: python -m pip install {package}",
        )


def _said(inserted: int | None) -> str:
    """What gives the result that DuckDB gives of such a statement."""
    return (
        "SELECT true AS Success WHERE false" if inserted is None else f"SELECT {inserted} AS Count"
    )


def _is_free(path: Path, *, is_named: bool) -> bool:
    """Whether the catalog can be opened for reading. Raises CatalogBusy for one that is named."""
    try:
        Catalog.open(path, read_only=True).close()
    except CatalogBusy:
        if is_named:
            raise
        return False
    return True
