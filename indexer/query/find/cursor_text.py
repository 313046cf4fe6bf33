"""A cursor as text, and what is said of one that a list did not give. Pure.

It is opaque to the client. Decoded it is a list in JSON, which has a place in some list and, among
its first entries, the fingerprint of that list.
"""

import base64
import json
import re
from collections.abc import Sequence
from typing import Any

from indexer.errors import QueryRefused
from indexer.query.find.cursor_moment import place_of

_FINGERPRINT = re.compile("[0-9a-f]{12}")
_ENTRIES_BEFORE = 2
"""The version, and the kind of the list."""


def encoded(said: Sequence[Any]) -> str:
    """The text."""
    text = json.dumps(said, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decoded(cursor: str, chars_max: int) -> list[Any]:
    """What it says besides a moment. Raises QueryRefused for a text that is no cursor."""
    text = place_of(cursor)[:chars_max]
    try:
        padded = text + "=" * (-len(text) % 4)
        said = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, list):
        raise invalid()
    return said


def refuse_other(said: Sequence[Any], fingerprint: str, hint: str) -> None:
    """Raise QueryRefused for what says that it is of a list with another fingerprint."""
    first = said[: _ENTRIES_BEFORE + 1]
    named = [one for one in first if isinstance(one, str) and _FINGERPRINT.fullmatch(one)]
    if named and fingerprint not in named:
        raise QueryRefused("the cursor belongs to another list", hint=hint)


def invalid() -> QueryRefused:
    """Of what no list gave."""
    return QueryRefused(
        "invalid cursor", hint="Pass back the cursor of the previous page, unchanged."
    )
