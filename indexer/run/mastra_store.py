"""The worker's Mastra store: open while it serves, cut to what it may keep, closed at the end."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from indexer.clients.mastra.door import BODIES_BYTES_MAX, MastraDoor
from indexer.mastra.otel_view import OtelSpans
from indexer.mastra.sync_store import SyncDuckDBStore
from indexer.query.answers import Answers
from indexer.settings import Settings
from indexer.system.budget import ByteBudget

PRUNE_EVERY_S = 600.0
"""What comes within ten minutes is little beside what a store keeps; to look costs one scan."""


class MastraStore:
    """One store, as the settings describe it."""

    def __init__(self, settings: Settings, answers: Callable[[], Answers] | None = None) -> None:
        """``answers`` are over the index, and have what came over OTLP."""
        self._settings = settings
        self._store = SyncDuckDBStore(
            Path(settings.mastra_path).absolute(),
            memory_limit=settings.mastra_memory_limit,
        )
        self.door = MastraDoor(
            store=self._store, bodies=ByteBudget(BODIES_BYTES_MAX), answers=answers
        )
        """What the routes of clients need of it."""
        self.otel_spans = OtelSpans(lambda: self._store.database)
        """Its spans for those who look for spans of any origin."""

    def open(self) -> None:
        """Open it. Raises CatalogBusy, CatalogUnreadable, CatalogTooNew or OSError."""
        self._store.init()

    def close(self) -> None:
        """Close it; requests have to be over."""
        self._store.close()

    async def prune_until(self, stop: asyncio.Event) -> None:
        """Delete what is too old or too much, now and then. Raises CatalogWriteFailed."""
        while not stop.is_set():
            await asyncio.to_thread(self._prune)
            try:
                await asyncio.wait_for(stop.wait(), PRUNE_EVERY_S)
            except TimeoutError:
                continue

    def _prune(self) -> None:
        settings = self._settings
        self._store.observability.prune(
            max_age=timedelta(seconds=settings.mastra_max_age_s),
            max_bytes=settings.bytes_of("mastra_bytes_max"),
            signals_max_bytes=settings.bytes_of("mastra_signals_bytes_max"),
        )
