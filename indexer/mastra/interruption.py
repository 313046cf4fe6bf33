"""Reads that end when nobody waits for them any more: who waits says how they are interrupted."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

import duckdb

Over = Callable[[duckdb.DuckDBPyConnection], AbstractContextManager[None]]
"""Entered while statements of a connection run, which may be interrupted meanwhile."""

_OVER: ContextVar[Over] = ContextVar("mastra_reads", default=lambda _: nullcontext())


@contextmanager
def reads_within(over: Over) -> Iterator[None]:
    """Reads of this thread are inside ``over`` meanwhile."""
    token = _OVER.set(over)
    try:
        yield
    finally:
        _OVER.reset(token)


def interruptible(connection: duckdb.DuckDBPyConnection) -> AbstractContextManager[None]:
    """Around the statements of one read."""
    return _OVER.get()(connection)
