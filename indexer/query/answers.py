"""The questions that commands and dashboards ask, over one source of connections.

The worker answers them beside its writer; a command answers them itself when no worker runs.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import duckdb

from indexer.query import attributes, lists
from indexer.query.traces import find_trace
from indexer.register.trace_directory import TraceDirectory
from indexer.storage import LocalStorage

ROWS_MAX = 10_000
"""Rows of one list in one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """``cursor`` opens a reader's connection; ``directory`` is the writer's, if there is one."""

    cursor: Callable[[], duckdb.DuckDBPyConnection]
    storage: LocalStorage
    directory: Callable[[], TraceDirectory | None] = lambda: None
    guard: Callable[[], AbstractContextManager[None]] = nullcontext
    """Held while something is read: the catalog is not closed meanwhile."""

    def trace(self, trace_id: str) -> dict[str, Any]:
        """One trace with its payload. Raises QueryRefused for what is no trace id."""
        with self._reading() as cursor:
            return find_trace(cursor, self.storage, trace_id, directory=self.directory())

    def services(self) -> list[dict[str, Any]]:
        """Every service."""
        with self._reading() as cursor:
            return lists.list_services(cursor)

    def latest_roots(self, service: str, limit: int = 100) -> list[dict[str, Any]]:
        """The newest root spans of a service."""
        with self._reading() as cursor:
            return lists.latest_roots(cursor, service, min(limit, ROWS_MAX))

    def spans_with(
        self, key: str, value: str | None = None, service: str | None = None, limit: int = 100
    ) -> dict[str, Any]:
        """The newest spans with a promoted attribute. Raises QueryRefused when it is not one."""
        with self._reading() as cursor:
            return attributes.spans_with(
                cursor, key, value=value, service=service, limit=min(limit, ROWS_MAX)
            )

    def files(self, limit: int = ROWS_MAX) -> list[dict[str, Any]]:
        """Indexed files, newest first."""
        with self._reading() as cursor:
            return lists.list_files(cursor, min(limit, ROWS_MAX))

    def quarantine(self, limit: int = ROWS_MAX) -> list[dict[str, Any]]:
        """Refused files, latest first."""
        with self._reading() as cursor:
            return lists.list_quarantine(cursor, min(limit, ROWS_MAX))

    def totals(self) -> dict[str, Any]:
        """What the index holds, in numbers."""
        with self._reading() as cursor:
            return lists.totals(cursor)

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One connection in one transaction: an answer is of one moment, whatever is committed.

        The first statement fixes the moment; what the directory is asked after it covers it.
        """
        with self.guard():
            cursor = self.cursor()
            try:
                cursor.execute("BEGIN TRANSACTION")
                cursor.execute("FROM catalog_facts LIMIT 0").fetchall()
                yield cursor
            finally:
                cursor.close()
