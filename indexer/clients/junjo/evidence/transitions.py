"""Transitions of stores: the ``set_state`` events of a trace, in order of their sequence. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from indexer.clients.junjo.event_names import SET_STATE
from indexer.clients.junjo.evidence.payloads import payload
from indexer.clients.junjo.evidence.reader import AttributeReader
from indexer.clients.junjo.evidence.source import Event, SourceSpan
from indexer.clients.junjo.evidence.values import Issue, Payload
from indexer.deferred_dataclass import dataclass

STORE_ID = "junjo.store.id"
TRANSITIONS_MAX = 10_000
"""Of one store, the first: each takes some 50 us, and a page does not show more."""


@dataclass(frozen=True, slots=True)
class StateEvent:
    """One event that says it changed a store, and the span that has it."""

    source: SourceSpan
    event: Event

    @property
    def path(self) -> str:
        """Where its attributes are."""
        return f"spans.{self.source.span_id}.events.{self.event.position}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of a store; the states before and after it where replay gives them."""

    sequence: int
    revision_before: int
    revision_after: int
    span_id: str
    event_id: str
    action: str
    patch: Payload
    before: Any = None
    after: Any = None


def state_events(spans: Iterable[SourceSpan]) -> Mapping[str, Sequence[StateEvent]]:
    """The events by the ID of their store, in order of the spans."""
    found: defaultdict[str, list[StateEvent]] = defaultdict(list)
    for source in spans:
        for event in source.events:
            store_id = event.attributes.get(STORE_ID)
            if event.name == SET_STATE and isinstance(store_id, str):
                found[store_id].append(StateEvent(source, event))
    return found


def transitions_of(events: Sequence[StateEvent], issues: list[Issue]) -> list[Transition]:
    """Those that the contract allows, each sequence once; the others are issues."""
    read = [one for event in events if (one := _transition(event, issues)) is not None]
    unique: dict[int, Transition] = {}
    for one in sorted(read, key=lambda transition: transition.sequence):
        if one.sequence in unique:
            path = f"spans.{one.span_id}.junjo.store.transition.sequence"
            message = f"another transition has the sequence {one.sequence} already"
            issues.append(Issue("transition_sequence_repeated", path, message))
        else:
            unique[one.sequence] = one
    ordered = list(unique.values())
    if len(ordered) > TRANSITIONS_MAX:
        message = f"{len(ordered) - TRANSITIONS_MAX} transitions after the first are left out"
        issues.append(Issue("transitions_omitted", "transitions", message))
    return ordered[:TRANSITIONS_MAX]


def _transition(found: StateEvent, issues: list[Issue]) -> Transition | None:
    reader = AttributeReader(found.event.attributes, found.path, issues)
    sequence = reader.count("junjo.store.transition.sequence", 1, required=True)
    before = reader.count("junjo.store.revision.before", required=True)
    after = reader.count("junjo.store.revision.after", required=True)
    event_id = reader.text("id", required=True)
    action = reader.text("junjo.store.action", required=True)
    patch = payload(reader, "junjo.state_json_patch")
    if sequence is None or before is None or after is None or event_id is None or action is None:
        return None
    if after not in (before, before + 1):
        reader.invalid("junjo.store.revision.after", "expected that before it, or the next")
        return None
    return Transition(
        sequence=sequence,
        revision_before=before,
        revision_after=after,
        span_id=found.source.span_id,
        event_id=event_id,
        action=action,
        patch=patch,
    )
