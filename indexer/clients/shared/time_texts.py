"""Times as clients write them."""

from datetime import UTC, datetime, timedelta

from indexer.errors import QueryRefused

BOUND_CHARS_MAX = 64
"""Of a time: twice as long as any."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT64_MAX = 2**63 - 1
_MICROSECOND = timedelta(microseconds=1)


def unix_nano(text: str | None) -> int | None:
    """Nanoseconds since 1970; None stays. Raises QueryRefused for an invalid time."""
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
            f"time {text!r} is out of range", hint="Give a time between 1677 and 2262."
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
