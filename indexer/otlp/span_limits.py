"""Which spans, resources and scopes hold more than one may, and what is wrong with each.

A span shorter than a limit needs is not looked into: most are not, and for most of the others one
parse of their outline is enough.
"""

from collections.abc import Callable
from dataclasses import field

from indexer.deferred_dataclass import dataclass
from indexer.otlp import skeleton
from indexer.otlp.span_count import (
    PartCount,
    read,
    resource_parts,
    scope_parts,
    span_outline,
    span_parts,
)
from indexer.otlp.wire_fields import pieces
from indexer.spans.limits import SpanLimits

FIELD_BYTES_MIN = 2
"""A message in a message: its key and its length."""


@dataclass(frozen=True, slots=True)
class SpanCheck:
    """The limits, and below which size of a span they cannot be exceeded."""

    limits: SpanLimits
    bytes_min: int = field(init=False)
    """A span or resource no longer than this cannot exceed a limit."""

    def __post_init__(self) -> None:
        limits = self.limits
        fewest = min(limits.attributes, limits.events, limits.links, limits.values)
        object.__setattr__(self, "bytes_min", FIELD_BYTES_MIN * fewest)

    def excess(self, span: bytes) -> str:
        """What the span has too many of, as "1000000 events, limit 16384"; empty if nothing.

        Raises InvalidOtlp for an invalid message.
        """
        limits = self.limits
        if len(span) <= self.bytes_min:
            return ""
        found = _beyond(span_outline(span), limits)
        if found or len(span) <= FIELD_BYTES_MIN * min(limits.attributes, limits.values):
            return found
        parts = span_parts(span)
        return (
            _beyond(parts, limits)
            or (parts.values > limits.attributes and _part_excess(span, limits))
            or ""
        )

    def resource_excess(self, resource: bytes) -> str:
        """The same of the attributes of a Resource, its entities and their keys among them."""
        return self._owner_excess(resource, resource_parts)

    def scope_excess(self, scope: bytes) -> str:
        """The same of the attributes of an InstrumentationScope."""
        return self._owner_excess(scope, scope_parts)

    def _owner_excess(self, owner: bytes, parts: Callable[[bytes], PartCount]) -> str:
        limits = self.limits
        if len(owner) <= FIELD_BYTES_MIN * min(limits.attributes, limits.values):
            return ""
        return _beyond(parts(owner), limits)


def _beyond(found: PartCount, limits: SpanLimits) -> str:
    for name in ("attributes", "events", "links", "values"):
        held, limit = getattr(found, name), getattr(limits, name)
        if held > limit:
            what = "array elements and attributes inside" if name == "values" else name
            return f"{held} {what}, limit {limit}"
    return ""


def _part_excess(span: bytes, limits: SpanLimits) -> str:
    """An event or link with more attributes than one may have."""
    for name, kind in (("events", skeleton.Event), ("links", skeleton.Link)):
        for piece in pieces(span, 0, len(span)):
            for part in getattr(read(skeleton.Span, span[piece.first : piece.last]), name):
                if len(part) <= FIELD_BYTES_MIN * limits.attributes:
                    continue
                held = len(read(kind, part).attributes)
                if held > limits.attributes:
                    return f"{held} attributes in one of its {name}, limit {limits.attributes}"
    return ""
