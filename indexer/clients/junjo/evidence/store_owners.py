"""Which span owns which store of a trace. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from indexer.clients.junjo.evidence.portable import is_portable_text
from indexer.clients.junjo.evidence.reader import AttributeReader
from indexer.clients.junjo.evidence.replay import ReplayBudget
from indexer.clients.junjo.evidence.source import SourceSpan, losses_of
from indexer.clients.junjo.evidence.stores import (
    StoreDetail,
    StoreSlots,
    store_detail,
    unavailable,
)
from indexer.clients.junjo.evidence.transitions import StateEvent
from indexer.clients.junjo.evidence.values import Integrity, Issue
from indexer.deferred_dataclass import dataclass

OwnerType = Literal["workflow", "subflow", "agent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A store that is available, and who owns it."""

    store_id: str
    owner_span_id: str
    owner_runtime_id: str | None
    owner_executable_type: OwnerType
    detail: StoreDetail
    integrity: Integrity


class StoresByOwner:
    """The stores of one answer: each ID belongs to the first span that claims it.

    ``events`` are those of the whole trace, by store.
    """

    def __init__(self, events: Mapping[str, Sequence[StateEvent]]) -> None:
        self._events = events
        self._budget = ReplayBudget()
        self.stores: dict[str, Store] = {}

    def claim(
        self,
        owner: SourceSpan,
        slots: StoreSlots,
        executable_type: OwnerType,
        *,
        of_spans: Collection[SourceSpan] | None = None,
    ) -> StoreDetail | None:
        """Add the owner's store; None, or what there is instead of one.

        ``of_spans`` are the only spans whose events are the store's, None all of the trace.
        """
        store_id = owner.attributes.get(slots.store_id)
        if not is_portable_text(store_id):
            return unavailable("the span names no store")
        if store_id in self.stores:
            return unavailable(f"its store is that of span {self.stores[store_id].owner_span_id}")
        events = self._events.get(store_id, ())
        if of_spans is not None:
            events = [one for one in events if one.source in of_spans]
        issues: list[Issue] = []
        detail = store_detail(owner, slots, events, self._budget, issues)
        sources = dict.fromkeys([owner, *(one.source for one in events)])
        for one in sources:
            issues.extend(one.omissions)
        self.stores[store_id] = Store(
            store_id=store_id,
            owner_span_id=owner.span_id,
            owner_runtime_id=AttributeReader(owner.attributes, "").text(
                "junjo.executable_runtime_id"
            ),
            owner_executable_type=executable_type,
            detail=detail,
            integrity=Integrity.of(issues, losses_of(sources)),
        )
        return None

    def unclaimed(self) -> list[SourceSpan]:
        """The first span of each store of the contract that has transitions and no owner."""
        first = (found[0].source for key, found in self._events.items() if key not in self.stores)
        return [one for one in first if one.is_of_contract]
