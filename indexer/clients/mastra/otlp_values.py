"""Values to choose from: of the store, and of the newest spans that came over OTLP."""

from collections.abc import Iterable

from indexer.clients.mastra.door import MastraDoor
from indexer.clients.mastra.otlp_traces import newest_sent
from indexer.mastra.discovery import VALUES_MAX, Field
from indexer.query.deadline import Deadline

Found = tuple[list[str], bool]
"""Values in order, and whether every span was looked at."""


def values_with_sent(
    door: MastraDoor, field: Field, entity_type: str | None, deadline: Deadline
) -> Found:
    """Values of a field, of one type of entity or of all."""
    stored = door.store.observability.values(field, entity_type)
    sent, is_whole = newest_sent(door, deadline)
    others = (getattr(one, field) for one in sent if entity_type in (None, one.entity_type))
    return _together(stored, others), is_whole


def tags_with_sent(door: MastraDoor, entity_type: str | None, deadline: Deadline) -> Found:
    """The same of tags."""
    stored = door.store.observability.tags(entity_type)
    sent, is_whole = newest_sent(door, deadline)
    others = (
        tag for one in sent if entity_type in (None, one.entity_type) for tag in one.tags or ()
    )
    return _together(stored, others), is_whole


def _together(stored: Iterable[str], others: Iterable[str | None]) -> list[str]:
    found = {*stored, *(one for one in others if one is not None)}
    return sorted(found)[:VALUES_MAX]
