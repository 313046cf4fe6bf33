"""Synchronous questions of HTTP routes, on a bounded pool of threads, each with an end.

A question is told to end when its client has gone or its time is up. Its place is free again once
it has ended, so that questions which do not listen cannot add up to more than the pool has.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from starlette.requests import Request

from indexer.clients.shared.brief_questions import LONG_S, BriefQuestions
from indexer.clients.shared.callers import Caller, caller_of
from indexer.clients.shared.problems import ClientGone
from indexer.clients.shared.time_limits import QUESTION_S
from indexer.errors import QueriesBusy, QueryTimedOut
from indexer.query.deadline import Deadline
from indexer.system.cached_storage import MustWait
from indexer.system.usage import Usage

QUESTIONS_AT_ONCE = 4
"""More wait for each other and keep the writer from its work: on two cores, sixteen clients got as
many answers a second from four threads as from eight, in half the time at the 99th percentile, and
the latest file's attributes were there for half of them instead of for none (measured)."""
QUESTIONS_WAITING = 32
"""What a page of panels asks at once; who comes later is told to come back."""
SOON_S = 0.05
"""Most answers are there by then, and nobody looked whether their client has gone."""
T = TypeVar("T")


class QueryExecutor:
    """The pool."""

    def __init__(
        self, *, at_once: int = QUESTIONS_AT_ONCE, waiting: int = QUESTIONS_WAITING
    ) -> None:
        self._room = at_once + waiting
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="question")
        self._brief = BriefQuestions(self._threads)
        self._look: asyncio.TimerHandle | None = None
        self._lock = threading.Lock()
        self._under_way: dict[Future[Any], Deadline] = {}
        self._stopping = False

    @property
    def usage(self) -> Usage:
        """Questions that are here now, those that wait included, of all that may be."""
        with self._lock:
            return Usage(in_use=len(self._under_way), limit=self._room)

    def close(self) -> None:
        """Tell every question to end, and wait until they have."""
        with self._lock:
            self._stopping = True
            under_way = list(self._under_way.values())
        for deadline in under_way:
            deadline.cancel()
        self._brief.cancel()
        self._threads.shutdown(cancel_futures=True)

    async def ask(
        self,
        request: Request,
        question: Callable[[Deadline], T],
        timeout_s: float = QUESTION_S,
        *,
        is_brief: bool = False,
        at_once: bool = False,
    ) -> T:
        """The answer; one that ``is_brief`` is found after others of its kind mostly.

        ``at_once`` says that the question heeds a deadline that may not wait: where all that it
        needs is at hand, it is answered here, which is quicker than to change threads twice.

        Raises QueriesBusy when there is no place, QueryTimedOut, ClientGone, and what the
        question raises.
        """
        if at_once:
            with suppress(MustWait):
                return self._answer_at_once(question)
        deadline = Deadline(timeout_s)
        job = self._begin(deadline, question, is_brief=is_brief)
        if is_brief:
            self._look_after_brief()
        try:
            return await wait_for_answer(request, asyncio.wrap_future(job), timeout_s)
        finally:
            if not job.done():
                deadline.cancel()

    def _answer_at_once(self, question: Callable[[Deadline], T]) -> T:
        with self._lock:
            self._refuse_without_room()
        return question(Deadline(may_wait=False))

    def _begin(
        self, deadline: Deadline, question: Callable[[Deadline], T], *, is_brief: bool
    ) -> Future[T]:
        with self._lock:
            self._refuse_without_room()
            job = (
                self._brief.submit(partial(question, deadline))
                if is_brief
                else self._threads.submit(question, deadline)
            )
            self._under_way[job] = deadline
        job.add_done_callback(self._ended)
        return job

    def _refuse_without_room(self) -> None:
        if len(self._under_way) >= self._room:
            raise QueriesBusy(f"{self._room} queries are already running or waiting")
        if self._stopping:
            raise QueriesBusy("the service is stopping")

    def _look_after_brief(self) -> None:
        """Look from time to time whether those that wait do so for a long one."""
        if self._look is None and self._brief.are_waiting:
            self._look = asyncio.get_running_loop().call_later(LONG_S, self._looked)

    def _looked(self) -> None:
        self._look = None
        with suppress(RuntimeError):  # the pool is shut down, and has cancelled them
            self._brief.go_on()
        self._look_after_brief()

    def _ended(self, job: Future[Any]) -> None:
        with self._lock:
            del self._under_way[job]


async def ask(
    request: Request,
    question: Callable[[Deadline], T],
    timeout_s: float = QUESTION_S,
    *,
    is_brief: bool = False,
    at_once: bool = False,
) -> T:
    """The answer to a synchronous question, on the pool of whoever asks, or before that.

    Raises QueriesBusy (503), QueryTimedOut (504), ClientGone, and what the question raises.
    """
    executors: Mapping[Caller, QueryExecutor] = request.app.state.executors
    return await executors[caller_of(request.scope)].ask(
        request, question, timeout_s, is_brief=is_brief, at_once=at_once
    )


async def wait_for_answer(request: Request, answer: "asyncio.Future[T]", timeout_s: float) -> T:
    """The answer, which is cancelled when its client has gone or its time is up.

    Raises QueryTimedOut, ClientGone, QueriesBusy for what was cancelled by a stop, and what the
    answer raises.
    """
    try:
        await asyncio.wait({answer}, timeout=min(SOON_S, timeout_s))
        has_gone = not answer.done() and await _goes_first(request, answer, timeout_s - SOON_S)
        if answer.cancelled():
            raise QueriesBusy("the service is stopping")
        if answer.done():
            return answer.result()
        if has_gone:
            raise ClientGone
        raise QueryTimedOut(f"no answer within {timeout_s:g} s")
    finally:
        answer.cancel()  # one that has not begun never does


async def _goes_first(request: Request, answer: "asyncio.Future[Any]", timeout_s: float) -> bool:
    """Whether the client closes the connection before there is an answer, in so long."""
    gone = asyncio.ensure_future(_disconnect(request))
    try:
        first: set[asyncio.Future[Any]] = {answer, gone}
        left_s = max(timeout_s, 0.0)
        await asyncio.wait(first, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        return gone.done()
    finally:
        gone.cancel()


async def _disconnect(request: Request) -> None:
    """Return once the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
