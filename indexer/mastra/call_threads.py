"""Threads that the calls of an asynchronous store run on: one that writes, and some that read."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from indexer.mastra.interruption import reads_within
from indexer.system.duckdb_interruption import Interruption

P = ParamSpec("P")
T = TypeVar("T")

_AGAIN_S = 0.05
READERS = 4
"""Reads at once; more wait. Writes are one after another, in the order of their calls."""


class CallThreads:
    """Made when a call needs them, and gone after ``end``; the next call makes new ones."""

    def __init__(self) -> None:
        self._renew()

    async def write(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the call after all writes before it."""
        return await _run(self._writer, call, *args, **kwargs)

    async def read(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the call beside up to three others; one that is cancelled ends what it reads."""
        interruption = Interruption()

        def read() -> T:
            with reads_within(interruption.over):
                return call(*args, **kwargs)

        job = self._readers.submit(read)
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            _interrupt(interruption, job)
            raise

    def end(self) -> None:
        """Wait until all calls in hand are over."""
        old = (self._writer, self._readers)
        self._renew()
        for pool in old:
            pool.shutdown(wait=True)

    def _renew(self) -> None:
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="mastra-write")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="mastra-read")


def _interrupt(interruption: Interruption, job: Future[T]) -> None:
    """Until it is over: an interruption does not reach a statement that begins just then."""
    if not job.done():
        interruption.cancel()
        asyncio.get_running_loop().call_later(_AGAIN_S, _interrupt, interruption, job)


async def _run(
    pool: ThreadPoolExecutor, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(pool, lambda: call(*args, **kwargs))
