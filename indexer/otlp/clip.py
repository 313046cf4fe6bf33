"""Spans that hold more than one may, made to hold what one may; what goes is counted in them.

A log of an older version, or another service, may have such spans: they are answered in part. The
first of each kind stay. Bytes of what stays are as they were.
"""

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Any

from indexer.deferred_dataclass import dataclass
from indexer.otlp import skeleton
from indexer.otlp.span_count import attribute_parts, read
from indexer.otlp.wire_fields import pieces
from indexer.spans.limits import SpanLimits
from indexer.system.counted_nouns import counted

_COUNT_MAX = 2**32 - 1
_DROPPED = {
    "attributes": "dropped_attributes_count",
    "events": "dropped_events_count",
    "links": "dropped_links_count",
}


@dataclass(slots=True)
class Clipped:
    """What was left out of some spans, resources and scopes, in all."""

    messages: int = 0
    """Spans, resources and scopes that were beyond limits."""
    left_out: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_DROPPED, 0))

    def __str__(self) -> str:
        """A sentence for the log."""
        left_out = ", ".join(
            counted(count, name.removesuffix("s"), name)
            for name, count in self.left_out.items()
            if count
        )
        clipped = counted(self.messages, "span or resource was", "spans or resources were")
        return f"{clipped} beyond limits; left out: {left_out}"

    def merge(self, other: "Clipped") -> None:
        """Count what was left out of others as well."""
        self.messages += other.messages
        for name, count in other.left_out.items():
            self.left_out[name] += count

    def add(self, name: str, count: int) -> None:
        """Count what was left out: attributes, events or links."""
        self.left_out[name] += count


def clip_span(span: bytes, limits: SpanLimits, clipped: Clipped) -> bytes:
    """The span within limits. Raises InvalidOtlp for an invalid message."""
    clipped.messages += 1
    room = {"attributes": limits.attributes, "events": limits.events, "links": limits.links}
    short = _first_of_each(skeleton.Span, span, room, clipped)
    return _clip_values(short, limits, clipped)


def clip_resource(resource: bytes, limits: SpanLimits, clipped: Clipped) -> bytes:
    """The resource within limits, and without its entities: no column has them."""
    clipped.messages += 1
    room = {"attributes": limits.attributes}
    short = _first_of_each(skeleton.Resource, resource, room, clipped, drop="entity_refs")
    return _clip_owner(skeleton.Resource, short, limits, clipped)


def clip_scope(scope: bytes, limits: SpanLimits, clipped: Clipped) -> bytes:
    """The scope within limits."""
    clipped.messages += 1
    short = _first_of_each(skeleton.Scope, scope, {"attributes": limits.attributes}, clipped)
    return _clip_owner(skeleton.Scope, short, limits, clipped)


def _first_of_each(
    kind: Any, data: bytes, room: dict[str, int], clipped: Clipped, drop: str = ""
) -> bytes:
    """The message with the first of its repeated fields, piece by piece."""
    parts = []
    left_out = dict.fromkeys(room, 0)
    counts = dict.fromkeys(room, 0)
    for piece in pieces(data, 0, len(data)):
        message = read(kind, data[piece.first : piece.last])
        if drop:
            message.ClearField(drop)
        for name, most in room.items():
            held = getattr(message, name)
            left_out[name] += max(0, len(held) - most)
            del held[most:]
            room[name] = most - len(held)
            counts[name] = getattr(message, _DROPPED[name]) or counts[name]
        parts.append(message.SerializeToString())
    raised = {name: count for name, count in left_out.items() if count}
    for name, count in raised.items():
        clipped.add(name, count)
    total = {_DROPPED[name]: min(counts[name] + raised[name], _COUNT_MAX) for name in raised}
    return b"".join([*parts, kind(**total).SerializeToString()])


def _clip_values(span: bytes, limits: SpanLimits, clipped: Clipped) -> bytes:
    """The span without the attributes whose values do not fit, those of its own first to fit."""
    message = read(skeleton.Span, span)
    values = _Room(limits.values)
    before = dict(clipped.left_out)
    _fit(message, values, clipped, cost=0)
    for name, kind in (("events", skeleton.Event), ("links", skeleton.Link)):
        held = getattr(message, name)
        if held:
            fitted = list(_fitted(kind, held, limits, values, clipped))
            del held[:]
            held.extend(fitted)
    return span if clipped.left_out == before else bytes(message.SerializeToString())


def _fitted(
    kind: Any, parts: Sequence[bytes], limits: SpanLimits, values: "_Room", clipped: Clipped
) -> Iterator[bytes]:
    """Events or links, each with the attributes that there is room for."""
    for part in parts:
        short = _first_of_each(kind, part, {"attributes": limits.attributes}, clipped)
        message = read(kind, short)
        _fit(message, values, clipped, cost=1)
        yield message.SerializeToString()


def _clip_owner(kind: Any, owner: bytes, limits: SpanLimits, clipped: Clipped) -> bytes:
    message = read(kind, owner)
    _fit(message, _Room(limits.values), clipped, cost=0)
    return bytes(message.SerializeToString())


@dataclass(slots=True)
class _Room:
    values: int

    def take(self, count: int) -> bool:
        if count > self.values:
            return False
        self.values -= count
        return True


def _fit(message: Any, values: _Room, clipped: Clipped, *, cost: int) -> None:
    """Leave out the attributes of a message for whose values there is no room."""
    attributes = list(message.attributes)
    kept = [one for one in attributes if values.take(cost + attribute_parts(one).values)]
    gone = len(attributes) - len(kept)
    if gone:
        del message.attributes[:]
        message.attributes.extend(kept)
        dropped = message.dropped_attributes_count + gone
        message.dropped_attributes_count = min(dropped, _COUNT_MAX)
        clipped.add("attributes", gone)
