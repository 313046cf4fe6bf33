"""Questions of routes to the store: what it reads ends when the client has gone."""

from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request

from indexer.clients.shared import query_executor
from indexer.mastra.interruption import reads_within
from indexer.query.deadline import Deadline

T = TypeVar("T")


async def ask(request: Request, question: Callable[[Deadline], T]) -> T:
    """The answer. Raises like ``query_executor.ask``."""

    def within(deadline: Deadline) -> T:
        with reads_within(deadline.over):
            return question(deadline)

    return await query_executor.ask(request, within)
