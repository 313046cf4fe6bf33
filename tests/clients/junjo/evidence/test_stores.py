"""A store is verified where its transitions prove its end, and otherwise says why it is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from indexer.clients.junjo.evidence import replay, transitions
from indexer.clients.junjo.evidence.replay import ReplayBudget
from indexer.clients.junjo.evidence.source import source_span
from indexer.clients.junjo.evidence.stores import WORKFLOW_SLOTS, StoreDetail, store_detail
from indexer.clients.junjo.evidence.transitions import state_events
from indexer.clients.junjo.evidence.values import Issue, as_body
from tests.support.answered_spans import answered
from tests.support.junjo_evidence_values import StoreDetail as Taken

Attributes = dict[str, Any]


def slot(name: str, value: Any, mode: str = "full") -> Attributes:
    return {name: json.dumps(value), f"{name}.mode": mode, f"{name}.policy": "p"}


def event(at: int, patch: Any, **changed: Any) -> dict[str, Any]:
    """The transition of that sequence, each of which changes the revision."""
    attributes = {
        "id": f"e{at}",
        "junjo.store.id": "s",
        "junjo.store.action": "act",
        "junjo.store.transition.sequence": at,
        "junjo.store.revision.before": at - 1,
        "junjo.store.revision.after": at,
        **slot("junjo.state_json_patch", patch),
    }
    renamed = {f"junjo.{name.replace('__', '.')}": value for name, value in changed.items()}
    return {"name": "set_state", "timeUnixNano": "1", "attributes": {**attributes, **renamed}}


def put(value: Any, path: str = "/n") -> list[dict[str, Any]]:
    return [{"op": "add", "path": path, "value": value}]


OWNER = {
    "junjo.workflow.store.id": "s",
    "junjo.store.revision.start": 0,
    "junjo.store.revision.end": 2,
    "junjo.store.transition.count": 2,
    "junjo.store.reconstructable": True,
    **slot("junjo.workflow.state.start", {"n": 0}),
    **slot("junjo.workflow.state.end", {"n": 2}),
}
EVENTS = [event(2, put(2)), event(1, put(1))]


def detail_of(
    owner: Attributes = OWNER,
    events: list[dict[str, Any]] = EVENTS,
    budget: ReplayBudget | None = None,
) -> tuple[StoreDetail, list[str]]:
    """The store, which the front end takes, and the codes of its issues."""
    source = source_span(answered(attributes=owner, events=events))
    issues: list[Issue] = []
    found = store_detail(
        source,
        WORKFLOW_SLOTS,
        state_events([source]).get("s", ()),
        budget or ReplayBudget(),
        issues,
    )
    Taken.model_validate(json.loads(json.dumps(as_body(found))))
    return found, [one.code for one in issues]


def test_transitions_are_replayed_in_order_of_their_sequence() -> None:
    """Whatever order their events are in; each has the state before and after it."""
    found, issues = detail_of()
    assert issues == []
    assert found.reconstruction_status == "verified"
    assert [(one.sequence, one.before, one.after) for one in found.transitions] == [
        (1, {"n": 0}, {"n": 1}),
        (2, {"n": 1}, {"n": 2}),
    ]


def without(name: str) -> Attributes:
    return {key: value for key, value in OWNER.items() if key != name}


FAILURES: dict[str, tuple[Attributes, list[dict[str, Any]]]] = {
    "transition_sequence_gap": (OWNER, [event(1, put(1)), event(3, put(2))]),
    "transition_count_mismatch": (OWNER, [event(1, put(1))]),
    "revision_gap": (OWNER, [event(1, put(1)), event(2, put(2), store__revision__before=2)]),
    "end_state_differs": (OWNER, [event(1, put(1)), event(2, put(True))]),
    "patch_not_applicable": (OWNER, [event(1, put(1)), event(2, put(2, "/a/b"))]),
    "patch_missing": (OWNER, [event(1, put(1)), event(2, None, state_json_patch="{")]),
    "state_missing": (without("junjo.workflow.state.end"), EVENTS),
    "revision_missing": (without("junjo.store.revision.end"), EVENTS),
    "transition_count": (without("junjo.store.transition.count"), EVENTS),
}


@pytest.mark.parametrize("code", FAILURES)
def test_a_store_that_is_not_proven_says_the_first_reason(code: str) -> None:
    found, issues = detail_of(*FAILURES[code])
    assert (found.reconstruction_status, found.reconstructable) == ("failed", False)
    assert issues[-1] == code


@pytest.mark.parametrize(
    "changed",
    [
        {"store__transition__sequence": 0},
        {"store__transition__sequence": "2"},
        {"store__revision__after": 3},
        {"store__action": ""},
        {"store__transition__sequence": 1},
    ],
)
def test_a_transition_that_breaks_the_contract_is_left_out(changed: Attributes) -> None:
    """The others are shown, and the store is not proven without it."""
    found, issues = detail_of(events=[event(1, put(1)), event(2, put(2), **changed)])
    assert [one.event_id for one in found.transitions] == ["e1"]
    assert found.reconstruction_status == "failed"
    assert issues[0] in {"attribute_invalid", "transition_sequence_repeated"}


@pytest.mark.parametrize("mode", ["excluded", "redacted", "reference"])
def test_a_state_that_a_policy_withholds_is_not_replayed_from(mode: str) -> None:
    """Nothing is wrong with it, and no state is made up."""
    name = "junjo.workflow.state.start"
    owner = {**OWNER, **slot(name, {"n": 0}, mode), f"{name}.reference": "r"}
    found, issues = detail_of(owner)
    assert issues == []
    assert found.reconstruction_status == "policy_unavailable"
    assert {one.after for one in found.transitions} == {None}


def test_states_that_their_sdk_does_not_vouch_for_are_verified_and_marked() -> None:
    found, issues = detail_of({**OWNER, "junjo.store.reconstructable": False})
    assert found.reconstruction_status == "verified"
    assert issues == ["reconstruction_not_claimed"]


GROWING = [{"op": "copy", "from": "", "path": f"/{at}"} for at in range(60)]
HUGE: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "copies of the whole state": lambda: GROWING,
    "copies of a long text": lambda: [
        *put("x" * 2**20, "/text"),
        *({"op": "copy", "from": "/text", "path": f"/{at}"} for at in range(30)),
    ],
}


@pytest.mark.parametrize("name", HUGE)
def test_a_patch_that_makes_a_huge_state_ends_the_replay(name: str) -> None:
    """After the copy that makes it too large."""
    budget = ReplayBudget(values=10_000)
    found, issues = detail_of(events=[event(1, HUGE[name]()), event(2, put(2))], budget=budget)
    assert issues == ["replay_bounded"]
    assert [one.after for one in found.transitions] == [None, None]


@pytest.mark.parametrize("left", [{"values": 3}, {"text": 20}, {"operations": 1}])
def test_states_of_one_answer_are_replayed_up_to_a_bound(left: dict[str, int]) -> None:
    """The first state that is beyond it is not shown, nor any after it."""
    found, issues = detail_of(budget=replace(ReplayBudget(), **left))
    assert issues == ["replay_bounded"]
    assert [one.after for one in found.transitions] == [{"n": 1}, None]


def test_states_beyond_the_bytes_of_an_answer_are_not_shown_and_still_prove_the_end() -> None:
    found, issues = detail_of(budget=ReplayBudget(shown_bytes=40))
    assert found.reconstruction_status == "verified"
    assert issues == ["states_omitted"]
    assert [one.after for one in found.transitions] == [{"n": 1}, None]


def test_transitions_beyond_the_bound_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones are there, and the issue counts the others."""
    monkeypatch.setattr(transitions, "TRANSITIONS_MAX", 1)
    found, issues = detail_of()
    assert [one.sequence for one in found.transitions] == [1]
    assert issues == ["transitions_omitted", "transition_count_mismatch"]


def test_a_long_history_of_a_large_state_is_verified_though_not_all_of_it_is_shown() -> None:
    """What is replayed costs what the patches hold, not the states."""
    many, large = 300, {f"k{at}": at for at in range(500)}
    owner = {
        **OWNER,
        "junjo.store.revision.end": many,
        "junjo.store.transition.count": many,
        **slot("junjo.workflow.state.start", large),
        **slot("junjo.workflow.state.end", {**large, "n": many}),
    }
    budget = ReplayBudget(shown_bytes=20_000)
    events = [event(at, put(at)) for at in range(1, many + 1)]
    found, issues = detail_of(owner, events, budget)
    assert (found.reconstruction_status, issues) == ("verified", ["states_omitted"])
    assert found.transitions[0].after == {**large, "n": 1}
    assert found.transitions[-1].after is None


def test_a_patch_is_shown_as_it_was_sent_whatever_later_ones_change() -> None:
    """So is each state."""
    found, _ = detail_of(events=[event(1, put({"a": 1})), event(2, put(2, "/n/a"))])
    assert found.transitions[0].patch.value == put({"a": 1})
    assert [one.after for one in found.transitions] == [{"n": {"a": 1}}, {"n": {"a": 2}}]


def test_only_operations_of_rfc_6902_are_applied() -> None:
    """The library that applies them has more."""
    patch = [{"op": "append", "path": "/n", "value": "x"}]
    result = replay.replay({"n": "a"}, [("p", patch)], ReplayBudget())
    assert result.issue is not None
    assert result.issue.code == "patch_not_applicable"
    assert result.states == ()
