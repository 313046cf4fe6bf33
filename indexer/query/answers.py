"""The questions that commands and dashboards ask, over one source of connections.

The worker answers them beside its writer; a command answers them itself when no worker runs.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import duckdb

from indexer.query import attributes, lists
from indexer.query.tiers import AskHot, consult, whole_roots, whole_services, whole_trace
from indexer.query.traces import find_trace, trace_words
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
    pending: Callable[[], int | None] = lambda: None
    """Files that were seen and are not in the index yet; None where nobody watches."""
    hot: AskHot | None = None
    """Asks for the spans that are in no indexed file yet."""
    guard: Callable[[], AbstractContextManager[None]] = nullcontext
    """Held while something is read: the catalog is not closed meanwhile."""

    def trace(self, trace_id: str) -> dict[str, Any]:
        """One trace with its payload. Raises QueryRefused for what is no trace id."""
        trace_words(trace_id)
        hot = consult(self.hot)
        with self.reading() as cursor:
            cold = find_trace(cursor, self.storage, trace_id, directory=self.directory())
            answer = whole_trace(cursor, self.storage, cold, hot)
            return {
                **answer,
                "files_pending": self.pending(),
                "files_quarantined": lists.count_quarantined(cursor),
            }

    def services(self) -> list[dict[str, Any]]:
        """Every service."""
        hot = consult(self.hot)
        with self.reading() as cursor:
            return whole_services(cursor, self.storage, lists.list_services(cursor), hot)

    def latest_roots(self, service: str, limit: int = 100) -> list[dict[str, Any]]:
        """The newest root spans of a service."""
        hot = consult(self.hot)
        limit = min(limit, ROWS_MAX)
        with self.reading() as cursor:
            cold = lists.latest_roots(cursor, service, limit)
            return whole_roots(cursor, self.storage, cold, hot, service, limit)

    def spans_with(
        self, key: str, value: str | None = None, service: str | None = None, limit: int = 100
    ) -> dict[str, Any]:
        """The newest spans with a promoted attribute. Raises QueryRefused when it is not one."""
        with self.reading() as cursor:
            return attributes.spans_with(
                cursor, key, value=value, service=service, limit=min(limit, ROWS_MAX)
            )

    def files(self, limit: int = ROWS_MAX) -> list[dict[str, Any]]:
        """Indexed files, newest first."""
        with self.reading() as cursor:
            return lists.list_files(cursor, min(limit, ROWS_MAX))

    def quarantine(self, limit: int = ROWS_MAX) -> list[dict[str, Any]]:
        """Refused files, latest first."""
        with self.reading() as cursor:
            return lists.list_quarantine(cursor, min(limit, ROWS_MAX))

    def totals(self) -> dict[str, Any]:
        """What the index holds, in numbers."""
        with self.reading() as cursor:
            return lists.totals(cursor)

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
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
