"""The time bounds of a question, as a dependency of routes."""

from typing import Annotated

from fastapi import Query
from starlette.requests import Request

from indexer.clients.shared.time_texts import BOUND_CHARS_MAX, TIME_WORDS, QuestionTimes
from indexer.query.window import Window

Bound = Annotated[str | None, Query(max_length=BOUND_CHARS_MAX, description=TIME_WORDS)]


async def window(request: Request, since: Bound = None, until: Bound = None) -> Window:
    """The bounds of one request. Raises QueryRefused for an invalid time.

    A coroutine, because FastAPI calls a function on another thread: 0.5 ms for nothing.
    """
    return QuestionTimes(request.query_params.get("cursor")).window(since, until)
