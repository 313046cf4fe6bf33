"""Payloads and candidates out of the attributes of a slot. Pure.

A slot R is four attributes: ``R.mode``, ``R.policy``, ``R`` with JSON text, ``R.reference``.
"""

from typing import Literal

from indexer.clients.junjo.evidence.portable import NotPortable, parse_portable
from indexer.clients.junjo.evidence.reader import AttributeReader
from indexer.clients.junjo.evidence.values import Candidate, Payload

_MODES = ("full", "redacted", "excluded", "reference")
CANDIDATE_REASONS = (
    "cancelled",
    "not_returned",
    "not_invoked",
    "service_failed",
    "not_json_serializable",
    "contract_evidence_missing",
)
"""Why a candidate is not there; the last one where nothing says it."""


def payload(reader: AttributeReader, slot: str) -> Payload:
    """The payload of a slot that the contract wants; a missing one is an issue."""
    found = optional_payload(reader, slot)
    if found is None:
        reader.issue("payload_missing", slot, "the contract has it")
        return _missing("not recorded")
    return found


def optional_payload(reader: AttributeReader, slot: str) -> Payload | None:
    """The same, None where nothing is recorded; an invalid one is missing, and an issue."""
    if not reader.is_there(slot) and not reader.is_there(f"{slot}.mode"):
        return None
    mode = reader.choice(f"{slot}.mode", _MODES, required=True)
    policy = reader.text(f"{slot}.policy", required=True)
    if mode is None or policy is None:
        return _missing("recorded without its mode and policy")
    if mode in ("full", "redacted"):
        return _with_value(reader, slot, "full" if mode == "full" else "redacted", policy)
    if mode == "excluded":
        return Payload(mode="excluded", policy=policy)
    reference = reader.text(f"{slot}.reference", required=True)
    if reference is None:
        return _missing("a reference to nothing")
    return Payload(mode="reference", policy=policy, reference=reference)


def candidate(reader: AttributeReader, slot: str) -> Candidate:
    """The candidate of a slot; one that nothing is said of is not available."""
    found = optional_candidate(reader, slot)
    if found is None:
        reader.issue("candidate_missing", f"{slot}.available", "the contract has it")
        return Candidate(available=False, unavailable_reason=CANDIDATE_REASONS[-1])
    return found


def optional_candidate(reader: AttributeReader, slot: str) -> Candidate | None:
    """The same, None where nothing is said."""
    if not reader.is_there(f"{slot}.available"):
        return None
    if reader.flag(f"{slot}.available"):
        return Candidate(available=True, payload=payload(reader, slot))
    name = f"{slot}.unavailable_reason"
    reason = reader.choice(name, CANDIDATE_REASONS, required=True)
    return Candidate(available=False, unavailable_reason=reason or CANDIDATE_REASONS[-1])


def _with_value(
    reader: AttributeReader, slot: str, mode: Literal["full", "redacted"], policy: str
) -> Payload:
    text = reader.attributes.get(slot)
    if not isinstance(text, str):
        reader.invalid(slot, "expected JSON text")
        return _missing("its value is not JSON text")
    try:
        return Payload(mode=mode, policy=policy, value=parse_portable(text))
    except NotPortable as error:
        reader.invalid(slot, str(error))
        return _missing("its value is not portable JSON")


def _missing(reason: str) -> Payload:
    return Payload(mode="missing", reason=reason)
