"""Whether the index thread still comes round: it says what it begins, and anybody may ask.

A thread that waits for a disk, a network volume or a lock for ever looks like one with nothing to
do from outside. This tells the two apart.
"""

import asyncio
import threading
from contextlib import suppress

from indexer.system.clock import Clock
from indexer.telemetry.log import INDEX_RESUMED, INDEX_STALLED, log

LOOK_EVERY_S = 5.0
"""For the log; whoever asks for the status is told at once."""


class Heartbeat:
    """What one thread is busy with, and since when."""

    def __init__(self, clock: Clock, *, stalled_after_s: float) -> None:
        """``stalled_after_s`` is how long one piece of work may take."""
        self._clock = clock
        self._stalled_after_s = stalled_after_s
        self._lock = threading.Lock()
        self._work = ""
        self._began_s = 0.0

    def begin(self, work: str) -> None:
        """The thread begins with something, or goes on with it."""
        with self._lock:
            self._work, self._began_s = work, self._clock.monotonic_s()

    def rest(self) -> None:
        """The thread has nothing to do."""
        self.begin("")

    @property
    def problem(self) -> str:
        """What the thread has been at for too long; empty when it is not."""
        with self._lock:
            work, lasts_s = self._work, self._clock.monotonic_s() - self._began_s
        if not work or lasts_s < self._stalled_after_s:
            return ""
        return f"the index thread has not come round for {lasts_s:.0f} s; it began: {work}"

    async def watch(self, stop: asyncio.Event) -> None:
        """Log when the thread has stalled and when it comes round again, until ``stop``."""
        stalled = False
        while not stop.is_set():
            problem = self.problem
            if bool(problem) != stalled:
                stalled = not stalled
                if stalled:
                    log(INDEX_STALLED, problem)
                else:
                    log(INDEX_RESUMED, "the index thread comes round again")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_EVERY_S)
