"""Runs of agents: what went in and came out, their operations, and their store. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Literal

from indexer.clients.junjo.evidence.ends import cancellation, failure
from indexer.clients.junjo.evidence.model_requests import (
    MODEL_REQUEST,
    ModelRequest,
    model_request,
)
from indexer.clients.junjo.evidence.operations import OPERATION_TYPE, Operation
from indexer.clients.junjo.evidence.payloads import optional_candidate, optional_payload, payload
from indexer.clients.junjo.evidence.reader import AttributeReader
from indexer.clients.junjo.evidence.source import SourceSpan, losses_of
from indexer.clients.junjo.evidence.store_owners import StoresByOwner
from indexer.clients.junjo.evidence.stores import AGENT_SLOTS, StoreDetail, unavailable
from indexer.clients.junjo.evidence.summaries import AGENT, AgentSummary, agent_summary
from indexer.clients.junjo.evidence.tool_calls import (
    AskedCall,
    RunFacts,
    asked_calls,
    requested_calls,
)
from indexer.clients.junjo.evidence.tool_operations import TOOL, ToolOperation, tool_operation
from indexer.clients.junjo.evidence.values import (
    Cancellation,
    Candidate,
    Failure,
    Integrity,
    Issue,
    Payload,
)
from indexer.deferred_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One run of an agent as an executable."""

    executable_type: Literal["agent"] = field(default=AGENT)
    owner_span_id: str
    runtime_id: str
    store_id: str | None
    unavailable_store: StoreDetail | None
    summary: AgentSummary
    definition: Payload
    input: Payload | None
    output: Payload | None
    input_candidate: Candidate | None
    history_candidate: Candidate | None
    error: Failure | None
    cancellation: Cancellation | None
    integrity: Integrity


@dataclass(frozen=True, slots=True)
class AgentRun:
    """The executable, and its operations in order of their sequence."""

    agent: Agent
    operations: Sequence[Operation]


def agent_run(
    source: SourceSpan,
    children: Sequence[SourceSpan],
    stores: StoresByOwner,
    issues: list[Issue],
) -> AgentRun | None:
    """The run of an agent's span; None, and issues, for one that breaks a rule.

    ``children`` are the spans right below it.
    """
    reader = AttributeReader(source.attributes, f"spans.{source.span_id}", issues)
    summary = agent_summary(source, reader)
    if summary is None:
        return None
    issues.extend(source.omissions)
    own = [one for one in children if _is_of_run(one, summary)]
    missing_store = _claim(source, own, stores, reader)
    store_id = reader.text(AGENT_SLOTS.store_id) if missing_store is None else None
    definition = payload(reader, "junjo.agent.definition_snapshot")
    facts = RunFacts(
        ordinals={},
        admitted=_admitted(stores, store_id),
        termination_reason=summary.termination_reason,
        tool_names=_tool_names(definition.value),
    )
    operations = _operations(own, facts, issues)
    _compare_count(summary, operations, reader)
    agent = Agent(
        owner_span_id=source.span_id,
        runtime_id=summary.runtime_id,
        store_id=store_id,
        unavailable_store=missing_store,
        summary=summary,
        definition=definition,
        input=optional_payload(reader, "junjo.agent.input"),
        output=optional_payload(reader, "junjo.agent.output"),
        input_candidate=optional_candidate(reader, "junjo.agent.input_candidate"),
        history_candidate=optional_candidate(reader, "junjo.agent.history_candidate"),
        error=failure(source, reader),
        cancellation=cancellation(reader),
        integrity=Integrity.of(issues, losses_of([source, *own])),
    )
    return AgentRun(agent, operations)


def _is_of_run(child: SourceSpan, summary: AgentSummary) -> bool:
    attributes = child.attributes
    return (
        child.is_of_contract
        and OPERATION_TYPE in attributes
        and attributes.get("junjo.agent.runtime_id") == summary.runtime_id
        and attributes.get("junjo.agent.key") == summary.agent_key
    )


def _claim(
    source: SourceSpan, own: Sequence[SourceSpan], stores: StoresByOwner, reader: AttributeReader
) -> StoreDetail | None:
    """None once the store is among ``stores``, or what there is instead of it."""
    if not reader.flag("junjo.agent.state.available", required=True):
        return unavailable("the run did not come to have a state")
    missing = stores.claim(source, AGENT_SLOTS, AGENT, of_spans={source, *own})
    if missing is not None:
        message = missing.reconstruction_reason or ""
        reader.issue("store_unavailable", AGENT_SLOTS.store_id, message)
    return missing


def _admitted(stores: StoresByOwner, store_id: str | None) -> Collection[str] | None:
    """IDs of the calls that the verified last state says were admitted."""
    if store_id is None:
        return None
    detail = stores.stores[store_id].detail
    state = None if detail.end is None or not detail.reconstructable else detail.end.value
    found = state.get("admitted_tool_call_ids") if isinstance(state, dict) else None
    is_list = isinstance(found, list) and all(isinstance(one, str) for one in found)
    return frozenset(found) if is_list and found is not None else None


def _tool_names(definition: Any) -> Collection[str] | None:
    tools = definition.get("tools") if isinstance(definition, dict) else None
    if not isinstance(tools, list) or not all(isinstance(one, dict) for one in tools):
        return None
    return [one.get("name") for one in tools]


def _operations(
    own: Sequence[SourceSpan], facts: RunFacts, issues: list[Issue]
) -> Sequence[Operation]:
    read = [one for child in own if (one := _operation(child, issues)) is not None]
    unique: dict[int, Operation] = {}
    for one in sorted(read, key=lambda found: found.sequence):
        if one.sequence in unique:
            path = f"spans.{one.span_id}.junjo.agent.operation.sequence"
            message = f"another operation has the sequence {one.sequence} already"
            issues.append(Issue("operation_sequence_repeated", path, message))
        else:
            unique[one.sequence] = one
    return _with_calls(list(unique.values()), facts, issues)


def _operation(source: SourceSpan, issues: list[Issue]) -> Operation | None:
    reader = AttributeReader(source.attributes, f"spans.{source.span_id}", issues)
    issues.extend(source.omissions)
    kind = reader.choice(OPERATION_TYPE, (MODEL_REQUEST, TOOL), required=True)
    if kind is None:
        return None
    read = model_request if kind == MODEL_REQUEST else tool_operation
    found = read(source, reader)
    if found is None:
        reader.issue("operation_omitted", OPERATION_TYPE, "the operation breaks the contract")
    return found


def _with_calls(
    operations: Sequence[Operation], facts: RunFacts, issues: list[Issue]
) -> Sequence[Operation]:
    """Each model request with the calls that its response asks for."""
    observed = [one for one in operations if isinstance(one, ToolOperation)]
    facts = replace(facts, ordinals={one.call_id: one.ordinal for one in observed})
    requests = [one for one in operations if isinstance(one, ModelRequest)]
    batches = [_requested_calls(one, issues) for one in requests]
    calls: Mapping[str, Any] = {
        one.span_id: found
        for one, found in zip(requests, requested_calls(batches, facts), strict=True)
    }
    return [
        replace(one, requested_tool_calls=calls[one.span_id])
        if isinstance(one, ModelRequest)
        else one
        for one in operations
    ]


def _requested_calls(request: ModelRequest, issues: list[Issue]) -> Sequence[AskedCall]:
    if request.response_type != "tool_calls" or request.response is None:
        return ()
    found = asked_calls(request.response.value)
    if found is None:
        path = f"spans.{request.span_id}.junjo.agent.model.response"
        message = "the calls that it asks for cannot be read"
        issues.append(Issue("tool_calls_unreadable", path, message))
    return found or ()


def _compare_count(
    summary: AgentSummary, operations: Sequence[Operation], reader: AttributeReader
) -> None:
    if len(operations) != summary.counts.operations:
        message = f"{len(operations)} operations are here, the run counted "
        reader.issue(
            "operation_count_mismatch",
            "junjo.agent.operation.count",
            f"{message}{summary.counts.operations}",
        )
