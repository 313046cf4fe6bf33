"""The moment that relative times of a list count from, in the cursors of its pages. Pure.

An hour ago is another time when the next page is asked for. So a cursor of such a list hands on
when the first page was asked for, and the same words are the same list.
"""

import re

_CURSOR = re.compile(r"(?P<place>[^.]*)\.(?P<moment>[0-9]{1,19})")
"""A place alone has letters, digits, - and _."""


def with_moment(place: str, moment_unix_nano: int | None) -> str:
    """The cursor of a place in a list; None where no time of the list is relative."""
    return place if moment_unix_nano is None else f"{place}.{moment_unix_nano}"


def moment_of(cursor: str | None) -> int | None:
    """Nanoseconds since 1970; None of a cursor without one."""
    found = None if cursor is None else _CURSOR.fullmatch(cursor)
    return None if found is None else int(found["moment"])


def place_of(cursor: str) -> str:
    """What a cursor says besides."""
    found = _CURSOR.fullmatch(cursor)
    return cursor if found is None else found["place"]
