"""What the worker owns beside its memory: looked at every second, because others may delete it.

A lock file that was deleted lets a second indexer in, and a pointer that leads nowhere keeps
readers out: both are made again. A catalog whose files are gone cannot be: the worker says so.
"""

import asyncio
from contextlib import suppress

from indexer.catalog.owner_lock import CatalogLock
from indexer.run.open_index import OpenIndex
from indexer.telemetry.log import CATALOG_DELETED, LOCK_MADE_AGAIN, POINTER_MADE_AGAIN, log

LOOK_EVERY_S = 1.0
"""Three questions to the file system."""


class OwnershipWatch:
    """Keeps lock and pointer where others meet them."""

    def __init__(self, index: OpenIndex, lock: CatalogLock, stop: asyncio.Event) -> None:
        self._index = index
        self._lock = lock
        self._stop = stop

    async def run(self) -> None:
        """Look until ``stop``. Raises CatalogOwned when another process has taken the catalog."""
        while not self._stop.is_set():
            self.look()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), LOOK_EVERY_S)

    def look(self) -> None:
        """One look. Raises CatalogOwned."""
        if self._lock.keep():
            log(LOCK_MADE_AGAIN, "the lock file of the catalog was deleted, and is made again")
        if self._index.deleted:
            return
        if self._index.notice_deletion():
            log(CATALOG_DELETED, self._index.deleted)
        elif self._index.keep_pointer():
            log(POINTER_MADE_AGAIN, "the link to the catalog was deleted, and is made again")
