"""Stores: what their owner says of them, their transitions, and whether replay proves it. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from indexer.clients.junjo.evidence.payloads import optional_payload
from indexer.clients.junjo.evidence.reader import AttributeReader
from indexer.clients.junjo.evidence.replay import Replay, ReplayBudget, equal_json, replay
from indexer.clients.junjo.evidence.source import SourceSpan
from indexer.clients.junjo.evidence.transitions import StateEvent, Transition, transitions_of
from indexer.clients.junjo.evidence.values import Issue, Payload
from indexer.deferred_dataclass import dataclass

Status = Literal["verified", "policy_unavailable", "failed", "not_applicable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreDetail:
    """A store from its first state to its last.

    One that is not available has nothing but a reason. A verified one has sequences from 1
    without a gap, revisions that follow each other, and an end that replay gives.
    """

    available: bool
    store_id: str | None = None
    revision_start: int | None = None
    revision_end: int | None = None
    transition_count: int = 0
    reconstructable_claimed: bool = False
    reconstructable: bool = False
    reconstruction_status: Status = "not_applicable"
    reconstruction_reason: str | None = None
    start: Payload | None = None
    end: Payload | None = None
    transitions: tuple[Transition, ...] = ()


@dataclass(frozen=True, slots=True)
class StoreSlots:
    """The attributes that name a store and hold its states."""

    store_id: str
    start: str
    end: str


WORKFLOW_SLOTS = StoreSlots(
    "junjo.workflow.store.id", "junjo.workflow.state.start", "junjo.workflow.state.end"
)
AGENT_SLOTS = StoreSlots("junjo.agent.store.id", "junjo.agent.state.start", "junjo.agent.state.end")


def unavailable(reason: str) -> StoreDetail:
    """A store of which there is nothing."""
    return StoreDetail(available=False, reconstruction_reason=reason)


def store_detail(
    owner: SourceSpan,
    slots: StoreSlots,
    events: Sequence[StateEvent],
    budget: ReplayBudget,
    issues: list[Issue],
) -> StoreDetail:
    """A store whose ID its owner has; what is not as the contract says becomes an issue."""
    reader = AttributeReader(owner.attributes, f"spans.{owner.span_id}", issues)
    transitions = transitions_of(events, issues)
    count = reader.count("junjo.store.transition.count", required=True)
    claimed = StoreDetail(
        available=True,
        store_id=reader.text(slots.store_id),
        revision_start=reader.count("junjo.store.revision.start", required=True),
        revision_end=reader.count("junjo.store.revision.end", required=True),
        transition_count=len(transitions) if count is None else count,
        reconstructable_claimed=bool(reader.flag("junjo.store.reconstructable", required=True)),
        start=optional_payload(reader, slots.start),
        end=optional_payload(reader, slots.end),
        transitions=tuple(transitions),
    )
    return _verify_store(claimed, is_counted=count is not None, budget=budget, issues=issues)


def _verify_store(
    claimed: StoreDetail, *, is_counted: bool, budget: ReplayBudget, issues: list[Issue]
) -> StoreDetail:
    replayed = _replayed(claimed, budget)
    shown = replace(claimed, transitions=_with_states(claimed, replayed))
    if replayed is not None and replayed.omitted:
        message = f"{replayed.omitted} states are not shown, for their size"
        issues.append(Issue("states_omitted", "transitions", message))
    if _is_withheld(claimed):
        reason = "a policy withholds a state or a patch"
        return replace(
            shown, reconstruction_status="policy_unavailable", reconstruction_reason=reason
        )
    found = _broken(claimed, is_counted=is_counted) or _not_replayed(claimed, replayed)
    if found is not None:
        issues.append(found)
        return replace(shown, reconstruction_status="failed", reconstruction_reason=found.message)
    if not claimed.reconstructable_claimed:
        message = "the states follow from each other, which their SDK does not say"
        issues.append(Issue("reconstruction_not_claimed", "junjo.store.reconstructable", message))
    return replace(shown, reconstruction_status="verified", reconstructable=True)


def _is_withheld(detail: StoreDetail) -> bool:
    """Some state or patch is recorded as other than it was."""
    payloads = (detail.start, detail.end, *(one.patch for one in detail.transitions))
    modes = {one.mode for one in payloads if one is not None}
    return bool(modes & {"redacted", "excluded", "reference"})


def _replayed(detail: StoreDetail, budget: ReplayBudget) -> Replay | None:
    """As far as the sequence goes and patches are recorded; None without a first state."""
    if detail.start is None or detail.start.mode != "full":
        return None
    patches = []
    for sequence, one in enumerate(detail.transitions, 1):
        if one.sequence != sequence or one.patch.mode != "full":
            break
        patches.append((f"spans.{one.span_id}.junjo.state_json_patch", one.patch.value))
    return replay(detail.start.value, patches, budget)


def _with_states(detail: StoreDetail, replayed: Replay | None) -> tuple[Transition, ...]:
    if replayed is None or detail.start is None:
        return detail.transitions
    before = (detail.start.value, *replayed.states)
    states = list(zip(before, replayed.states, strict=False))
    with_states = (
        replace(one, before=first, after=second)
        for one, (first, second) in zip(detail.transitions, states, strict=False)
    )
    return (*with_states, *detail.transitions[len(states) :])


def _broken(detail: StoreDetail, *, is_counted: bool) -> Issue | None:
    """The first thing that keeps the transitions from being one unbroken sequence."""
    checks: tuple[Callable[[], Issue | None], ...] = (
        lambda: None if is_counted else _issue("transition_count", "the count is not recorded"),
        lambda: _missing_state(detail),
        lambda: _sequence_gap(detail),
        lambda: _count_mismatch(detail),
        lambda: _revision_gap(detail),
    )
    return next((issue for check in checks if (issue := check()) is not None), None)


def _missing_state(detail: StoreDetail) -> Issue | None:
    if detail.revision_start is None or detail.revision_end is None:
        return _issue("revision_missing", "the first or the last revision is not recorded")
    for name, state in (("start", detail.start), ("end", detail.end)):
        if state is None or state.mode == "missing":
            return _issue("state_missing", f"the state at the {name} is not recorded")
    return None


def _sequence_gap(detail: StoreDetail) -> Issue | None:
    for expected, one in enumerate(detail.transitions, 1):
        if one.sequence != expected:
            return _issue("transition_sequence_gap", f"there is no transition {expected}")
    return None


def _count_mismatch(detail: StoreDetail) -> Issue | None:
    found, counted = len(detail.transitions), detail.transition_count
    if found == counted:
        return None
    message = f"{found} transitions are here, the owner counted {counted}"
    return _issue("transition_count_mismatch", message)


def _revision_gap(detail: StoreDetail) -> Issue | None:
    revision = detail.revision_start
    for one in detail.transitions:
        if one.revision_before != revision:
            message = f"transition {one.sequence} begins at revision {one.revision_before}"
            return _issue("revision_gap", f"{message}, not at {revision}")
        revision = one.revision_after
    if revision != detail.revision_end:
        message = f"the transitions end at revision {revision}, not at {detail.revision_end}"
        return _issue("revision_gap", message)
    return None


def _not_replayed(detail: StoreDetail, replayed: Replay | None) -> Issue | None:
    if replayed is None or detail.end is None:
        return _issue("state_missing", "the state at the start is not recorded")
    if replayed.issue is not None:
        return replayed.issue
    missing = [one.sequence for one in detail.transitions if one.patch.mode != "full"]
    if missing:
        return _issue("patch_missing", f"transition {missing[0]} has no patch that can be read")
    if not equal_json(replayed.end, detail.end.value):
        return _issue("end_state_differs", "replay gives another state than the one at the end")
    return None


def _issue(code: str, message: str) -> Issue:
    return Issue(code, "transitions", message)
