"""Threads that the calls of an asynchronous store run on: one that writes, and some that read."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

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
        """Run the call beside up to three others."""
        return await _run(self._readers, call, *args, **kwargs)

    def end(self) -> None:
        """Wait until all calls in hand are over."""
        old = (self._writer, self._readers)
        self._renew()
        for pool in old:
            pool.shutdown(wait=True)

    def _renew(self) -> None:
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="mastra-write")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="mastra-read")


async def _run(
    pool: ThreadPoolExecutor, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(pool, lambda: call(*args, **kwargs))
