"""File events of the storage as hints for the index loop; without them its sweep goes on alone.

A watch that ends is set up again. While the root cannot be watched that is a problem of the
worker, logged when it begins, when its reason changes and when it is over.
"""

import asyncio
from contextlib import suppress
from typing import Protocol

from indexer.discover.watch import WatchEnded, hints
from indexer.system import retry
from indexer.system.clock import Clock
from indexer.telemetry.log import WATCH_FAILED, WATCH_RESTARTED, WATCH_RESUMED, log
from indexer.telemetry.log_rate import Occurrences

ROOT_RETRY_S = 1.0
"""So often a missing root is looked for: a volume comes back at once, and a look is cheap."""
CALM_S = 30.0
"""A watch that has stood so long ended by accident: the next one is set up without a pause."""


class Listener(Protocol):
    """Who follows the hints."""

    def hint(self, paths: set[str]) -> None:
        """Absolute paths where something may have happened."""
        ...

    def sweep_soon(self) -> None:
        """Anything may have happened."""
        ...


class FileEvents:
    """The watch over one storage root, set up again whenever it ends."""

    def __init__(self, root: str, listener: Listener, clock: Clock, stop: asyncio.Event) -> None:
        self._root = root
        self._listener = listener
        self._clock = clock
        self._stop = stop
        self._failures = 0
        self._restarts = Occurrences()
        self.is_watching = False
        """Whether events arrive."""
        self.problem = ""
        """Why the root cannot be watched; empty when it can."""

    async def run(self) -> None:
        """Turn events into hints until ``stop``."""
        while not self._stop.is_set():
            began_s = self._clock.monotonic_s()
            try:
                await self._follow()
                pause_s = 0.0  # the root is another folder now
            except WatchEnded as error:
                pause_s = self._ended(str(error), self._clock.monotonic_s() - began_s)
            except OSError as error:
                self._fail(f"no file events: {error.strerror or error}: {self._root}")
                pause_s = ROOT_RETRY_S
            self.is_watching = False
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause_s)

    async def _follow(self) -> None:
        async for paths in hints(self._root, self._stop):
            if not self.is_watching:  # watch first, then list: nothing falls between
                self.is_watching = True
                self._resume()
                self._listener.sweep_soon()
            if paths:
                self._listener.hint(paths)

    def _ended(self, reason: str, stood_s: float) -> float:
        """Seconds until the next watch: the more, the sooner they end."""
        self._failures = 1 if stood_s > CALM_S else self._failures + 1
        count = self._restarts.due("watch")
        if count:
            log(WATCH_RESTARTED, f"the watch for file events begins anew: {reason}", times=count)
        return retry.WATCH.pause_s(self._failures)

    def _fail(self, problem: str) -> None:
        if problem != self.problem:
            log(WATCH_FAILED, problem)
        self.problem = problem

    def _resume(self) -> None:
        if self.problem:
            log(WATCH_RESUMED, f"file events of {self._root} arrive again")
        self.problem = ""
