"""Which spans a list is of, in which order, and where its next page begins. Pure.

A list is in order of start, newest first, then of trace and span id: an order without ties, so
that a page begins after the last span of the one before it, whatever has arrived meanwhile
("keyset" paging). The cursor that a client hands back is opaque to it, and says which list it
is of.
"""

import base64
import json
import re
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from indexer.errors import QueryRefused

LIMIT_DEFAULT = 500
LIMIT_MAX = 10_000
"""Spans of one page: what the seeds' endpoints have allowed."""
OFFSET_MAX = 100_000
"""Spans that a page may skip by counting: they are found and thrown away. A cursor skips none."""

_VERSION = 1
_CURSOR_CHARS_MAX = 512
_TRACE_ID, _SPAN_ID = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{16}")
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in the order of a list: that of one span."""

    start_time_unix_nano: int
    trace_id: str
    span_id: str

    @property
    def key(self) -> tuple[int, str, str]:
        """Smaller is earlier in the list."""
        return -self.start_time_unix_nano, self.trace_id, self.span_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanQuery:
    """The spans of one page. What is None or False does not narrow."""

    service: str | None = None
    roots: bool = False
    llm: bool = False
    """Only spans whose trace has an LLM call, in any service."""
    attribute: str | None = None
    """A promoted attribute that the span has."""
    value: str | None = None
    """And its value."""
    since_unix_nano: int | None = None
    """Starts at or after it."""
    until_unix_nano: int | None = None
    """Starts before it."""
    offset: int = 0
    limit: int = LIMIT_DEFAULT
    after: Position | None = None

    def __post_init__(self) -> None:
        _bounded("limit", self.limit, 1, LIMIT_MAX)
        _bounded("offset", self.offset, 0, OFFSET_MAX)

    def after_cursor(self, cursor: str) -> "SpanQuery":
        """The page of this list after a cursor's place. Raises QueryRefused for another's."""
        return replace(self, after=position_of(self, cursor))

    @property
    def count(self) -> int:
        """Spans to find: the skipped ones, the page, and one that tells whether there are more."""
        return self.offset + self.limit + 1

    @property
    def fingerprint(self) -> str:
        """What the list is of, wherever the page is."""
        said = (self.service, self.roots, self.llm, self.attribute, self.value)
        bounds = (self.since_unix_nano, self.until_unix_nano)
        text = json.dumps([*said, *bounds]).encode("utf-8", "surrogatepass")
        return blake2b(text, digest_size=6).hexdigest()


def order_key(span: dict[str, Any]) -> tuple[int, str, str]:
    """The place of a span in every list."""
    return -span["start_time_unix_nano"], span["trace_id"], span["span_id"]


def cursor_after(query: SpanQuery, span: dict[str, Any]) -> str:
    """What a client hands back for the spans after this one."""
    place = [span["start_time_unix_nano"], span["trace_id"], span["span_id"]]
    text = json.dumps([_VERSION, query.fingerprint, *place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def position_of(query: SpanQuery, cursor: str) -> Position:
    """The place that a cursor of this list names. Raises QueryRefused for any other text."""
    try:
        version, fingerprint, start, trace_id, span_id = _decoded(cursor)
        at = Position(start_time_unix_nano=start, trace_id=trace_id, span_id=span_id)
        known = version == _VERSION and _is_place(at)
    except (ValueError, TypeError, RecursionError):
        known = False
    if not known:
        raise QueryRefused(
            "the cursor is none of ours", hint="Hand back what the page before said, unchanged."
        )
    if fingerprint != query.fingerprint:
        raise QueryRefused(
            "the cursor is of another list",
            hint="Keep the service, filters and time bounds of the page before.",
        )
    return at


def _decoded(cursor: str) -> Any:
    padded = cursor[:_CURSOR_CHARS_MAX] + "=" * (-len(cursor) % 4)
    return json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))


def _is_place(at: Position) -> bool:
    """Whether it can be the place of a span: it came from outside, and goes into SQL."""
    return (
        type(at.start_time_unix_nano) is int
        and at.start_time_unix_nano in _INT64
        and _TRACE_ID.fullmatch(at.trace_id) is not None
        and _SPAN_ID.fullmatch(at.span_id) is not None
    )


def _bounded(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise QueryRefused(
            f"{name} is {value}, expected {least} to {most}",
            hint="Page with the cursor of the answer before.",
        )
