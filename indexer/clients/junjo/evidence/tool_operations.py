"""Calls of an agent's tools, by their spans. Pure."""

import re
from dataclasses import field
from typing import Any, Literal

from indexer.clients.junjo.evidence.operations import (
    Operation,
    common_fields,
    only_of_completed,
)
from indexer.clients.junjo.evidence.payloads import candidate, optional_payload, payload
from indexer.clients.junjo.evidence.reader import AttributeReader
from indexer.clients.junjo.evidence.source import SourceSpan
from indexer.clients.junjo.evidence.values import Candidate, Payload
from indexer.deferred_dataclass import dataclass

TOOL: Literal["tool"] = "tool"
TOOL_STRUCTURAL_ID = re.compile(r"tool_sha256:[0-9a-f]{64}", re.ASCII)
_TOOL = "junjo.agent.tool"
_RESULT, _REVISION_AFTER = f"{_TOOL}.result", f"{_TOOL}.state_revision.after"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOperation(Operation):
    """Only a completed call has a result and a revision after it."""

    operation_type: Literal["tool"] = field(default=TOOL)
    call_id: str
    tool_name: str
    tool_structural_id: str
    state_revision_before: int
    state_revision_after: int | None = None
    requested_arguments: Payload
    arguments: Payload | None
    result_candidate: Candidate
    result: Payload | None = None


def tool_operation(source: SourceSpan, reader: AttributeReader) -> ToolOperation | None:
    """The call of a span; None for one that breaks a rule."""
    common = common_fields(source, reader, "junjo.agent.tool_call.ordinal")
    call_id = reader.text("junjo.agent.tool_call.id", required=True)
    name = reader.text(f"{_TOOL}.name", required=True)
    structural_id = reader.text(f"{_TOOL}.structural_id", required=True) or ""
    before = reader.count(f"{_TOOL}.state_revision.before", required=True)
    if not TOOL_STRUCTURAL_ID.fullmatch(structural_id):
        reader.invalid(f"{_TOOL}.structural_id", "expected tool_sha256: and 64 hex digits")
        return None
    if common is None or call_id is None or name is None or before is None:
        return None
    result = _result(reader, common["outcome"])
    if result is None:
        return None
    return ToolOperation(
        **common,
        call_id=call_id,
        tool_name=name,
        tool_structural_id=structural_id,
        state_revision_before=before,
        requested_arguments=payload(reader, f"{_TOOL}.requested_arguments"),
        result_candidate=candidate(reader, f"{_TOOL}.result_candidate"),
        **result,
    )


def _result(reader: AttributeReader, outcome: str) -> dict[str, Any] | None:
    """The arguments, and what only a completed call has; None where it lacks the revision."""
    arguments = f"{_TOOL}.arguments"
    if outcome != "completed":
        only_of_completed(reader, (_RESULT, _REVISION_AFTER), outcome)
        return {"arguments": optional_payload(reader, arguments)}
    after = reader.count(_REVISION_AFTER, required=True)
    if after is None:
        return None
    return {
        "arguments": payload(reader, arguments),
        "state_revision_after": after,
        "result": payload(reader, _RESULT),
    }
