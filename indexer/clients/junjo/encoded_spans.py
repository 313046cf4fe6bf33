"""A span as the JSON text of a dialect: what spans of one operation have in common is made once.

A body has some twenty fields, each made so that no front end rejects it. Of most spans all but
their IDs, their times and their attributes follow from their operation and its outcome. The text
around those is kept for the next span of which the same is true.
"""

from collections.abc import Callable, Hashable
from typing import Any

from indexer.clients.junjo.dialect import Dialect
from indexer.clients.junjo.held import YEAR_1_UNIX_NANO, YEAR_10000_UNIX_NANO
from indexer.clients.junjo.spans import NAMES_READ
from indexer.clients.junjo.times import iso_time
from indexer.clients.shared.json_text import as_json, json_string
from indexer.deferred_dataclass import dataclass
from indexer.query.span import UNREADABLE, Span
from indexer.query.span_cache import Encoded
from indexer.read.stored_objects import StoredObject
from indexer.spans.payload import Payload

FRAMES_MAX = 512
"""Operations of which the text is kept, a dialect; beyond, all are made anew."""
FRAME_CHARS_MAX = 2_048
"""Of one of them: all together take some 1 MB at most."""
_RESOURCE = "resource_attributes_json"
_TEXTS = ("trace_id", "span_id", "start_time", "end_time")
_PLACES = {
    **dict.fromkeys(_TEXTS, '"%s"'),  # IDs and times need no escapes
    **dict.fromkeys(("parent_span_id", "attributes_json", _RESOURCE), "%s"),
}
"""Fields of which each span has its own, as they stand in the text of others."""
_FIRST = Payload._fields.index("trace_state")
_AFTER = Payload._fields.index("resource_dropped_attributes_count") + 1
"""Between them are the flags and what else was dropped."""
_YEARS = range(YEAR_1_UNIX_NANO, YEAR_10000_UNIX_NANO)


@dataclass(frozen=True, slots=True)
class _Frame:
    """A body's text with a ``%s`` for each of its own fields, and the other fields' alterations."""

    text: str
    altered: tuple[str, ...]
    has_resource: bool


def encoder_of(dialect: Dialect) -> Callable[[Span], Encoded]:
    """The dialect's span as JSON text, and what was altered in it."""
    return Frames(dialect).encode


class Frames:
    """The texts of one dialect that are kept. For any thread."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._kept: dict[Hashable, _Frame] = {}

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def encode(self, span: Span) -> Encoded:
        """The span as the dialect has it."""
        key = _alike(span)
        if key is None:
            body = self._dialect.body(_with_values(span))
            return Encoded(as_json(body.fields), body.altered)
        frame = self._kept.get(key)
        if frame is None:
            frame = _frame(self._dialect, span)
            if len(frame.text) <= FRAME_CHARS_MAX:
                if len(self._kept) >= FRAMES_MAX:
                    self._kept.clear()
                self._kept[key] = frame
        return _filled(frame, span)


def _alike(span: Span) -> Hashable | None:
    """What the fields follow from that are not a span's own; None where it has anything special."""
    payload = span.payload or UNREADABLE
    attributes = payload.attributes
    if type(attributes) is StoredObject:
        attributes = attributes.names
    elif type(attributes) is not dict:
        return None
    if not NAMES_READ.isdisjoint(attributes):
        return None
    resource = payload.resource_attributes
    if not (resource is None or type(resource) is dict):
        return None
    if not (_is_none(payload.events) and _is_none(payload.links)):
        return None
    end_unix_nano = span.start_time_unix_nano + span.duration_ns
    if span.start_time_unix_nano not in _YEARS or end_unix_nano not in _YEARS:
        return None
    return (
        *(span.service_name, span.name, span.span_kind, span.status_code),
        *(payload.status_message, payload[_FIRST:_AFTER]),
    )


def _is_none(elements: Any) -> bool:
    return elements is None or elements == []


def _frame(dialect: Dialect, span: Span) -> _Frame:
    body = dialect.body(_with_values(span))
    fields = (
        f'"{name}":' + (_PLACES.get(name) or json_string(value).replace("%", "%%"))
        for name, value in body.fields.items()
    )
    return _Frame("{" + ",".join(fields) + "}", body.altered, _RESOURCE in body.fields)


def _with_values(span: Span) -> Span:
    """The span with its attributes as a value."""
    payload = span.payload
    if payload is None or type(payload.attributes) is not StoredObject:
        return span
    return span._replace(payload=payload._replace(attributes=payload.attributes.value))


def _text(attributes: Any) -> str:
    return attributes.text if type(attributes) is StoredObject else json_string(attributes)


def _filled(frame: _Frame, span: Span) -> Encoded:
    """In the order of every dialect."""
    payload = span.payload or UNREADABLE
    parent, start_unix_nano = span.parent_span_id, span.start_time_unix_nano
    own: tuple[str, ...] = (
        span.trace_id,
        span.span_id,
        f'"{parent}"' if parent else "null",
        iso_time(start_unix_nano),
        iso_time(start_unix_nano + span.duration_ns),
        _text(payload.attributes),
    )
    if frame.has_resource:
        own = (*own, json_string(payload.resource_attributes or {}))
    return tuple.__new__(Encoded, ((frame.text % own).encode(), frame.altered))
