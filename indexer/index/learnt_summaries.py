"""What searches learn of files, on its way to the one thread that writes the catalog.

Searches run on any thread and never wait for the writer: what it cannot take in time is dropped,
and learnt again when somebody asks again.
"""

import threading
from collections.abc import Callable

from indexer.catalog.files import FileRegister
from indexer.spans.key_summary import FileKeySummary
from indexer.system.clock import Clock

QUEUE_BYTES_MAX = 4 << 20
"""Of what waits: a hundred of the largest filters, or some 40,000 files without the key."""
WAIT_S = 0.5
"""So long the first one waits for more: they are one transaction."""


class LearntSummaries:
    """A bounded queue from all searches to the index thread."""

    def __init__(self, clock: Clock, bytes_max: int) -> None:
        """The catalog keeps about ``bytes_max``; with 0 nothing is taken or left."""
        self._clock = clock
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._waiting: list[FileKeySummary] = []
        self._waiting_bytes = 0
        self._due_s: float | None = clock.monotonic_s()
        self.notify: Callable[[], None] = lambda: None
        """Called, on the thread of a search, when something is waiting that was not."""

    def put(self, learnt: FileKeySummary) -> None:
        """From any thread; dropped where there is no room for it."""
        if not self._bytes_max:
            return
        with self._lock:
            if self._waiting_bytes + learnt.size_bytes > QUEUE_BYTES_MAX:
                return
            is_first = not self._waiting
            self._waiting.append(learnt)
            self._waiting_bytes += learnt.size_bytes
            if is_first:
                self._due_s = self._clock.monotonic_s() + WAIT_S
        if is_first:
            self.notify()

    def next_due_s(self) -> float | None:
        """Monotonic time at which there is something to record; None when there is nothing.

        At first there is: the catalog may keep more than it is to keep now.
        """
        return self._due_s

    def step(self, register: FileRegister) -> None:
        """Record what is due. On the index thread. Raises CatalogWriteFailed."""
        if self._due_s is not None and self._due_s <= self._clock.monotonic_s():
            self.record(register)

    def record(self, register: FileRegister) -> None:
        """Record all that waits. On the index thread. Raises CatalogWriteFailed."""
        with self._lock:
            taken, self._waiting = self._waiting, []
            self._waiting_bytes, self._due_s = 0, None
        register.record_key_summaries(taken, self._bytes_max)
