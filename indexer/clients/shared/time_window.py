"""The time bounds of a question, as clients write them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query

from indexer.errors import QueryRefused
from indexer.query.window import Window

_CHARS_MAX = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT64_MAX = 2**63 - 1
_MICROSECOND = timedelta(microseconds=1)


Bound = Annotated[
    str | None,
    Query(
        max_length=_CHARS_MAX,
        description="A time of RFC 3339, UTC unless it says otherwise, or nanoseconds since 1970.",
    ),
]


async def window(since: Bound = None, until: Bound = None) -> Window:
    """The bounds of one request. Raises QueryRefused for an invalid time.

    A coroutine, because FastAPI calls a function on another thread: 0.5 ms for nothing.
    """
    return Window(since_unix_nano=_unix_nano(since), until_unix_nano=_unix_nano(until))


def _unix_nano(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        nanoseconds = int(text) if _is_number(text) else _of_time(text)
    except (ValueError, OverflowError):
        raise QueryRefused(
            f"invalid time {text!r}", hint="Write 2026-11-21T09:00:00Z, or nanoseconds since 1970."
        ) from None
    if abs(nanoseconds) > _INT64_MAX:
        raise QueryRefused(
            f"{text!r} is beyond 64 bits of nanoseconds", hint="That is 1677 to 2262."
        )
    return nanoseconds


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal()


def _of_time(text: str) -> int:
    # A plus sign of an offset arrives as a space when a client forgot to encode it.
    time = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
    aware = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND * 1_000
