"""What searches can be written with: operations, attribute keys and their values, counted. Pure.

Keys are written as searches take them (see ``find.attribute_names``).
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from indexer.deferred_dataclass import dataclass
from indexer.query.find.attribute_names import owner_and_key, written
from indexer.query.find.payload_conditions import Owner
from indexer.query.span import Span

VALUE_CHARS_MAX = 1_024
"""Of a value that is listed, as the index has of a promoted one: a longer one is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A name of spans of a service, of one kind, and how many spans have it."""

    service_name: str
    name: str
    span_kind: int
    """OTLP's number."""
    span_count: int

    @property
    def key(self) -> tuple[str, str, int]:
        """What makes it one operation, and its place in a list."""
        return self.service_name, self.name, self.span_kind


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeKey:
    """A key that some of the spans have that were looked at."""

    key: str
    """As a search takes it."""
    scope: Owner
    types: tuple[str, ...]
    """Of its values, by their number: string, bool, int, double, array, map."""
    span_count: int
    """Spans that were looked at and have it."""
    promoted_count: int | None = None
    """Rows of all indexed files that have it, where it is promoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeValue:
    """A value of one key, and how many spans have it."""

    value: str
    """Text as it is, other values as JSON."""
    type: str | None
    """None of a promoted attribute, of which the index has the text."""
    span_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedOver:
    """Which spans an answer counts: all of them, or some of the newest files."""

    files: int
    """Indexed files that were looked into."""
    files_matching: int
    """Indexed files that may have such spans."""
    spans: int | None
    """Spans that were looked at; None where all are counted without looking at each."""
    is_sample: bool
    """Whether others may have further keys and values."""


class AttributeCounts:
    """Keys and values of spans with their payload, each counted once a span."""

    def __init__(self) -> None:
        self.spans = 0
        self._types: dict[tuple[Owner, str], Counter[str]] = {}
        self._spans: Counter[tuple[Owner, str]] = Counter()

    def add(self, span: Span) -> None:
        """Count what it has."""
        self.spans += 1
        has: set[tuple[Owner, str]] = set()
        for scope, name, value in attributes_of(span):
            has.add((scope, name))
            self._types.setdefault((scope, name), Counter())[type_of(value)] += 1
        self._spans.update(has)

    def keys(self, promoted: dict[str, int]) -> list[AttributeKey]:
        """All keys, those of the most spans first; ``promoted`` has the counts of the index."""
        for name in promoted:
            self._spans.setdefault(("span", name), 0)
        found = [
            AttributeKey(
                key=written(scope, name),
                scope=scope,
                types=tuple(one for one, _ in self._types.get(at, Counter()).most_common()),
                span_count=count,
                promoted_count=promoted.get(name) if scope == "span" else None,
            )
            for at, count in self._spans.items()
            for scope, name in [at]
        ]
        return sorted(
            found, key=lambda one: (-max(one.span_count, one.promoted_count or 0), one.key)
        )


def values_of(spans: Sequence[Span], key: str) -> list[AttributeValue]:
    """The values that the spans have under a key as it is written, the most frequent first."""
    named = owner_and_key(key)
    counted: Counter[tuple[str, str]] = Counter()
    for span in spans:
        found = {
            (type_of(value), value_text(value))
            for scope, name, value in attributes_of(span)
            if (scope, name) == named and value is not None
        }
        counted.update(found)
    values = [
        AttributeValue(value=text, type=kind, span_count=count)
        for (kind, text), count in counted.items()
    ]
    return sorted(values, key=lambda one: (-one.span_count, one.value, one.type or ""))


def attributes_of(span: Span) -> Iterator[tuple[Owner, str, Any]]:
    """Every attribute of a span with its payload: of itself, its resource, scope and events."""
    payload = span.payload
    if payload is None:
        return
    held_by: tuple[tuple[Owner, Any], ...] = (
        ("span", payload.attributes),
        ("resource", payload.resource_attributes),
        ("scope", payload.scope_attributes),
    )
    for scope, held in held_by:
        yield from _pairs(scope, held)
    for event in payload.events if isinstance(payload.events, list) else ():
        if isinstance(event, dict):
            yield from _pairs("event", event.get("attributes"))


def type_of(value: Any) -> str:
    """The type of a value of JSON by OTLP's name of it; of null it is null."""
    return _TYPES[type(value)]


def value_text(value: Any) -> str:
    """Text as it is, other values as JSON; the first ``VALUE_CHARS_MAX`` of it."""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return text[:VALUE_CHARS_MAX]


def _pairs(scope: Owner, held: Any) -> Iterable[tuple[Owner, str, Any]]:
    return ((scope, name, value) for name, value in held.items()) if isinstance(held, dict) else ()


_TYPES = {
    str: "string",
    bool: "bool",
    int: "int",
    float: "double",
    list: "array",
    dict: "map",
    type(None): "null",
}
