"""Where the next page of a list begins, as text that a client hands back.

It says which list it is of, and whether that list is one of spans or of the traces that have them:
both go on from a place among the same spans, and leave out other ones before it.
"""

import re
from dataclasses import replace
from typing import Any, Literal

from indexer.errors import QueryRefused
from indexer.query.find.cursor_moment import with_moment
from indexer.query.find.cursor_text import decoded, encoded, invalid, refuse_other
from indexer.query.find.span_query import Position, SpanQuery
from indexer.query.span import Span

ListOf = Literal["spans", "traces"]
_VERSION = 4
_VERSION_WITHOUT_LIST_OF = 3
_VERSION_WITHOUT_MOMENT = 2
_VERSION_WITHOUT_KIND = 1
_KIND_LOWEST = 0
_CURSOR_CHARS_MAX = 512
_TRACE_ID, _SPAN_ID = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{16}")
_INT64, _INT8 = range(-(2**63), 2**63), range(-(2**7), 2**7)
_OTHER_HINT = "Keep the service, filters, order and time range of the previous page."


def page_after(query: SpanQuery, cursor: str, list_of: ListOf = "spans") -> SpanQuery:
    """The page of the same list after a cursor's place, as of the moment of its first page.

    Raises QueryRefused for another list's cursor.
    """
    at, as_of_unix_nano = _said(query, cursor, list_of)
    return replace(query, after=at, as_of_unix_nano=as_of_unix_nano)


def cursor_after(query: SpanQuery, span: Span) -> str:
    """What a client hands back for the spans after this one."""
    return cursor_at(query, query.position(span))


def cursor_at(query: SpanQuery, at: Position, list_of: ListOf = "spans") -> str:
    """The same for what is after a place."""
    place = [at.start_time_unix_nano, at.trace_id, at.span_id, at.span_kind]
    place += [] if at.duration_ns is None else [at.duration_ns]
    said = [_VERSION, list_of, query.fingerprint, query.as_of_unix_nano, *place]
    return with_moment(encoded(said), query.counted_from_unix_nano)


def position_of(query: SpanQuery, cursor: str, list_of: ListOf = "spans") -> Position:
    """The place that a cursor of this list names. Raises QueryRefused for any other text."""
    return _said(query, cursor, list_of)[0]


def _said(query: SpanQuery, cursor: str, list_of: ListOf) -> tuple[Position, int | None]:
    """The place, and the moment of the list's first page, if that is known."""
    said = decoded(cursor, _CURSOR_CHARS_MAX)
    refuse_other(said, query.fingerprint, _OTHER_HINT)
    try:
        version, given_for, _, as_of, start, trace_id, span_id, kind, *more = _of_this_version(
            said, list_of
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
    except (ValueError, TypeError, LookupError):
        known = False
    if not known:
        raise invalid()
    if given_for != list_of:
        raise QueryRefused(
            f"the cursor belongs to a list of {given_for}, and this is one of {list_of}",
            hint=f"Go on in the list of {given_for}, or begin this one without a cursor.",
        )
    if (at.duration_ns is not None) != query.slowest:
        raise QueryRefused("the cursor belongs to another list", hint=_OTHER_HINT)
    return at, as_of


def _of_this_version(said: list[Any], list_of: ListOf) -> list[Any]:
    """What a cursor says. One of version 3 does not say of what its list is: of what is asked.

    One of version 2 knows no moment. One of version 1 names no kind either, and gets the lowest:
    none is left out.
    """
    version, *rest = said
    if version == _VERSION_WITHOUT_KIND:
        version, rest = _VERSION_WITHOUT_MOMENT, [*rest, _KIND_LOWEST]
    if version == _VERSION_WITHOUT_MOMENT:
        version, rest = _VERSION_WITHOUT_LIST_OF, [rest[0], None, *rest[1:]]
    if version == _VERSION_WITHOUT_LIST_OF:
        version, rest = _VERSION, [list_of, *rest]
    return [version, *rest]


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
