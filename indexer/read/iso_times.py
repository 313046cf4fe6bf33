"""Times that are text with a date, a clock and a zone (ISO 8601), as nanoseconds. Pure."""

import datetime as dt
import re

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:(Z)|([+-]\d\d:?\d\d))", re.ASCII
)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LENGTH_MAX = 40
_SECOND_NS, _FRACTION_DIGITS = 1_000_000_000, 9


def iso_nanos(text: str) -> int | None:
    """Since 1970; None for any other text, and for a time without a zone."""
    match = _TIME.fullmatch(text) if len(text) <= _LENGTH_MAX else None
    if match is None:
        return None
    clock, fraction, _, offset = match.groups()
    try:
        time = dt.datetime.fromisoformat(clock + (offset or "+00:00"))
    except ValueError:
        return None
    seconds = (time - _EPOCH) // dt.timedelta(seconds=1)
    return seconds * _SECOND_NS + int((fraction or "").ljust(_FRACTION_DIGITS, "0"))
