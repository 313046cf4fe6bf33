"""Synchronous questions of HTTP routes, on a bounded pool of threads, each with an end.

A question is told to end when its client has gone or its time is up. Its place is free again once
it has ended, so that questions which do not listen cannot add up to more than the pool has.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

from starlette.requests import Request

from indexer.errors import QueriesBusy, QueryTimedOut
from indexer.serve.problems import ClientGone

QUESTIONS_AT_ONCE = 8
"""DuckDB works with its own threads; these wait for it, and hold an answer's memory each."""
QUESTIONS_WAITING = 32
"""What a page of panels asks at once; who comes later is told to come back."""
QUESTION_S = 30.0
"""As long as people and proxies wait for a page."""


class Cancellable(Protocol):
    """What a question looks at while it works."""

    def cancel(self) -> None:
        """End the question soon. From any thread, more than once, and after its end too."""
        ...


T = TypeVar("T")
C = TypeVar("C", bound=Cancellable)


class Asked:
    """The least that can be told to a question: that nobody wants its answer any more."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._over = threading.Event()

    def cancel(self) -> None:
        """The answer is not wanted."""
        self._over.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether the answer is still wanted."""
        return self._over.is_set()


class Asking(Generic[C]):
    """The pool. ``token`` makes what a question is given, from its limit in seconds."""

    def __init__(
        self,
        token: Callable[[float], C],
        *,
        at_once: int = QUESTIONS_AT_ONCE,
        waiting: int = QUESTIONS_WAITING,
    ) -> None:
        self._token = token
        self._room = at_once + waiting
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="question")
        self._lock = threading.Lock()
        self._under_way: dict[Future[Any], C] = {}
        self._stopping = False

    def close(self) -> None:
        """Tell every question to end, and wait until they have."""
        with self._lock:
            self._stopping = True
            tokens = list(self._under_way.values())
        for token in tokens:
            token.cancel()
        self._threads.shutdown(cancel_futures=True)

    async def ask(
        self, request: Request, question: Callable[[C], T], timeout_s: float = QUESTION_S
    ) -> T:
        """The answer.

        Raises QueriesBusy when there is no place, QueryTimedOut, ClientGone, and what the
        question raises.
        """
        token = self._token(timeout_s)
        answer = asyncio.wrap_future(self._begin(token, question))
        gone = asyncio.ensure_future(_disconnect(request))
        try:
            first: set[asyncio.Future[Any]] = {answer, gone}
            await asyncio.wait(first, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if answer.cancelled():
                raise QueriesBusy("the service is stopping")
            if answer.done():
                return answer.result()
            if gone.done():
                raise ClientGone
            raise QueryTimedOut(f"no answer within {timeout_s:g} s")
        finally:
            gone.cancel()
            if not answer.done():
                answer.cancel()  # one that has not begun never does
                token.cancel()

    def _begin(self, token: C, question: Callable[[C], T]) -> Future[T]:
        with self._lock:
            if len(self._under_way) >= self._room:
                raise QueriesBusy(f"{self._room} questions are being answered or wait")
            if self._stopping:
                raise QueriesBusy("the service is stopping")
            job = self._threads.submit(question, token)
            self._under_way[job] = token
        job.add_done_callback(self._ended)
        return job

    def _ended(self, job: Future[Any]) -> None:
        with self._lock:
            del self._under_way[job]


async def ask(request: Request, question: Callable[[Any], T], timeout_s: float = QUESTION_S) -> T:
    """The answer to a synchronous question, on the pool of the request's application.

    Raises QueriesBusy (503), QueryTimedOut (504), ClientGone, and what the question raises.
    """
    asking: Asking[Any] = request.app.state.asking
    return await asking.ask(request, question, timeout_s)


async def _disconnect(request: Request) -> None:
    """Return once the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
