"""Questions that are over in a millisecond or two, one after the other on a thread of a pool.

Threads that work beside each other in one interpreter take it from each other at every call of the
system: measured, four of them together answer no more than one, in half as much processor time
again. So one thread of the pool answers what is brief, as long as none of it takes longer than it
should, as one does whose file lies on a slow disk: then another thread goes on with the next.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import field
from typing import Any

from indexer.deferred_dataclass import dataclass

LONG_S = 0.02
"""Of a brief question: as long as the first trace of a file takes, whose footer is read."""


@dataclass(slots=True)
class _Turn:
    """One thread that answers them."""

    began_s: float = field(default_factory=time.monotonic)
    """The one it is at."""


class BriefQuestions:
    """Those that wait, and the threads that are at one. For any thread."""

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._turns: list[_Turn] = []
        self._lock = threading.Lock()

    @property
    def are_waiting(self) -> bool:
        """Whether some have not begun."""
        return bool(self._waiting)

    def submit(self, question: Callable[[], Any]) -> "Future[Any]":
        """Its answer to come. Raises RuntimeError once the pool is shut down."""
        job: Future[Any] = Future()
        with self._lock:
            self._waiting.append((job, question))
            if self._turns:
                return job
            turn = self._begin()
        self._threads.submit(self._answer, turn)
        return job

    def go_on(self) -> None:
        """Have another thread answer those that wait, where each that does is at a long one."""
        with self._lock:
            long_since_s = time.monotonic() - LONG_S
            if not self._waiting or any(turn.began_s > long_since_s for turn in self._turns):
                return
            turn = self._begin()
        self._threads.submit(self._answer, turn)

    def cancel(self) -> None:
        """Those that have not begun never do."""
        with self._lock:
            waiting = list(self._waiting)
            self._waiting.clear()
        for job, _ in waiting:
            job.cancel()
            job.set_running_or_notify_cancel()

    def _begin(self) -> _Turn:
        turn = _Turn()
        self._turns.append(turn)
        return turn

    def _answer(self, turn: _Turn) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._turns.remove(turn)
                    return
                job, question = self._waiting.popleft()
                turn.began_s = time.monotonic()
            if not job.set_running_or_notify_cancel():
                continue
            try:
                answer = question()
            except BaseException as error:  # noqa: BLE001 - whoever waits for the answer has it
                job.set_exception(error)
            else:
                job.set_result(answer)
