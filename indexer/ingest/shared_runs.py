"""Callers who want the same work done share a run of it, and none gets one that began too early.

A run under way may have begun before a caller's spans were acknowledged, so whoever comes
meanwhile waits for the next one, together with all others that do.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from indexer.errors import WalBusy

T = TypeVar("T")


class SharedRuns(Generic[T]):
    """Runs ``work`` in the callers' threads, one run at a time, for a bounded number of callers."""

    def __init__(self, work: Callable[[], T], *, name: str, callers_max: int) -> None:
        self._work = work
        self._name = name
        self._callers_max = callers_max
        self._callers = 0
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._next: Future[T] | None = None
        """Not begun yet: at most one, behind at most one under way."""

    def join(self) -> T:
        """The outcome of a run that begins after this call. Raises what it raised, and WalBusy."""
        run, begins = self._enter()
        try:
            if begins:
                self._begin(run)
            return run.result()
        finally:
            with self._lock:
                self._callers -= 1

    def _enter(self) -> "tuple[Future[T], bool]":
        """The next run, and whether this caller begins it."""
        with self._lock:
            if self._callers >= self._callers_max:
                raise WalBusy(f"{self._callers} calls of {self._name} are already running")
            self._callers += 1
            begins = self._next is None
            run = self._next = self._next or Future()
            return run, begins

    def _begin(self, run: "Future[T]") -> None:
        with self._turn:
            with self._lock:
                self._next = None
            try:
                run.set_result(self._work())
            except BaseException as error:  # noqa: BLE001 - every caller of the run gets it
                run.set_exception(error)
