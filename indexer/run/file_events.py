"""File events of the storage as hints for the index loop; without them its sweep goes on alone."""

import asyncio
from contextlib import suppress

from indexer.discover.watch import hints
from indexer.run.index_loop import IndexLoop
from indexer.settings import Settings
from indexer.telemetry.log import WATCH_FAILED, log

WATCH_RETRY_S = 1.0


class FileEvents:
    """The watch over one storage root, set up again whenever it ends."""

    def __init__(self, settings: Settings, loop: IndexLoop, stop: asyncio.Event) -> None:
        self._settings = settings
        self._loop = loop
        self._stop = stop
        self.is_watching = False
        """Whether events arrive."""

    async def run(self) -> None:
        """Turn events into hints until ``stop``."""
        while not self._stop.is_set():
            try:
                await self._follow()
            except (OSError, RuntimeError) as error:
                every_s = self._settings.poll_interval_s
                log(WATCH_FAILED, f"no file events: {error}; sweeping every {every_s:g} s")
            self.is_watching = False
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), WATCH_RETRY_S)

    async def _follow(self) -> None:
        async for paths in hints(self._settings.storage_root, self._stop):
            if not self.is_watching:  # watch first, then list: nothing falls between
                self.is_watching = True
                self._loop.sweep_soon()
            if paths:
                self._loop.hint(paths)
