"""The time bounds of a question, as a dependency of routes."""

from typing import Annotated

from fastapi import Query

from indexer.clients.shared.time_texts import BOUND_CHARS_MAX, unix_nano
from indexer.query.window import Window

Bound = Annotated[
    str | None,
    Query(
        max_length=BOUND_CHARS_MAX,
        description="A time of RFC 3339, UTC unless it says otherwise, or nanoseconds since 1970.",
    ),
]


async def window(since: Bound = None, until: Bound = None) -> Window:
    """The bounds of one request. Raises QueryRefused for an invalid time.

    A coroutine, because FastAPI calls a function on another thread: 0.5 ms for nothing.
    """
    return Window(since_unix_nano=unix_nano(since), until_unix_nano=unix_nano(until))
