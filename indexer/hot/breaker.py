"""Leave a dead service alone for a while: a query must not pay for finding out again. Pure."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from indexer.errors import HotUnavailable
from indexer.system.clock import Clock

BACKOFF_S = 0.5
"""After the first failure: a restarting service is back about then."""
BACKOFF_MAX_S = 30.0
"""However long it is dead, its return is noticed within half a minute."""
_DOUBLINGS_MAX = 20


def hot_backoff_s(failures: int) -> float:
    """Seconds before the service is asked again after so many failures in a row, with jitter."""
    doubled = BACKOFF_S * 2.0 ** min(failures - 1, _DOUBLINGS_MAX)
    return min(BACKOFF_MAX_S, doubled) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter


class Breaker:
    """Closed while calls succeed, open after a failure, half open for one probe after a backoff."""

    def __init__(self, clock: Clock, backoff_s: Callable[[int], float] = hot_backoff_s) -> None:
        self._clock = clock
        self._backoff_s = backoff_s
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
        """Raises HotUnavailable at once while the service is left alone, or is being probed."""
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
            raise HotUnavailable(f"the ingestion service is left alone for now: {self._reason}")

    def _failed(self, reason: str) -> None:
        with self._lock:
            self._failures += 1
            self._reason = reason
            self._closed_from = self._clock.monotonic_s() + self._backoff_s(self._failures)
