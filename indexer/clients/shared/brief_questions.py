"""Questions that are over in a millisecond or two, one after the other on a thread of a pool.

Threads that work beside each other in one interpreter take it from each other at every call of the
system: measured, four of them together answer no more than one, in half as much processor time
again. So one thread of the pool answers what is brief, as long as none of it takes longer than it
should, as one does whose file lies on a slow disk: then another thread goes on with the next.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from indexer.deferred_dataclass import dataclass

LONG_S = 0.02
"""Of a brief question: as long as the first trace of a file takes, whose footer is read."""


@dataclass(slots=True, eq=False)
class _Turn:
    """One thread that answers them."""

    began_s: float = math.inf
    """The one it is at; of a thread that is still to come, later than any."""


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
            if not self._waiting or self._at_brief_ones():
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

    @property
    def turns(self) -> int:
        """Threads that are at one."""
        return len(self._turns)

    def _at_brief_ones(self) -> list[_Turn]:
        """Threads that are at no long question, or still to come."""
        since_s = time.monotonic() - LONG_S
        return [turn for turn in self._turns if turn.began_s > since_s]

    def _is_needed(self, turn: _Turn) -> bool:
        """Whether no other thread goes on with the questions that wait."""
        others = (one for one in self._at_brief_ones() if one is not turn)
        return bool(self._waiting) and not any(one.began_s < math.inf for one in others)

    def _begin(self) -> _Turn:
        turn = _Turn()
        self._turns.append(turn)
        return turn

    def _answer(self, turn: _Turn) -> None:
        """Until there is none, or another thread goes on with them."""
        while True:
            with self._lock:
                if not self._is_needed(turn):
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
