"""Readers of a catalog on other threads, and the moment when there must be none.

Closing a DuckDB connection while a cursor of it executes on another thread ends the process with
SIGSEGV (measured on 1.5.5), so whoever closes waits until nobody reads.
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from indexer.errors import CatalogBusy


class ReaderLock:
    """Many may read, or one may close."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._reading = 0
        self._shut = False
        self._read_s = -math.inf

    @property
    def idle_s(self) -> float:
        """Seconds since somebody last read; 0 while somebody does."""
        return 0.0 if self._reading else time.monotonic() - self._read_s

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read. Raises CatalogBusy while the catalog is being closed or opened."""
        with self._changed:
            if self._shut:
                raise CatalogBusy("the catalog is being reopened", hint="Ask again.")
            self._reading += 1
        try:
            yield
        finally:
            with self._changed:
                self._reading -= 1
                self._read_s = time.monotonic()
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Close and open while nobody reads."""
        with self._changed:
            self._shut = True
            self._changed.wait_for(lambda: not self._reading)
        try:
            yield
        finally:
            with self._changed:
                self._shut = False
