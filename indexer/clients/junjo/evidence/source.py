"""A span as evidence is read from it: its attributes, events and resource as JSON objects. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from indexer.clients.junjo.evidence.portable import INTEGER_MAX
from indexer.clients.junjo.evidence.values import Issue, LossCounts
from indexer.deferred_dataclass import dataclass
from indexer.query.span import UNREADABLE, Span
from indexer.read.normalise import canonical

CONTRACT = 2
"""The version of Junjo's telemetry contract that has evidence; SDKs since 0.66 send it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a span, and its place among all of them."""

    name: str
    position: int
    attributes: Mapping[str, Any]
    dropped_attributes: int


@dataclass(frozen=True, slots=True, eq=False)
class SourceSpan:
    """A span whose payload is read; one that is not an object holds nothing."""

    span: Span
    attributes: Mapping[str, Any]
    events: Sequence[Event]
    resource: Mapping[str, Any]

    @property
    def span_id(self) -> str:
        """Of the span."""
        return self.span.span_id

    @property
    def span_type(self) -> str:
        """``junjo.span_type``; empty for a span that Junjo did not make."""
        found = self.attributes.get("junjo.span_type")
        return found if isinstance(found, str) else ""

    @property
    def is_of_contract(self) -> bool:
        """It is of the contract's version that has evidence."""
        version = self.attributes.get("junjo.telemetry.contract_version")
        return version == CONTRACT and not isinstance(version, bool)

    @property
    def losses(self) -> LossCounts:
        """What was dropped of it before it came here."""
        payload = self.span.payload or UNREADABLE
        return LossCounts(
            resource_dropped_attributes=_count(payload.resource_dropped_attributes_count),
            span_dropped_attributes=_count(payload.dropped_attributes_count),
            span_dropped_events=_count(payload.dropped_events_count),
            span_dropped_links=_count(payload.dropped_links_count),
            event_dropped_attributes=_count(sum(one.dropped_attributes for one in self.events)),
        )

    @property
    def omissions(self) -> list[Issue]:
        """What is left out of a span that is beyond the limits of one."""
        omitted = self.span.omitted or {}
        return [
            Issue("payload_omitted", f"spans.{self.span_id}.{column}", f"{count} are left out")
            for column, count in omitted.items()
        ]


def source_span(span: Span) -> SourceSpan:
    """Raises nothing, whatever the payload is."""
    payload = span.payload or UNREADABLE
    return SourceSpan(
        span=span,
        attributes=_object(_value("attributes", payload.attributes)),
        events=_events(_value("events", payload.events)),
        resource=_object(_value("resource_attributes", payload.resource_attributes)),
    )


def losses_of(spans: Iterable[SourceSpan]) -> LossCounts:
    """Of several spans together; what is dropped of a resource is of all of its spans."""
    found = [one.losses for one in spans]
    return LossCounts(
        resource_dropped_attributes=max(
            (one.resource_dropped_attributes for one in found), default=0
        ),
        span_dropped_attributes=_count(sum(one.span_dropped_attributes for one in found)),
        span_dropped_events=_count(sum(one.span_dropped_events for one in found)),
        span_dropped_links=_count(sum(one.span_dropped_links for one in found)),
        event_dropped_attributes=_count(sum(one.event_dropped_attributes for one in found)),
    )


def _value(name: str, stored: Any) -> Any:
    return canonical(name, stored) if isinstance(stored, str) else stored


def _events(events: Any) -> tuple[Event, ...]:
    return tuple(
        Event(
            name=event["name"] if isinstance(event.get("name"), str) else "",
            position=position,
            attributes=_object(event.get("attributes")),
            dropped_attributes=_count(event.get("droppedAttributesCount")),
        )
        for position, event in enumerate(events if isinstance(events, list) else [])
        if isinstance(event, Mapping)
    )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any) -> int:
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return min(max(value, 0), INTEGER_MAX) if is_count else 0
