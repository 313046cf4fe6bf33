"""Where the next page of a list begins, as text that a client hands back.

It is opaque to the client, and says which list it is of.
"""

import base64
import json
import re
from dataclasses import replace
from typing import Any

from indexer.errors import QueryRefused
from indexer.query.find.span_query import Position, SpanQuery
from indexer.query.span import Span

_VERSION = 2
_VERSION_WITHOUT_KIND = 1
_KIND_LOWEST = 0
_CURSOR_CHARS_MAX = 512
_TRACE_ID, _SPAN_ID = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{16}")
_INT64, _INT8 = range(-(2**63), 2**63), range(-(2**7), 2**7)


def page_after(query: SpanQuery, cursor: str) -> SpanQuery:
    """The page of the same list after a cursor's place. Raises QueryRefused for another's."""
    return replace(query, after=position_of(query, cursor))


def cursor_after(query: SpanQuery, span: Span) -> str:
    """What a client hands back for the spans after this one."""
    return cursor_at(query, query.position(span))


def cursor_at(query: SpanQuery, at: Position) -> str:
    """The same for those after a place."""
    place = [at.start_time_unix_nano, at.trace_id, at.span_id, at.span_kind]
    place += [] if at.duration_ns is None else [at.duration_ns]
    text = json.dumps([_VERSION, query.fingerprint, *place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def position_of(query: SpanQuery, cursor: str) -> Position:
    """The place that a cursor of this list names. Raises QueryRefused for any other text."""
    try:
        version, fingerprint, start, trace_id, span_id, kind, *more = _with_kind(_decoded(cursor))
        (duration,) = more or (None,)
        at = Position(
            start_time_unix_nano=start,
            trace_id=trace_id,
            span_id=span_id,
            span_kind=kind,
            duration_ns=duration,
        )
        known = version == _VERSION and _is_place(at)
    except (ValueError, TypeError, LookupError, RecursionError):
        known = False
    if not known:
        raise QueryRefused(
            "invalid cursor", hint="Pass back the cursor of the previous page, unchanged."
        )
    if fingerprint != query.fingerprint or (at.duration_ns is not None) != query.slowest:
        raise QueryRefused(
            "the cursor belongs to another list",
            hint="Keep the service, filters and time range of the previous page.",
        )
    return at


def _decoded(cursor: str) -> Any:
    padded = cursor[:_CURSOR_CHARS_MAX] + "=" * (-len(cursor) % 4)
    return json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))


def _with_kind(said: Any) -> Any:
    """What a cursor says; one of version 1 names no kind, and gets the lowest: none is left out."""
    is_older = said[0] == _VERSION_WITHOUT_KIND
    return [_VERSION, *said[1:], _KIND_LOWEST] if is_older else said


def _is_place(at: Position) -> bool:
    """Whether it can be the place of a span: it came from outside, and goes into SQL."""
    return (
        type(at.start_time_unix_nano) is int
        and at.start_time_unix_nano in _INT64
        and _TRACE_ID.fullmatch(at.trace_id) is not None
        and _SPAN_ID.fullmatch(at.span_id) is not None
        and type(at.span_kind) is int
        and at.span_kind in _INT8
        and (at.duration_ns is None or type(at.duration_ns) is int)
        and (at.duration_ns or 0) in _INT64
    )
