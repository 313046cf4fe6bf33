"""Calls of tools that a model asked for, and what became of each. Pure.

Which calls were admitted is in the state of the agent's store: known where that is verified.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from indexer.clients.junjo.evidence.portable import is_portable_text
from indexer.deferred_dataclass import dataclass

Admission = Literal["admitted", "not_admitted", "unknown"]


@dataclass(frozen=True, slots=True)
class RequestedCall:
    """``reason`` is there where the call was not carried out as it was asked for."""

    call_id: str
    tool_name: str
    ordinal: int
    observed_tool_operation: bool
    admission: Admission
    reason: str | None


class AskedCall(NamedTuple):
    """One call in a model's response."""

    call_id: str
    tool_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is known of a run besides its responses."""

    ordinals: Mapping[str, int]
    """Of the calls whose operations were observed, by ID."""
    admitted: Collection[str] | None
    """IDs of the admitted calls; None where no verified state has them."""
    termination_reason: str
    tool_names: Collection[str] | None
    """Of the agent's definition; None where that is not recorded in full."""


def asked_calls(response: Any) -> tuple[AskedCall, ...] | None:
    """Those of a response, as its JSON has them; None of one that is invalid."""
    calls = response.get("calls") if isinstance(response, dict) else None
    if not isinstance(calls, list) or not all(isinstance(one, dict) for one in calls):
        return None
    found = [(one.get("id"), one.get("name")) for one in calls]
    if not all(is_portable_text(call_id) and is_portable_text(name) for call_id, name in found):
        return None
    return tuple(AskedCall(str(call_id), str(name)) for call_id, name in found)


def requested_calls(
    batches: Sequence[Sequence[AskedCall]], facts: RunFacts
) -> list[tuple[RequestedCall, ...]]:
    """The calls of each response of one run, whose responses are in order."""
    found = []
    ordinal = 0
    for batch in batches:
        calls = []
        for call in batch:
            ordinal = facts.ordinals.get(call.call_id, ordinal + 1)
            calls.append(_requested(call, ordinal, batch, facts))
        found.append(tuple(calls))
    return found


def _requested(
    call: AskedCall, ordinal: int, batch: Sequence[AskedCall], facts: RunFacts
) -> RequestedCall:
    is_observed = call.call_id in facts.ordinals
    admission, reason = _admission(call, batch, facts, is_observed=is_observed)
    return RequestedCall(call.call_id, call.tool_name, ordinal, is_observed, admission, reason)


def _admission(
    call: AskedCall, batch: Sequence[AskedCall], facts: RunFacts, *, is_observed: bool
) -> tuple[Admission, str | None]:
    if facts.admitted is None:
        return "unknown", "store_evidence_unavailable"
    if call.call_id in facts.admitted:
        return "admitted", None if is_observed else "execution_interrupted"
    causes = {
        "limit_exceeded": True,
        "unknown_tool": call == _unknown(batch, facts.tool_names),
        "tool_input_validation_error": is_observed,
    }
    is_cause = causes.get(facts.termination_reason, False)
    return "not_admitted", facts.termination_reason if is_cause else "batch_preflight_rejected"


def _unknown(batch: Sequence[AskedCall], tool_names: Collection[str] | None) -> AskedCall | None:
    """The first call of a tool that the agent does not have: those after it were not looked at."""
    if tool_names is None:
        return batch[0] if len(batch) == 1 else None
    return next((call for call in batch if call.tool_name not in tool_names), None)
