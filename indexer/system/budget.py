"""Bytes that many requests hold at once, below one limit: a reservation is given or refused."""

import threading
from types import TracebackType
from typing import Self

from indexer.errors import BodiesBusy, TransientError
from indexer.system.usage import Usage

SMALL_BYTES = 1 << 20
"""A request up to this size may use the part of the budget that larger ones may not."""
SMALL_SHARE = 8
"""One eighth is kept for small requests, so that large ones cannot shut them out."""


class ByteBudget:
    """A number of bytes; safe to use from any thread."""

    def __init__(self, limit_bytes: int, *, busy: type[TransientError] = BodiesBusy) -> None:
        """``busy`` is what is raised when there is no room."""
        self.limit_bytes = limit_bytes
        self._busy = busy
        self._large_bytes_max = limit_bytes - limit_bytes // SMALL_SHARE
        self._lock = threading.Lock()
        self._held_bytes = 0

    @property
    def held_bytes(self) -> int:
        """What is reserved now."""
        with self._lock:
            return self._held_bytes

    @property
    def usage(self) -> Usage:
        """Bytes that are reserved, of all."""
        return Usage(in_use=self.held_bytes, limit=self.limit_bytes)

    def reservation(self) -> "Reservation":
        """An empty reservation of one request."""
        return Reservation(self)

    def _take(self, more: int, held: int) -> None:
        limit = self.limit_bytes if held + more <= SMALL_BYTES else self._large_bytes_max
        with self._lock:
            if self._held_bytes + more > limit:
                raise self._busy(
                    f"others already hold {self._held_bytes} bytes, limit {self.limit_bytes}"
                )
            self._held_bytes += more

    def _give_back(self, held: int) -> None:
        with self._lock:
            self._held_bytes -= held


class Reservation:
    """What one request holds; given back at the end of its ``with``."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self.held_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._budget._give_back(self.held_bytes)  # noqa: SLF001 - two classes of one rule
        self.held_bytes = 0

    def grow(self, more_bytes: int) -> None:
        """Hold so many bytes more. Raises what the budget raises when it has no room."""
        self._budget._take(more_bytes, self.held_bytes)  # noqa: SLF001 - as above
        self.held_bytes += more_bytes
