"""Evidence of whole traces: of runs of the Junjo SDK, and of whatever else spans may hold."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.clients.junjo import span_20
from indexer.clients.junjo.evidence.trace import DIAGNOSTICS_MAX, evidence_body
from indexer.clients.shared.json_text import as_json
from indexer.query.span import Span
from tests.support import junjo_agents, junjo_workflows
from tests.support.answered_spans import answered
from tests.support.drawn.junjo_damage import damaged
from tests.support.junjo_evidence_bodies import TraceEvidence
from tests.support.junjo_front_ends import SPANS
from tests.support.junjo_runs import JunjoRun

RUNS = {
    "completed": junjo_workflows.completed,
    "failed": junjo_workflows.failed,
    "cancelled": junjo_workflows.cancelled,
    "agent in a workflow": junjo_agents.in_a_workflow,
    **{
        f"agent, {reason}": (lambda reason=reason: junjo_agents.ends()[reason])
        for reason in (
            "final_output",
            "input_validation_error",
            "limit_exceeded",
            "model_error",
            "model_response_error",
            "unknown_tool",
            "tool_input_validation_error",
            "tool_error",
            "output_validation_error",
            "cancelled",
        )
    },
}


def accepted(spans: Sequence[Span]) -> dict[str, Any]:
    """The body of a trace, which the front end's rules allow."""
    bodies = [span_20.body(one).fields for one in spans]
    body = json.loads(as_json(evidence_body("ab" * 16, spans, bodies)))
    TraceEvidence.model_validate(body)
    for one in body["spans"]:
        SPANS["0.82"].model_validate(one)
    return body


@pytest.mark.parametrize("name", RUNS)
def test_a_run_of_the_sdk_is_whole_and_its_states_are_the_sdks(name: str) -> None:
    """Every store is verified, nothing is diagnosed, and each last state is that of the store."""
    run: JunjoRun = RUNS[name]()
    body = accepted(run.spans)
    shown = {
        store_id: store["detail"]["end"]["value"]
        for store_id, store in body["stores_by_id"].items()
    }
    assert {store_id: shown[store_id] for store_id in run.states} == run.states
    assert body["diagnostics"] == []
    for owner in (*body["executables_by_span_id"].values(), *body["stores_by_id"].values()):
        assert owner["integrity"]["status"] == "complete"
    for store in body["stores_by_id"].values():
        detail = store["detail"]
        states = [detail["start"]["value"], *(one["after"] for one in detail["transitions"])]
        assert detail["reconstruction_status"] == "verified"
        assert states[-1] == detail["end"]["value"]
        assert states[:-1] == [one["before"] for one in detail["transitions"]]


@pytest.mark.parametrize("name", ["completed", "agent, final_output", "agent, tool_error"])
@settings(max_examples=25)
@given(data=st.data())
def test_whatever_a_span_holds_the_answer_is_one_that_is_taken(
    name: str, data: st.DataObject
) -> None:
    """Values of a real run that are missing, or others, cost no more than what rests on them."""
    accepted(data.draw(damaged(RUNS[name]().spans)))


def test_runs_that_begin_with_one_seed_are_traces_of_their_own() -> None:
    """Each property begins with the seed 0, and whichever is first makes a run for all."""
    traces = set()
    for _ in range(2):
        random.seed(0)
        traces.add(junjo_agents.run_of(given={"not": "text"}).spans[0].trace_id)
    assert len(traces) == 2


def test_a_run_of_an_older_contract_is_diagnosed() -> None:
    """There is no evidence of it, and the body says so."""
    attributes = {"junjo.span_type": "workflow", "junjo.telemetry.contract_version": 1}
    body = accepted([answered(attributes=attributes)])
    assert body["executables_by_span_id"] == {}
    assert [(one["owner_span_id"], one["issue"]["code"]) for one in body["diagnostics"]] == [
        ("cd" * 8, "unsupported_contract")
    ]


def test_diagnostics_are_bounded_and_say_what_is_left_out() -> None:
    """The last one counts the others."""
    attributes = {"junjo.span_type": "agent"}
    spans = [
        answered(span_id=f"{at:016x}", attributes=attributes) for at in range(DIAGNOSTICS_MAX + 2)
    ]
    found = accepted(spans)["diagnostics"]
    assert len(found) == DIAGNOSTICS_MAX
    assert found[-1]["issue"] == {
        "code": "diagnostics_omitted",
        "path": "diagnostics",
        "message": "3 more are left out",
    }


def without(run: JunjoRun, name: str) -> list[Span]:
    return [one for one in run.spans if one.name != name]


def test_operations_and_transitions_without_their_owner_are_diagnosed() -> None:
    """Their agent's span, and their workflow's, has not come."""
    run = junjo_agents.in_a_workflow()
    codes = {
        one["issue"]["code"]
        for name in ("Weather", "Flow", "Ask")
        for one in accepted(without(run, name))["diagnostics"]
    }
    assert codes == {"operation_without_agent", "transitions_without_store", "parent_not_found"}


def test_a_second_owner_of_a_run_or_a_store_is_diagnosed() -> None:
    """The first in order has it."""
    run = junjo_agents.in_a_workflow()
    copies = [
        one._replace(span_id="ff" * 7 + f"{at:02x}")
        for at, one in enumerate(run.spans)
        if one.name in {"Weather", "Flow"}
    ]
    body = accepted([*run.spans, *copies])
    issues = [one["issue"]["code"] for one in body["diagnostics"]]
    assert issues == ["runtime_id_repeated"]
    [again] = (
        one
        for one in body["executables_by_span_id"].values()
        if one["unavailable_store"] is not None
    )
    assert again["integrity"]["diagnostics"][0]["code"] == "store_unavailable"
    assert body["stores_by_id"].keys() >= run.states.keys()
