"""The payload of one span in canonical form, and within the limits of one span.

The one place that every span passes on its way into an answer, from whichever file or tier. What is
beyond the limits is left out and counted in ``omitted``: it is not counted in the writer's own
``dropped_*_count``, which says what the writer had already dropped.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from indexer.read.normalise import (
    COUNT_COLUMNS,
    JSON_COLUMNS,
    TEXT_COLUMNS,
    canonical,
    parse_value,
)
from indexer.read.part import Part, column_limits, part_of_attributes
from indexer.spans.limits import SPAN_LIMITS, SpanLimits

OMITTED = "omitted"
"""The key of what is left out of a span: a count by payload column, and ``values``, which are the
attributes of its events and links and the elements of all arrays and maps. Absent from a span of
which nothing is left out."""
VALUES = "values"

_SHORT_BYTES_PER_ELEMENT = 2
_TEXTS, _COUNTS = frozenset(TEXT_COLUMNS), frozenset(COUNT_COLUMNS)
_JSON = frozenset(JSON_COLUMNS)
_COUNT_MAX = (1 << 64) - 1
_EMPTY = {name: "[]" if name in ("events", "links") else "{}" for name in JSON_COLUMNS}
"""How writers say that a span has none."""


def span_payload(stored: Mapping[str, Any], limits: SpanLimits = SPAN_LIMITS) -> dict[str, Any]:
    """Canonical payload columns of stored ones, as ``read_payload`` gives them; and ``omitted``."""
    size = json_bytes(value for name, value in stored.items() if name in _JSON)
    if size is not None and size <= short_bytes(limits):
        return {name: short_value(name, value) for name, value in stored.items()}
    span = _Span(limits)
    payload = {name: span.canonical(name, value) for name, value in stored.items()}
    span.keep_first(payload)
    omitted = {name: count for name, count in span.omitted.items() if count}
    return {**payload, OMITTED: omitted} if omitted else payload


def short_bytes(limits: SpanLimits) -> int:
    """JSON text that a span may have in all without holding more than a limit."""
    fewest = min(limits.attributes, limits.events, limits.links, limits.values)
    return _SHORT_BYTES_PER_ELEMENT * fewest


def json_bytes(values: Iterable[Any]) -> int | None:
    """How long the text of JSON columns is; None where some of it is no text."""
    size = 0
    for value in values:
        if value:
            if not isinstance(value, str | bytes):
                return None
            size += len(value)
    return size


def short_value(name: str, value: Any) -> Any:
    """The value of a column of a span that is too short to hold more than a limit.

    What is canonical as it is stored, as most columns are, is so at once.
    """
    if value is None:
        return None
    if isinstance(value, str):
        if name in _TEXTS:
            return value
        if value == _EMPTY.get(name):
            return [] if value == "[]" else {}
    elif type(value) is int and name in _COUNTS and 0 <= value <= _COUNT_MAX:
        return value
    return canonical(name, value)


class _Span:
    """One span on its way, and what it has lost."""

    def __init__(self, limits: SpanLimits) -> None:
        self._limits = limits
        self.omitted = dict.fromkeys((*JSON_COLUMNS, VALUES), 0)

    def canonical(self, name: str, value: Any) -> Any:
        if isinstance(value, Part):
            self.omitted[name] += value.left_out
            self.omitted[VALUES] += value.inside_left_out
            value = value.stored
        return canonical(name, value, self._attributes)

    def _attributes(self, text: Any) -> Any:
        """Those of one event or link that are JSON text."""
        part = text if isinstance(text, Part) else None
        if isinstance(text, str):
            part = part_of_attributes(text, self._limits)
        if part is None:
            return parse_value(text)
        self.omitted[VALUES] += part.left_out + part.inside_left_out
        return parse_value(part.stored)

    def keep_first(self, payload: dict[str, Any]) -> None:
        """Leave out of canonical columns what is beyond the limits.

        A span has one number of values; its resource and its scope have their own.
        """
        room = _Room(self._limits.values)
        for name in JSON_COLUMNS:
            if name in ("resource_attributes", "scope_attributes"):
                room = _Room(self._limits.values)
            value = payload.get(name)
            if isinstance(value, dict | list):
                payload[name] = self._first_of(name, value, room)

    def _first_of(self, name: str, column: Any, room: "_Room") -> Any:
        most, _ = column_limits(name, self._limits)
        self.omitted[name] += max(0, len(column) - most)
        column = _first(column, most)
        if isinstance(column, dict) or name not in ("events", "links"):
            self._fit_members(column, room, most=None)
            return column
        for element in column:
            if isinstance(element, dict | list):
                self._fit_members(element, room, most=self._limits.attributes)
        return column

    def _fit_members(self, container: Any, room: "_Room", *, most: int | None) -> None:
        """Fit what is inside; ``most`` attributes, if it is an event or a link."""
        for key, one in container.items() if isinstance(container, dict) else enumerate(container):
            if isinstance(one, dict | list) and one:
                is_bounded = most is not None and key == "attributes"
                container[key] = self._fit(one, room, most if is_bounded else None)

    def _fit(self, container: Any, room: "_Room", most: int | None) -> Any:
        """The container's first elements that there is room for."""
        kept = room.take(len(container) if most is None else min(len(container), most))
        if kept < len(container):
            self.omitted[VALUES] += _elements(container) - _elements(_first(container, kept))
            container = _first(container, kept)
        self._fit_members(container, room, most=None)
        return container


class _Room:
    """Values that one span may still have."""

    def __init__(self, values: int) -> None:
        self._left = values

    def take(self, count: int) -> int:
        """As many of them as there are."""
        taken = min(count, self._left)
        self._left -= taken
        return taken


def _first(container: Any, count: int) -> Any:
    if len(container) <= count:
        return container
    if isinstance(container, dict):
        return dict(islice(container.items(), count))
    return container[:count]


def _elements(container: Any) -> int:
    """Of a value and of all inside it."""
    count, left = 0, [container]
    while left:
        one = left.pop()
        if isinstance(one, dict | list):
            count += len(one)
            left += one.values() if isinstance(one, dict) else one
    return count
