"""Many queries share one refresh, and none gets one that began before it asked.

A refresh that is under way may have begun before the caller's spans were acknowledged, so a
caller that arrives meanwhile waits for the next one, together with all others that do.
"""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from indexer.errors import HotUnavailable

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs ``work`` on a thread of its own, one at a time, for whoever waits."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hot")
        self._boarding: Future[T] | None = None
        """Not begun yet: at most one, behind at most one under way."""

    def join(self, timeout_s: float) -> T:
        """The outcome of a run that begins after this call.

        Raises what ``work`` raised, and HotUnavailable when it is not done in time; the run goes
        on for those that come later.
        """
        with self._lock:
            if self._boarding is None:
                self._boarding = self._begin()
            flight = self._boarding
        try:
            return flight.result(timeout_s)
        except CancelledError as error:
            raise HotUnavailable("the hot source is closed") from error
        except TimeoutError as error:
            raise HotUnavailable(f"no hot spans within {timeout_s:g} s") from error

    def close(self) -> None:
        """Wait for the run under way; those who wait for another get HotUnavailable."""
        self._thread.shutdown(cancel_futures=True)

    def _begin(self) -> "Future[T]":
        try:
            return self._thread.submit(self._fly)
        except RuntimeError as error:
            raise HotUnavailable("the hot source is closed") from error

    def _fly(self) -> T:
        with self._lock:
            self._boarding = None
        return self._work()
