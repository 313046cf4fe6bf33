"""Folders of an ingestion that puts a file where the day of its flush says. Pure.

Junjo's ingestion writes below ``year=YYYY/month=MM/day=DD``, by its own clock in UTC. What it has
flushed since some moment therefore lies in the folders of the days since, which are one or two.
"""

import re
from datetime import UTC, datetime, timedelta

SLACK_S = 3_600
"""A file has the day on which its flush began, by the clock of another machine. A flush takes
seconds; clocks that are an hour apart are somebody's fault."""
DAYS_MAX = 8
"""For more days, listing all of the storage costs as little."""
_SECOND_NS = 1_000_000_000
_FILE = re.compile(r"(?:(.+)/)?year=\d{4}/month=\d{2}/day=\d{2}/[^/]+", re.DOTALL)


def day_folders(since_unix_nano: int, until_unix_nano: int) -> list[str] | None:
    """The folders of files flushed between two moments, in either order; None for too many."""
    first, last = sorted((since_unix_nano, until_unix_nano))
    day = _date(first // _SECOND_NS - SLACK_S)
    until = _date(last // _SECOND_NS + SLACK_S)
    days = (until - day).days + 1
    if days > DAYS_MAX:
        return None
    return [f"{day + timedelta(days=more):year=%Y/month=%m/day=%d}" for more in range(days)]


def above_day_folder(relative_path: str) -> str | None:
    """The folder that has the years, of a file directly in the folder of a day; else None."""
    found = _FILE.fullmatch(relative_path)
    return None if found is None else found[1] or ""


def _date(unix_s: int) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC).replace(hour=0, minute=0, second=0)
