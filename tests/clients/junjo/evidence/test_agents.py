"""Runs of agents of the SDK: their operations, calls and relationships, for each way to end."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.clients.junjo.evidence.agents import Agent
from indexer.clients.junjo.evidence.model_requests import ModelRequest, TokenUsage
from indexer.clients.junjo.evidence.tool_calls import (
    AskedCall,
    RunFacts,
    asked_calls,
    requested_calls,
)
from indexer.clients.junjo.evidence.tool_operations import ToolOperation
from indexer.clients.junjo.evidence.trace import TraceEvidence, trace_evidence
from indexer.spans.payload import Payload
from tests.support import junjo_agents
from tests.support.junjo_runs import JunjoRun


def run_of(reason: str) -> tuple[Agent, list[Any], TraceEvidence]:
    """The executable, its operations, and all evidence of the trace."""
    found = trace_evidence(junjo_agents.ends()[reason].spans)
    (agent,) = (one for one in found.executables.values() if isinstance(one, Agent))
    return agent, list(found.operations[agent.runtime_id].values()), found


def test_a_run_with_tools_has_its_operations_in_order() -> None:
    """With what was asked, answered and used, as the SDK's own result has it."""
    agent, operations, _ = run_of("final_output")
    result = junjo_agents.ends()["final_output"].result
    kinds = [(one.sequence, one.operation_type, one.ordinal) for one in operations]
    assert kinds == [
        (1, "model_request", 1),
        (2, "tool", 1),
        (3, "tool", 2),
        (4, "model_request", 2),
        (5, "tool", 3),
        (6, "model_request", 3),
    ]
    assert {one.outcome for one in operations} == {"completed"}
    tool, last = operations[1], operations[-1]
    assert isinstance(tool, ToolOperation)
    assert (tool.tool_name, tool.call_id) == ("weather", "c1")
    assert tool.arguments is not None
    assert tool.arguments.value == {"city": "Bern"}
    assert tool.result is not None
    assert tool.result.value == "sunny in Bern"
    assert isinstance(last, ModelRequest)
    assert last.usage == TokenUsage(
        input_tokens=3,
        output_tokens=5,
        cached_input_tokens=None,
        reasoning_tokens=None,
        total_tokens=None,
    )
    assert agent.output is not None
    assert agent.output.value == result.output
    assert agent.summary.runtime_id == result.run_id
    assert agent.summary.counts.tool_calls.completed == result.tool_call_completed_count
    assert agent.summary.usage.fields["inputTokens"] == {"sum": 17, "observations": 3}


CALLS = {
    "final_output": [("c1", True, "admitted", None), ("c2", True, "admitted", None)],
    "tool_error": [("c1", True, "admitted", None), ("c2", True, "admitted", None)],
    "cancelled": [
        ("c1", True, "admitted", None),
        ("c2", False, "admitted", "execution_interrupted"),
    ],
    "limit_exceeded": [
        ("c1", False, "not_admitted", "limit_exceeded"),
        ("c2", False, "not_admitted", "limit_exceeded"),
    ],
    "unknown_tool": [
        ("c1", False, "not_admitted", "batch_preflight_rejected"),
        ("c2", False, "not_admitted", "unknown_tool"),
    ],
    "tool_input_validation_error": [
        ("c2", True, "not_admitted", "tool_input_validation_error"),
        ("c1", False, "not_admitted", "batch_preflight_rejected"),
    ],
}


@pytest.mark.parametrize("reason", CALLS)
def test_what_became_of_each_call_is_read_from_the_store(reason: str) -> None:
    _, (request, *_), _ = run_of(reason)
    assert isinstance(request, ModelRequest)
    assert [
        (one.call_id, one.observed_tool_operation, one.admission, one.reason)
        for one in request.requested_tool_calls
    ] == CALLS[reason]
    assert [one.ordinal for one in request.requested_tool_calls] == [1, 2]


ENDS = {
    "tool_error": ("failed", "junjo.agent.errors.AgentToolError"),
    "model_error": ("failed", "junjo.agent.errors.AgentModelError"),
    "cancelled": ("cancelled", None),
}


@pytest.mark.parametrize("reason", ENDS)
def test_an_operation_ends_as_its_run(reason: str) -> None:
    """The last one has the error or the cancellation, and so has the run."""
    agent, operations, _ = run_of(reason)
    outcome, error = ENDS[reason]
    assert agent.summary.outcome == operations[-1].outcome == outcome
    for one in (agent, operations[-1]):
        assert (one.error is not None) is (outcome == "failed")
        assert (one.cancellation is not None) is (outcome == "cancelled")
        assert error is None or one.error.type.endswith(error.rsplit(".", 1)[-1])


def test_a_run_that_was_not_admitted_has_no_store_but_what_was_given() -> None:
    agent, operations, _ = run_of("input_validation_error")
    assert (agent.store_id, operations) == (None, [])
    assert agent.unavailable_store is not None
    assert agent.input is None
    assert agent.input_candidate is not None
    assert agent.input_candidate.payload is not None
    assert agent.input_candidate.payload.value == {"not": "text"}
    assert agent.integrity.status == "complete"


def test_a_workflow_that_a_tool_runs_is_nested_below_its_operation() -> None:
    agent, operations, found = run_of("final_output")
    (nested,) = found.relationships[agent.owner_span_id].nested
    flow = junjo_agents.ends()["final_output"].named("Flow")
    assert (nested.executable_type, nested.span_id) == ("workflow", flow.span_id)
    assert nested.parent_operation_sequence == 5
    assert nested.parent_operation_span_id == operations[4].span_id


def test_the_parent_of_a_run_is_the_node_that_asked_it() -> None:
    run: JunjoRun = junjo_agents.in_a_workflow()
    found = trace_evidence(run.spans)
    relationships = found.relationships[run.named("Weather").span_id]
    assert relationships.parent is not None
    assert relationships.parent.executable_type == "node"
    assert relationships.parent.span_id == run.named("Ask").span_id
    assert relationships.parent.physical_parent_span_id == run.named("Ask").span_id


def test_what_is_recorded_after_an_end_that_has_none_is_an_issue() -> None:
    """A failed request has no response, whatever its span says."""
    run = junjo_agents.ends()["model_error"]
    spans = [
        one._replace(
            payload=(one.payload or Payload())._replace(
                attributes={
                    **(one.payload or Payload()).attributes,
                    "junjo.agent.model.response_type": "final_output",
                }
            )
        )
        if one.name.startswith("model request")
        else one
        for one in run.spans
    ]
    found = trace_evidence(spans)
    (agent,) = found.executables.values()
    assert [one.code for one in agent.integrity.diagnostics] == ["result_without_completion"]


def test_an_operation_with_the_status_of_an_error_failed_though_it_names_none() -> None:
    """It has no result then."""
    run = junjo_agents.ends()["final_output"]
    spans = [
        one._replace(status_code=2) if one.name.startswith("tool weather") else one
        for one in run.spans
    ]
    found = trace_evidence(spans)
    (agent,) = (one for one in found.executables.values() if isinstance(one, Agent))
    tools = [
        one
        for one in found.operations[agent.runtime_id].values()
        if isinstance(one, ToolOperation) and one.tool_name == "weather"
    ]
    assert {(one.outcome, one.error, one.result) for one in tools} == {("failed", None, None)}
    assert agent.integrity.status == "partial"


def test_operations_that_are_missing_are_counted() -> None:
    """Their transitions are missing too, so that nothing says which calls were admitted."""
    run = junjo_agents.ends()["tool_error"]
    found = trace_evidence([one for one in run.spans if not one.name.startswith("tool")])
    (agent,) = found.executables.values()
    assert "operation_count_mismatch" in {one.code for one in agent.integrity.diagnostics}
    (request,) = found.operations[str(agent.runtime_id)].values()
    assert isinstance(request, ModelRequest)
    assert {one.reason for one in request.requested_tool_calls} == {"store_evidence_unavailable"}


def test_calls_of_a_store_that_is_not_verified_are_unknown() -> None:
    facts = RunFacts(ordinals={}, admitted=None, termination_reason="cancelled", tool_names=None)
    ((call,),) = requested_calls([[AskedCall("c", "t")]], facts)
    assert (call.admission, call.reason) == ("unknown", "store_evidence_unavailable")


@pytest.mark.parametrize(
    "response", [None, [], {"calls": [7]}, {"calls": [{"id": "", "name": "n"}]}]
)
def test_calls_that_cannot_be_read_are_none(response: Any) -> None:
    assert asked_calls(response) is None
