"""A circuit breaker: after a failure the service is not asked for a while. Pure.

A query must not pay for finding out again that the service is down.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from indexer.errors import HotUnavailable
from indexer.system import retry
from indexer.system.clock import Clock


class Breaker:
    """Closed while calls succeed, open after a failure, half open for one probe after a backoff."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._reason = ""
        self._closed_from = 0.0
        self._probing = False

    @property
    def failures(self) -> int:
        """Failures since the last success."""
        return self._failures

    def refuse_when_open(self) -> None:
        """Raises HotUnavailable at once while the circuit is open, or a probe is under way."""
        with self._lock:
            self._refuse()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One call to the service. Raises HotUnavailable instead of entering when open.

        HotUnavailable raised inside is a failure; what else is raised says nothing of the service.
        """
        with self._lock:
            self._refuse()
            self._probing = self._failures > 0
        try:
            yield
        except HotUnavailable as error:
            self._failed(error.message)
            raise
        else:
            with self._lock:
                self._failures = 0
        finally:
            with self._lock:
                self._probing = False

    def _refuse(self) -> None:
        if not self._failures:
            return
        left_s = self._closed_from - self._clock.monotonic_s()
        if left_s > 0 or self._probing:
            raise HotUnavailable(f"the ingestion service is not asked again yet: {self._reason}")

    def _failed(self, reason: str) -> None:
        with self._lock:
            self._failures += 1
            self._reason = reason
            self._closed_from = self._clock.monotonic_s() + retry.HOT.pause_s(self._failures)
