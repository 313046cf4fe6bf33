"""Whose attribute it is and its key, written as one word: as searches take it, and lists say it.

``http.route``, ``resource.host.name``, ``event.exception.type``; a key with signs in it, or one
that begins as the word for another owner does, is in quotes: ``"a=b"``, ``resource."a=b"``.
"""

import json
import re
from typing import get_args

from indexer.query.find.payload_conditions import Owner

_OWNERS: tuple[Owner, ...] = get_args(Owner)
_UNQUOTED = re.compile(r'[^"=!<>~*]+')


def written(owner: Owner, key: str) -> str:
    """The word."""
    begins = "" if owner == "span" else f"{owner}."
    is_other = not begins and key.startswith(tuple(f"{one}." for one in _OWNERS))
    is_plain = _UNQUOTED.fullmatch(key) is not None and not is_other
    return begins + (key if is_plain else json.dumps(key, ensure_ascii=False))


def owner_and_key(word: str) -> tuple[Owner, str]:
    """What it says; a key that needs quotes and has none is taken as it stands."""
    for owner in _OWNERS:
        if word.startswith(f"{owner}."):
            return owner, _unquoted(word.removeprefix(f"{owner}."))
    return "span", _unquoted(word)


def _unquoted(key: str) -> str:
    if not key.startswith('"'):
        return key
    try:
        said = json.loads(key)
    except ValueError:
        return key
    return said if isinstance(said, str) else key
