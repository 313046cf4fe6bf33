"""The states of a store, from the first one and the patches of RFC 6902. Pure.

A library applies the patches to one copy of the first state, one operation at a time: an operation
may copy the whole state into itself, so that what a patch makes is bounded, whatever it says. Only
states that are shown are copied, so that a long history costs what its patches hold.
"""

import copy
from collections.abc import Iterable
from typing import Any

import jsonpatch
from jsonpointer import JsonPointerException

from indexer.clients.junjo.evidence.portable import NotPortable, Size, check_portable
from indexer.clients.junjo.evidence.values import Issue
from indexer.deferred_dataclass import dataclass

OPERATIONS_MAX = 100_000
"""Of all patches of one answer: each takes 15 us."""
SHOWN_BYTES_MAX = 16 * 2**20
"""Bytes of the states that one answer shows, about: as much again as a large trace has."""
VALUES_MAX = 1_000_000
"""Values that are looked at, of states that are shown and of those that an operation has copied
into: two microseconds each."""
TEXT_MAX = 256 * 2**20
"""Characters of the same, which are looked at as well."""
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

    operations: int = OPERATIONS_MAX
    shown_bytes: int = SHOWN_BYTES_MAX
    values: int = VALUES_MAX
    text: int = TEXT_MAX

    def look_at(self, state: Any) -> Size:
        """How large a state is. Raises NotPortable where that is beyond what is left."""
        size = check_portable(state, self.text)
        self.values -= size.values
        self.text -= size.text
        if self.values < 0:
            raise NotPortable("the states of one answer have too many values")
        return size


@dataclass(frozen=True, slots=True)
class Replay:
    """``states`` are those after each patch that was applied, None where it is not shown."""

    states: tuple[Any, ...]
    end: Any
    issue: Issue | None
    """Why not all patches were applied."""
    omitted: int
    """States that are not shown, for their size: the last ones."""


def replay(start: Any, patches: Iterable[tuple[str, Any]], budget: ReplayBudget) -> Replay:
    """``patches`` are where each comes from, and the patch, in order."""
    states: list[Any] = []
    state, issue, omitted = copy.deepcopy(start), None, 0
    for path, patch in patches:
        try:
            state = _applied(state, patch, budget)
            is_shown = not omitted and _fits(state, budget)
        except NotPortable as error:
            issue = Issue("replay_bounded", path, str(error))
        except _ERRORS as error:
            issue = Issue("patch_not_applicable", path, _message(error))
        if issue is not None:
            break
        omitted += not is_shown
        states.append(copy.deepcopy(state) if is_shown else None)
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


def _applied(state: Any, patch: Any, budget: ReplayBudget) -> Any:
    """The state after a patch; the one before is changed."""
    if not isinstance(patch, list):
        raise TypeError("a patch is an array of operations")
    budget.operations -= len(patch)
    if budget.operations < 0:
        raise NotPortable(f"the patches of one answer have more than {OPERATIONS_MAX} operations")
    for operation in patch:
        name = operation["op"]
        if name not in _OPERATIONS:
            raise ValueError(f"invalid operation {name!r}")
        state = jsonpatch.JsonPatch([operation]).apply(state, in_place=True)
        if name == "copy":
            budget.look_at(state)
    return state


def _fits(state: Any, budget: ReplayBudget) -> bool:
    """Whether a state is shown, which is after a patch and before the next."""
    if budget.shown_bytes <= 0:
        return False
    budget.shown_bytes -= 2 * budget.look_at(state).text
    return budget.shown_bytes >= 0


def _message(error: BaseException) -> str:
    text = str(error).encode("utf-8", "replace").decode()
    return f"{type(error).__name__}: {text[:_MESSAGE_CHARS_MAX]}"
