"""What a batch of creates and updates does to each span, in whatever order they come.

A span has two layers: what it was created with, and over it what updates have set. So an update
may come before its create, and a batch that is sent again changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from indexer.deferred_dataclass import dataclass
from indexer.mastra.columns import (
    CREATED,
    CREATED_ENDED,
    UPDATABLE,
    is_updated,
    updated_bits,
)

SpanKey = tuple[str, str]
"""Trace ID and span ID: a span ID alone is unique only inside its trace."""


@dataclass(slots=True)
class SpanChange:
    """What one batch brings for one span: stored values by column.

    A create has no columns that are null; an update has those that it clears.
    """

    key: SpanKey
    created: dict[str, Any] | None = None
    updates: dict[str, Any] = field(default_factory=dict)

    def create(self, values: dict[str, Any]) -> None:
        """A create takes the place of another, but one that has not ended not of one that has."""
        if self.created is None or is_ended(values) or not is_ended(self.created):
            self.created = values


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """What the table says of a span that a batch changes."""

    row_id: int
    sequence: int | None
    """None of a span that only an update has come of."""
    layers: int


@dataclass(slots=True)
class RowValues:
    """What to write into the row of a span. There are thousands, and frozen ones take longer."""

    key: SpanKey
    values: dict[str, Any]
    layers: int
    is_new: bool
    """Whether the span is created now."""
    is_updated: bool


def merge(
    creates: Iterable[tuple[SpanKey, dict[str, Any]]],
    updates: Iterable[tuple[SpanKey, dict[str, Any]]],
) -> dict[SpanKey, SpanChange]:
    """One change a span, in the order of the batch."""
    changes: dict[SpanKey, SpanChange] = {}
    for key, values in creates:
        if (change := changes.get(key)) is None:
            changes[key] = SpanChange(key, created=values)
        else:
            change.create(values)
    for key, values in updates:
        changes.setdefault(key, SpanChange(key)).updates.update(values)
    return changes


def row_values(change: SpanChange, stored: StoredSpan | None) -> RowValues:
    """What a change does to a stored span, or to none."""
    if stored is None and change.created is not None and not change.updates:
        return _new_row(change.key, change.created)
    before = stored.layers if stored else 0
    values: dict[str, Any] = {}
    layers = before
    created = change.created
    if created is not None and (is_ended(created) or not before & CREATED_ENDED):
        values = _created_values(created, before)
        layers |= CREATED | (CREATED_ENDED if is_ended(created) else 0)
    if change.updates:
        values = values | change.updates
    return RowValues(
        key=change.key,
        values=values,
        layers=layers | updated_bits(change.updates),
        is_new=bool(layers & CREATED and not before & CREATED),
        is_updated=bool(change.updates),
    )


def _new_row(key: SpanKey, created: dict[str, Any]) -> RowValues:
    """Of a span that is only created, as most are."""
    layers = CREATED | (CREATED_ENDED if is_ended(created) else 0)
    return RowValues(key, created, layers, True, False)


def is_ended(created: Mapping[str, Any]) -> bool:
    """Whether a span was created with an end."""
    return created.get("ended_at") is not None


def _created_values(created: dict[str, Any], before: int) -> dict[str, Any]:
    """What a create sets: all columns of a stored row, but for those that updates have set."""
    if not before:
        return created
    return {name: created.get(name) for name in UPDATABLE if not is_updated(before, name)}
