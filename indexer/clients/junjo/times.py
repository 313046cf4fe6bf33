"""Times as Junjo's front ends read them, and those of events as they are sent. Pure."""

import re
from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from functools import lru_cache
from typing import Any

TIME = "[0-9]{1,20}"
TIME_MAX = 2**64 - 1
"""An event's time is an unsigned number of 64 bits, in nanoseconds; anything else is not a time."""
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - in UTC, which is written as Z
_YEAR_DIGITS = 4
_CYCLE_DAYS, _CYCLE_YEARS = 146_097, 400
"""After so many days the Gregorian calendar repeats itself."""
_DAY_S, _SECOND_US = 86_400, 1_000_000


def iso_time(unix_nano: int) -> str:
    """ISO 8601 in UTC with microseconds and ``Z``, cut towards 1970 as the catalog's times are.

    Front ends up to 0.61 take the digits of an offset for decimals.

    Years before 1 and after 9999 have a sign and six digits, as ECMAScript writes them.
    """
    micros = unix_nano // 1_000 if unix_nano >= 0 else -(-unix_nano // 1_000)
    seconds, micros = divmod(micros, _SECOND_US)
    return f"{_iso_second(seconds)}.{micros:06}Z"


@lru_cache(maxsize=4_096)
def _iso_second(unix_s: int) -> str:
    """The spans of a trace begin and end in a few seconds."""
    days, seconds = divmod(unix_s, _DAY_S)
    cycles, days = divmod(days, _CYCLE_DAYS)
    inside = _EPOCH + timedelta(days=days, seconds=seconds)
    text = inside.isoformat()
    year = inside.year + cycles * _CYCLE_YEARS
    if not cycles:
        return text
    written = f"{year:04}" if MINYEAR <= year <= MAXYEAR else f"{year:+07}"
    return f"{written}{text[_YEAR_DIGITS:]}"


def event_time(event: Mapping[str, Any]) -> int | None:
    """Nanoseconds since 1970; None for what is not a time."""
    text = str(event.get("timeUnixNano"))
    if not re.fullmatch(TIME, text, re.ASCII) or int(text) > TIME_MAX:
        return None
    return int(text)
