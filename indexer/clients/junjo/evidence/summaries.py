"""One run of an agent in a few numbers, as lists of runs show it. Pure.

A list with a run that breaks one of the contract's rules is rejected as a whole, so such a run has
no summary, and the issues say why.
"""

import re
from typing import Any, Literal

from indexer.clients.junjo.evidence.ends import Outcome, timing
from indexer.clients.junjo.evidence.portable import NotPortable, parse_portable
from indexer.clients.junjo.evidence.reader import AttributeReader, is_count
from indexer.clients.junjo.evidence.services import Service, service_of
from indexer.clients.junjo.evidence.source import SourceSpan
from indexer.deferred_dataclass import dataclass

AGENT: Literal["agent"] = "agent"
"""The ``junjo.span_type`` of an agent's run."""
AGENT_STRUCTURAL_ID = re.compile(r"agent_sha256:[0-9a-f]{64}", re.ASCII)
OUTCOMES: dict[str, Outcome] = {
    "final_output": "completed",
    "cancelled": "cancelled",
    **dict.fromkeys(
        (
            "input_validation_error",
            "history_validation_error",
            "limit_exceeded",
            "model_error",
            "model_response_error",
            "unknown_tool",
            "tool_input_validation_error",
            "tool_error",
            "tool_output_validation_error",
            "output_validation_error",
            "internal_error",
        ),
        "failed",
    ),
}
"""The outcome of a run, by the reason why it ended."""
_USAGE_FIELDS = (
    "inputTokens",
    "outputTokens",
    "cachedInputTokens",
    "reasoningTokens",
    "totalTokens",
)
_USAGE = "junjo.agent.usage"


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one run; at least one each."""

    model_requests: int
    tool_calls: int


@dataclass(frozen=True, slots=True)
class ToolCallCounts:
    """Each at most the one before it."""

    requested: int
    admitted: int
    started: int
    completed: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one run."""

    operations: int
    model_requests: int
    tool_calls: ToolCallCounts


@dataclass(frozen=True, slots=True)
class Usage:
    """``fields`` has, by name, the sum and how many responses said it."""

    model_responses: int
    fields: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSummary:
    """One run of an agent."""

    trace_id: str
    agent_span_id: str
    service: Service
    agent_key: str
    agent_name: str
    structural_id: str
    definition_id: str
    runtime_id: str
    start_time: str
    end_time: str
    duration_ns: int
    outcome: Literal["completed", "failed", "cancelled"]
    termination_reason: str
    limits: Limits
    counts: Counts
    usage: Usage


def agent_summary(source: SourceSpan, reader: AttributeReader) -> AgentSummary | None:
    """The summary of an agent's span; None for one that breaks a rule, which is then an issue."""
    before = len(reader.issues)
    found = _read(source, reader)
    if found is not None:
        _check(found, reader)
    return found if len(reader.issues) == before else None


def _read(source: SourceSpan, reader: AttributeReader) -> AgentSummary | None:
    service = service_of(source)
    if service is None:
        reader.issue("service_missing", "service.name", "the service has no name")
    structural_id = reader.text("junjo.executable_structural_id", required=True) or ""
    if not AGENT_STRUCTURAL_ID.fullmatch(structural_id):
        reader.invalid("junjo.executable_structural_id", "expected agent_sha256: and 64 hex digits")
    when = timing(source.span)
    texts = {
        field: reader.text(name, required=True)
        for field, name in (
            ("agent_key", "junjo.agent.key"),
            ("agent_name", "junjo.agent.name"),
            ("definition_id", "junjo.executable_definition_id"),
            ("runtime_id", "junjo.executable_runtime_id"),
        )
    }
    limits, counts, usage = _limits(reader), _counts(reader), _usage(reader)
    reason = reader.choice("junjo.agent.termination_reason", OUTCOMES, required=True)
    if service is None or usage is None or reason is None or None in texts.values():
        return None
    return AgentSummary(
        trace_id=source.span.trace_id,
        agent_span_id=source.span_id,
        service=service,
        structural_id=structural_id,
        start_time=when.start_time,
        end_time=when.end_time,
        duration_ns=when.duration_ns,
        outcome=OUTCOMES[reason],
        termination_reason=reason,
        limits=limits,
        counts=counts,
        usage=usage,
        **{field: text or "" for field, text in texts.items()},
    )


def _check(found: AgentSummary, reader: AttributeReader) -> None:
    calls, counts = found.counts.tool_calls, found.counts
    if reader.attributes.get("junjo.agent.outcome") != found.outcome:
        reader.issue("outcome_mismatch", "junjo.agent.outcome", f"expected {found.outcome}")
    if reader.attributes.get("junjo.agent.runtime_id") != found.runtime_id:
        message = "expected junjo.executable_runtime_id"
        reader.issue("runtime_id_mismatch", "junjo.agent.runtime_id", message)
    in_order = (calls.completed, calls.started, calls.admitted, calls.requested)
    if list(in_order) != sorted(in_order):
        message = "expected completed <= started <= admitted <= requested"
        reader.issue("counts_contradict", "junjo.agent.tool_call", message)
    responses, requests = found.usage.model_responses, counts.model_requests
    limits = (
        ("tool calls admitted", calls.admitted, found.limits.tool_calls),
        ("model responses", responses, requests),
        ("model requests", requests, min(found.limits.model_requests, counts.operations)),
        *(
            (f"observations of {name}", one["observations"], responses)
            for name, one in found.usage.fields.items()
        ),
    )
    for name, number, most in limits:
        if number > most:
            reader.issue("counts_contradict", "junjo.agent", f"{number} {name}, at most {most}")


def _limits(reader: AttributeReader) -> Limits:
    return Limits(
        reader.count("junjo.agent.limit.model_requests", 1, required=True) or 1,
        reader.count("junjo.agent.limit.tool_calls", 1, required=True) or 1,
    )


def _counts(reader: AttributeReader) -> Counts:
    calls = [
        reader.count(f"junjo.agent.tool_call.{name}_count", required=True) or 0
        for name in ("requested", "admitted", "started", "completed")
    ]
    return Counts(
        reader.count("junjo.agent.operation.count", required=True) or 0,
        reader.count("junjo.agent.model_request.count", required=True) or 0,
        ToolCallCounts(*calls),
    )


def _usage(reader: AttributeReader) -> Usage | None:
    text = reader.text(_USAGE, required=True)
    if text is None:
        return None
    try:
        value = parse_portable(text)
    except NotPortable as error:
        reader.invalid(_USAGE, str(error))
        return None
    fields = value.get("fields") if isinstance(value, dict) else None
    responses = value.get("modelResponses") if isinstance(value, dict) else None
    if not isinstance(fields, dict) or not is_count(responses, 0):
        reader.invalid(_USAGE, "expected modelResponses and fields")
        return None
    if not all(name in _USAGE_FIELDS and _is_sum(one) for name, one in fields.items()):
        reader.invalid(_USAGE, "expected a sum and observations of each kind of tokens")
        return None
    return Usage(
        responses,
        {
            name: {"sum": one["sum"], "observations": one["observations"]}
            for name, one in fields.items()
        },
    )


def _is_sum(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and is_count(value.get("sum"), 0)
        and is_count(value.get("observations"), 1)
    )
