"""Where a command's answer comes from: the running worker, or the catalog itself.

Every question has the same answer either way. Questions that need a connection of their own
(SQL, the audit) get a catalog file that nobody writes to.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from indexer.catalog.database import Catalog, unreadable
from indexer.catalog.generations import Generations
from indexer.clients.unix_socket import LocalClient
from indexer.errors import CatalogUnreadable
from indexer.query.answers import ROWS_MAX, Answers
from indexer.query.find.span_query import SpanQuery
from indexer.query.find.trace import trace_text
from indexer.settings import Settings
from indexer.system.storage import LocalStorage


class Source:
    """Answers for one command."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = LocalClient(settings.catalog_pointer)
        self.has_worker = self._client.is_reachable()

    def trace(self, trace_id: str) -> dict[str, Any]:
        """One trace with payload. Raises QueryRefused for an invalid trace ID."""
        asked = trace_text(trace_id)
        if self.has_worker:
            found: dict[str, Any] = self._client.get(f"/traces/{asked}")
            return found
        with self._answers() as answers:
            return answers.trace(asked)

    def spans_with(
        self, key: str, value: str | None, service: str | None, limit: int
    ) -> dict[str, Any]:
        """The newest spans with a promoted attribute. Raises QueryRefused when it is not one."""
        limit = min(limit, ROWS_MAX)
        asked = {"key": key, "value": value, "service": service, "limit": limit}
        if self.has_worker:
            given = {name: one for name, one in asked.items() if one is not None}
            found: dict[str, Any] = self._client.get("/spans", **given)
            return found
        with self._answers() as answers:
            query = SpanQuery(attribute=key, value=value, service=service, limit=limit)
            return answers.spans(query, payload=False)

    def rows(self, name: str, limit: int) -> list[dict[str, Any]]:
        """The list ``files`` or ``quarantine``, at most ``ROWS_MAX`` of it."""
        limit = min(limit, ROWS_MAX)
        if self.has_worker:
            found: list[dict[str, Any]] = self._client.get(f"/{name}", limit=limit)
            return found
        with self._answers() as answers:
            listed: list[dict[str, Any]] = getattr(answers, name)(limit)
            return listed

    def status(self) -> dict[str, Any]:
        """The worker's status, or what the catalog holds while none runs."""
        if self.has_worker:
            found: dict[str, Any] = self._client.get("/status")
            return found
        with self._answers() as answers:
            return {
                "state": "no worker is running",
                "healthy": True,
                "problems": [],
                "storage_root": self._settings.storage_root,
                "catalog": str(self._current()),
                **answers.totals(),
            }

    def still_catalog(self, *, after_sweep: bool = False) -> Path:
        """A catalog file that nobody writes to, as new as now."""
        if not self.has_worker:
            return self._current()
        if after_sweep:
            self._client.post("/sweep")
        return Path(self._client.post("/snapshot")["path"])

    @contextmanager
    def _answers(self) -> Iterator[Answers]:
        catalog = Catalog.open(
            self._current(),
            memory_limit=self._settings.memory_limit,
            threads=self._settings.threads,
            read_only=True,
        )
        try:
            yield Answers(cursor=catalog.cursor, storage=LocalStorage(self._settings.storage_root))
        except duckdb.Error as error:
            raise unreadable(catalog.path, error) from error
        finally:
            catalog.close()

    def _current(self) -> Path:
        current = Generations(self._settings.catalog_pointer).current()
        if current is None:
            raise CatalogUnreadable(
                f"there is no catalog at {self._settings.catalog_pointer} yet",
                hint="Start the worker with `python -m indexer`, or run it with `--once`.",
            )
        return current
