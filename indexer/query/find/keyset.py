"""A place in a list as text that a client hands back, for lists that are not of spans.

It is opaque to the client, says which list it is of, and is checked when it comes back.
"""

import base64
import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from indexer.errors import QueryRefused

CURSOR_CHARS_MAX = 16_384
"""Names of services and spans have up to 4,096 bytes each in the index."""


def fingerprint(*asked: Any) -> str:
    """What a list is of, wherever its page is."""
    return blake2b(json.dumps(asked).encode(), digest_size=6).hexdigest()


def encode_place(list_of: str, place: Sequence[str | int]) -> str:
    """What a client hands back for what comes after the place."""
    text = json.dumps([list_of, *place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode_place(list_of: str, cursor: str, types: Sequence[type]) -> tuple[Any, ...]:
    """The place, of values of these types. Raises QueryRefused for any other text."""
    try:
        padded = cursor[:CURSOR_CHARS_MAX] + "=" * (-len(cursor) % 4)
        said = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        named, *place = said
        known = [type(one) for one in place] == list(types)
    except (ValueError, TypeError, RecursionError):
        known = False
    if not known:
        raise QueryRefused(
            "invalid cursor", hint="Pass back the cursor of the previous page, unchanged."
        )
    if named != list_of:
        raise QueryRefused(
            "the cursor belongs to another list",
            hint="Keep the filters of the previous page.",
        )
    return tuple(place)
