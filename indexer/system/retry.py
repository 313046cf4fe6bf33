"""When to try again: one growth of pauses, one row of numbers for each cause, one loop.

What waits in its thread uses ``call``. What has other work meanwhile asks its ``Backoff`` how long
to leave the matter alone. Both grow by the same rule, which has an end.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from indexer.deferred_dataclass import dataclass

T = TypeVar("T")

_DOUBLINGS_MAX = 40
"""Twelve days after a second: beyond any limit here, and far from what a float can hold."""
_JITTER = (0.8, 1.2)
"""Those who failed together do not come back together."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double from ``first_s`` to ``most_s`` seconds, each with jitter of a fifth."""

    first_s: float
    most_s: float

    def pause_s(self, failures: int) -> float:
        """Seconds before the next try, after so many failures in a row, from 1 on."""
        doublings = min(max(failures - 1, 0), _DOUBLINGS_MAX)
        return min(self.most_s, self.first_s * 2.0**doublings) * random.uniform(*_JITTER)  # noqa: S311 - jitter


FILE = Backoff(0.5, 60.0)
"""A file that cannot be read now: mostly its writer or its volume is not ready."""
FILE_TRIES_BEFORE_REPORT = 3
"""After so many transient failures a file is shown in quarantine while it is still retried."""
CATALOG = Backoff(1.0, 30.0)
"""Opened again after a commit failed: a disk that was full has room again within a minute."""
POLL = Backoff(1.0, 60.0)
"""A remote service that does not answer, or answers what cannot be used."""
HOT = Backoff(0.5, 30.0)
"""The ingestion service: a restarting one is back after the first pause, and however long it was
dead, its return is noticed within half a minute."""
WATCH = Backoff(0.05, 5.0)
"""File events that ended: where each name is one that the library cannot take, files are found
every five seconds instead of with the next sweep."""
TASK = Backoff(0.1, 30.0)
"""A part of the process that died: the first time at once, then as for the catalog."""
SEND = Backoff(0.5, 15.0)
"""A request to an OTLP address: SDKs begin with a second and double it."""
FLUSH = Backoff(2.0, 60.0)
"""A file that cannot be written: the log keeps what is in it, so there is time."""
CATALOG_BUSY = Backoff(0.05, 1.0)
CATALOG_BUSY_WAIT_S = 10.0
"""A reader that has the catalog open is usually gone within seconds."""
CHECKPOINT = Backoff(0.01, 0.01)
CHECKPOINT_TRIES = 50
"""What is in the way of a checkpoint is another transaction's begin or end."""
AT_ONCE = Backoff(0.0, 0.0)


def call(
    operation: Callable[[], T],
    *,
    on: type[BaseException],
    backoff: Backoff,
    tries: int | None = None,
    lasting_s: float | None = None,
    stopped: Callable[[], bool] = lambda: False,
    before_next: Callable[[], None] = lambda: None,
) -> T:
    """Run it, and again when it raises ``on``, until one of the ends; then that is raised.

    ``tries`` count the first one. ``before_next`` is called once a pause begins.
    """
    began_s, failures = time.monotonic(), 0
    while True:
        try:
            return operation()
        except on:
            failures += 1
            is_late = lasting_s is not None and time.monotonic() - began_s >= lasting_s
            if failures == tries or is_late or stopped():
                raise
        before_next()
        time.sleep(backoff.pause_s(failures))
