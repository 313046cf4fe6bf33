"""A place in a list as text that a client hands back, for lists that are not of spans.

It says which list it is of, and is checked when it comes back.
"""

import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from indexer.query.find.cursor_text import decoded, encoded, invalid, refuse_other

CURSOR_CHARS_MAX = 16_384
"""Names of services and spans have up to 4,096 bytes each in the index."""


def fingerprint(*asked: Any) -> str:
    """What a list is of, wherever its page is."""
    return blake2b(json.dumps(asked).encode(), digest_size=6).hexdigest()


def encode_place(list_of: str, place: Sequence[str | int]) -> str:
    """What a client hands back for what comes after the place."""
    return encoded([list_of, *place])


def decode_place(list_of: str, cursor: str, types: Sequence[type]) -> tuple[Any, ...]:
    """The place, of values of these types. Raises QueryRefused for any other text."""
    said = decoded(cursor, CURSOR_CHARS_MAX)
    refuse_other(said, list_of, "Keep the filters of the previous page.")
    if said[:1] != [list_of] or [type(one) for one in said[1:]] != list(types):
        raise invalid()
    return tuple(said[1:])
