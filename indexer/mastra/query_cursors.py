"""Cursors of queries: where a page ended, bound to the query that it is a page of."""

import base64
import binascii
import hashlib
import json
import re
from typing import Any

from indexer.errors import InvalidMastraCall
from indexer.mastra import error_ids

_VERSION = 1
_LETTERS = re.compile(r"^[A-Za-z0-9_-]+$")


def binding(*parts: Any) -> str:
    """A digest of what makes a query: its range, its predicate and its order, not its page."""
    text = json.dumps(parts, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def encode(bound: str, *values: str) -> str:
    """The cursor after a row: base64url without padding."""
    content = json.dumps({"version": _VERSION, "binding": bound, "values": values})
    return base64.urlsafe_b64encode(content.encode()).rstrip(b"=").decode()


def decode(cursor: str, bound: str, count: int) -> list[str]:
    """The values of a cursor that a query has given.

    Raises InvalidMastraCall: malformed for what no query gave, a conflict for another query's.
    """
    content = _content(cursor)
    known = content if isinstance(content, dict) else {}
    values = known.get("values")
    if not isinstance(values, list) or known.get("version") != _VERSION:
        raise _invalid("expected a cursor that a query has given", error_ids.CURSOR_MALFORMED)
    if known.get("binding") != bound or len(values) != count:
        raise _invalid("the cursor is of another query", error_ids.CURSOR_CONFLICT)
    return [str(value) for value in values]


def _content(cursor: str) -> Any:
    if not _LETTERS.match(cursor):
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None


def _invalid(message: str, error_id: str) -> InvalidMastraCall:
    return InvalidMastraCall(f"invalid cursor: {message}", error_id=error_id)
