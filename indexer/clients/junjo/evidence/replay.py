"""The states of a store, from the first one and the patches of RFC 6902. Pure.

A library applies the patches, one operation at a time, because an operation may copy the whole
state into itself: what a patch makes is bounded, whatever it says.
"""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jsonpatch
from jsonpointer import JsonPointerException

from indexer.clients.junjo.evidence.portable import NotPortable, check_portable
from indexer.clients.junjo.evidence.values import Issue

STATE_VALUES_MAX = 100_000
"""Values of one state: a copy of it takes about 0.1 s."""
STATE_TEXT_MAX = 16 * 2**20
"""Characters of one state: as much as the largest span may have."""
REPLAY_VALUES_MAX = 1_000_000
"""Values of all states of one answer, each of which is copied: about a second."""
REPLAY_TEXT_MAX = 256 * 2**20
"""Characters of all of them, each of which is checked: about as long."""
SHOWN_BYTES_MAX = 16 * 2**20
"""Bytes of the states that one answer shows, about: as much again as a large trace has."""
_MESSAGE_CHARS_MAX = 200
"""Of what the library says of a patch; it may quote whole values."""
_OPERATIONS = frozenset({"add", "remove", "replace", "move", "copy", "test"})
"""Those of RFC 6902; the library has more."""
_ERRORS = (
    jsonpatch.JsonPatchException,
    JsonPointerException,
    TypeError,
    ValueError,
    KeyError,
    IndexError,
    AttributeError,
    RecursionError,
)
"""What the library raises of patches that are not valid, or do not fit the state."""


@dataclass(slots=True)
class ReplayBudget:
    """What is left of the bounds of one answer."""

    values: int = REPLAY_VALUES_MAX
    text: int = REPLAY_TEXT_MAX
    shown_bytes: int = SHOWN_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Replay:
    """``states`` are those after each patch that was applied, None where it is not shown."""

    states: tuple[Any, ...]
    end: Any
    issue: Issue | None
    """Why not all patches were applied."""
    omitted: int
    """States that are not shown, for their size."""


def replay(start: Any, patches: Iterable[tuple[str, Any]], budget: ReplayBudget) -> Replay:
    """``patches`` are where each comes from, and the patch, in order."""
    states: list[Any] = []
    state, issue, omitted = start, None, 0
    for path, patch in patches:
        try:
            state, size = _next_state(state, patch, budget)
        except NotPortable as error:
            issue = Issue("replay_bounded", path, str(error))
        except _ERRORS as error:
            issue = Issue("patch_not_applicable", path, _message(error))
        if issue is not None:
            break
        is_shown = 2 * size <= budget.shown_bytes  # after this patch, and before the next
        budget.shown_bytes -= 2 * size if is_shown else 0
        omitted += not is_shown
        states.append(state if is_shown else None)
    return Replay(tuple(states), state, issue, omitted)


def equal_json(first: Any, second: Any) -> bool:
    """Whether two values are the same to JSON, where 1 is 1.0 and not true (RFC 6902, 4.6)."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(
            equal_json(value, second[key]) for key, value in first.items()
        )
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(equal_json, first, second))
    return bool(first == second)


def _next_state(state: Any, patch: Any, budget: ReplayBudget) -> tuple[Any, int]:
    if not isinstance(patch, list):
        raise TypeError("a patch is an array of operations")
    changed = copy.deepcopy(state)
    for operation in patch:
        name = operation["op"]
        if name not in _OPERATIONS:
            raise ValueError(f"invalid operation {name!r}")
        changed = jsonpatch.JsonPatch([operation]).apply(changed, in_place=True)
        if name == "copy":
            _checked(changed)
    values, text = _checked(changed)
    budget.values -= values
    budget.text -= text
    if budget.values < 0 or budget.text < 0:
        raise NotPortable("the states of one answer are too large to be replayed together")
    return changed, text


def _checked(state: Any) -> tuple[int, int]:
    size = check_portable(state, STATE_TEXT_MAX)
    if size.values > STATE_VALUES_MAX:
        raise NotPortable(f"the state has more than {STATE_VALUES_MAX} values")
    return size.values, size.text


def _message(error: BaseException) -> str:
    text = str(error).encode("utf-8", "replace").decode()
    return f"{type(error).__name__}: {text[:_MESSAGE_CHARS_MAX]}"
