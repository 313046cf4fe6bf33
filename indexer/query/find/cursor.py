"""Where the next page of a list begins, as text that a client hands back.

It is opaque to the client, and says which list it is of.
"""

import base64
import json
import re
from dataclasses import replace
from typing import Any

from indexer.errors import QueryRefused
from indexer.query.find.cursor_moment import place_of, with_moment
from indexer.query.find.span_query import Position, SpanQuery
from indexer.query.span import Span

_VERSION = 3
_VERSION_WITHOUT_MOMENT = 2
_VERSION_WITHOUT_KIND = 1
_KIND_LOWEST = 0
_CURSOR_CHARS_MAX = 512
_TRACE_ID, _SPAN_ID = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{16}")
_INT64, _INT8 = range(-(2**63), 2**63), range(-(2**7), 2**7)


def page_after(query: SpanQuery, cursor: str) -> SpanQuery:
    """The page of the same list after a cursor's place, as of the moment of its first page.

    Raises QueryRefused for another list's cursor.
    """
    at, as_of_unix_nano = _said(query, cursor)
    return replace(query, after=at, as_of_unix_nano=as_of_unix_nano)


def cursor_after(query: SpanQuery, span: Span) -> str:
    """What a client hands back for the spans after this one."""
    return cursor_at(query, query.position(span))


def cursor_at(query: SpanQuery, at: Position) -> str:
    """The same for those after a place."""
    place = [at.start_time_unix_nano, at.trace_id, at.span_id, at.span_kind]
    place += [] if at.duration_ns is None else [at.duration_ns]
    said = [_VERSION, query.fingerprint, query.as_of_unix_nano, *place]
    text = json.dumps(said, separators=(",", ":"))
    place_in_list = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    return with_moment(place_in_list, query.counted_from_unix_nano)


def position_of(query: SpanQuery, cursor: str) -> Position:
    """The place that a cursor of this list names. Raises QueryRefused for any other text."""
    return _said(query, cursor)[0]


def _said(query: SpanQuery, cursor: str) -> tuple[Position, int | None]:
    """The place, and the moment of the list's first page, if that is known."""
    try:
        version, fingerprint, as_of, start, trace_id, span_id, kind, *more = _of_this_version(
            _decoded(place_of(cursor))
        )
        (duration,) = more or (None,)
        at = Position(
            start_time_unix_nano=start,
            trace_id=trace_id,
            span_id=span_id,
            span_kind=kind,
            duration_ns=duration,
        )
        is_moment = as_of is None or (type(as_of) is int and as_of in _INT64)
        known = version == _VERSION and is_moment and _is_place(at)
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
    return at, as_of


def _decoded(cursor: str) -> Any:
    padded = cursor[:_CURSOR_CHARS_MAX] + "=" * (-len(cursor) % 4)
    return json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))


def _of_this_version(said: Any) -> Any:
    """What a cursor says; an earlier one knows no moment.

    One of version 1 names no kind either, and gets the lowest: none is left out.
    """
    if said[0] == _VERSION_WITHOUT_KIND:
        said = [_VERSION_WITHOUT_MOMENT, *said[1:], _KIND_LOWEST]
    if said[0] == _VERSION_WITHOUT_MOMENT:
        return [_VERSION, said[1], None, *said[2:]]
    return said


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
