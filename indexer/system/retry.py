"""When to try again, by kind of error, and nowhere else."""

import random
from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential_jitter,
)
from tenacity.stop import stop_base

from indexer.errors import CatalogBusy

T = TypeVar("T")

FILE_BACKOFF_S = 0.5
FILE_BACKOFF_MAX_S = 60.0
FILE_TRIES_BEFORE_REPORT = 3
"""After so many transient failures a file is shown in quarantine while it is still retried."""
CATALOG_BACKOFF_MAX_S = 30.0
POLL_BACKOFF_MAX_S = 60.0
CATALOG_BUSY_WAIT_S = 10.0
"""A reader that has the catalog open is usually gone within seconds."""


def file_backoff_s(tries: int) -> float:
    """Seconds before the next try of a file that failed ``tries`` times, with jitter."""
    return _backoff_s(tries, FILE_BACKOFF_S, FILE_BACKOFF_MAX_S)


def catalog_backoff_s(tries: int) -> float:
    """Seconds before the catalog is opened again after ``tries`` failed commits."""
    return _backoff_s(tries, 1.0, CATALOG_BACKOFF_MAX_S)


def poll_backoff_s(tries: int) -> float:
    """Seconds before a remote service is asked again after ``tries`` failed batches."""
    return _backoff_s(tries, 1.0, POLL_BACKOFF_MAX_S)


def when_not_busy(operation: Callable[[], T], stopped: Callable[[], bool]) -> T:
    """Run it, and again while another process has the catalog open.

    For up to ten seconds, or until ``stopped``; then CatalogBusy is raised.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(CatalogBusy),
        wait=wait_exponential_jitter(multiplier=0.05, max=1.0, jitter=0.1),
        stop=_Stopped(stopped) | stop_after_delay(CATALOG_BUSY_WAIT_S),
        reraise=True,
    )
    return retrying(operation)


class _Stopped(stop_base):
    """A stop condition that somebody else decides."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self._stopped = stopped

    def __call__(self, retry_state: RetryCallState) -> bool:  # noqa: ARG002 - tenacity's
        return self._stopped()


def _backoff_s(tries: int, first: float, most: float) -> float:
    return min(most, first * 2.0 ** min(tries, 20)) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
