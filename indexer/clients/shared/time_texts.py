"""Times as clients write them."""

import re
import time
from datetime import UTC, datetime, timedelta

from indexer.errors import QueryRefused
from indexer.query.find.cursor_moment import moment_of
from indexer.query.window import Window

BOUND_CHARS_MAX = 64
"""Of a time: twice as long as any."""
TIME_WORDS = (
    "A time of RFC 3339, UTC unless it says otherwise; nanoseconds since 1970; or `90s`, `30m`, "
    "`1h`, `7d` for so long before the first page was asked for."
)
"""For the description of every door that takes one."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT64_MAX = 2**63 - 1
_MICROSECOND = timedelta(microseconds=1)
_BELOW_MICROSECOND = re.compile(r"[.,][0-9]{6}([0-9]{1,3})([0-9]*)", re.ASCII)
"""Digits of a second that ``datetime`` takes and has no room for, and those below a nanosecond."""
_AGO = re.compile(r"([0-9]{1,9})\s?([smhdw])", re.ASCII | re.IGNORECASE)
_SECONDS_PER = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class QuestionTimes:
    """The times of one question: those that are relative count from when it was first asked.

    That is now, or for the next page what its cursor says.
    """

    def __init__(self, cursor: str | None = None) -> None:
        self._first_asked = moment_of(cursor)
        self.counted_from: int | None = None
        """Nanoseconds since 1970; None as long as no time was relative."""

    def unix_nano(self, text: str | None) -> int | None:
        """Nanoseconds since 1970; None stays. Raises QueryRefused for an invalid time."""
        if text is None:
            return None
        ago = _AGO.fullmatch(text.strip())
        nanoseconds = _absolute(text) if ago is None else self._before(*ago.groups())
        if abs(nanoseconds) > _INT64_MAX:
            raise QueryRefused(
                f"time {text!r} is out of range", hint="Give a time between 1677 and 2262."
            )
        return nanoseconds

    def window(self, since: str | None, until: str | None) -> Window:
        """The bounds, which know what they were counted from. Raises QueryRefused."""
        bounds = self.unix_nano(since), self.unix_nano(until)
        return Window(
            since_unix_nano=bounds[0],
            until_unix_nano=bounds[1],
            counted_from_unix_nano=self.counted_from,
        )

    def _before(self, count: str, unit: str) -> int:
        if self.counted_from is None:
            self.counted_from = self._first_asked or time.time_ns()
        return self.counted_from - int(count) * _SECONDS_PER[unit.lower()] * 1_000_000_000


def _absolute(text: str) -> int:
    try:
        return int(text) if _is_number(text) else _of_time(text)
    except (ValueError, OverflowError):
        raise QueryRefused(
            f"invalid time {text!r}",
            hint="Write 2026-11-21T09:00:00Z, 1h for an hour ago, or nanoseconds since 1970.",
        ) from None


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal()


def _of_time(text: str) -> int:
    # A plus sign of an offset arrives as a space when a client forgot to encode it.
    time_given = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
    aware = time_given if time_given.tzinfo is not None else time_given.replace(tzinfo=UTC)
    finer = _BELOW_MICROSECOND.search(text)
    # No span starts within a nanosecond: at or after a time in one is after it, and so is before.
    nanoseconds = 0 if finer is None else int(finer[1].ljust(3, "0")) + bool(finer[2].strip("0"))
    return (aware - _EPOCH) // _MICROSECOND * 1_000 + nanoseconds
