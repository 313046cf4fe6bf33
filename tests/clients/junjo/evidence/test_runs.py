"""Lists of runs and resolved executions, where spans are not as the contract has them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from indexer.clients.junjo.evidence.runs import Identity, RunFilter, RunList, ambiguity, resolution
from indexer.clients.junjo.evidence.values import as_body
from indexer.clients.shared.json_text import as_json
from indexer.query.span import Span
from indexer.spans.payload import Payload
from tests.support import junjo_agents
from tests.support.drawn.junjo_damage import damaged
from tests.support.junjo_evidence_bodies import AmbiguousResolution, Refusal, Resolution, Summary
from tests.support.junjo_runs import NAMESPACE, SERVICE

WANTED = RunFilter(service_namespace=NAMESPACE, service_name=SERVICE)


def agent_span(**changed: object) -> Span:
    """The span of a run that completed, with other attributes."""
    span = junjo_agents.ends()["final_output"].named("Weather")
    payload = span.payload or Payload()
    attributes = {
        **payload.attributes,
        **{f"junjo.{name.replace('__', '.')}": value for name, value in changed.items()},
    }
    return span._replace(payload=payload._replace(attributes=attributes))


OLDER = {"telemetry__contract_version": 1}
BROKEN = [
    {"executable_structural_id": "agent_sha256:0"},
    {"executable_runtime_id": ""},
    {"agent__limit__tool_calls": 0},
    {"agent__tool_call__completed_count": 9},
    {"agent__tool_call__admitted_count": True},
    {"agent__model_request__count": 5},
    {"agent__outcome": "failed"},
    {"agent__runtime_id": "another"},
    {"agent__termination_reason": "boredom"},
    {"agent__usage": '{"v":1,"modelResponses":9,"fields":{}}'},
    {"agent__usage": '{"v":1,"modelResponses":3,"fields":{"words":{"sum":1,"observations":1}}}'},
    {"agent__usage": '{"modelResponses":3,"fields":{"totalTokens":{"sum":1,"observations":4}}}'},
    {"agent__usage": "[]"},
]


@pytest.mark.parametrize("changed", BROKEN)
def test_a_run_that_would_have_the_list_rejected_is_left_out(changed: dict[str, object]) -> None:
    """The others are listed; where there are none, the refusal says what is wrong."""
    runs = RunList()
    runs.add([agent_span(**changed)], WANTED)
    refusal = Refusal.model_validate(runs.refusal)
    assert refusal.code == "unidentifiable_agent"
    assert refusal.diagnostics
    runs.add([agent_span()], WANTED)
    assert len(runs.summaries) == 1
    assert runs.refusal is None


def test_runs_of_an_older_contract_are_refused_as_such() -> None:
    runs = RunList()
    runs.add([agent_span(**OLDER)], WANTED)
    assert Refusal.model_validate(runs.refusal).code == "unsupported_contract"


def test_a_list_of_nothing_is_empty_and_not_refused() -> None:
    """Runs that are not wanted are no reason to refuse."""
    runs = RunList()
    runs.add([agent_span()], replace(WANTED, outcome="failed"))
    runs.add([agent_span(**OLDER)], replace(WANTED, service_name="another"))
    assert (runs.summaries, runs.refusal) == ([], None)


def test_a_run_is_within_the_times_that_are_asked_for() -> None:
    """It starts at the first or later, and ends at the last or earlier."""
    span = agent_span()
    start, end = span.start_time_unix_nano, span.end_time_unix_nano or 0
    for first, last, count in (
        (start, end, 1),
        (start + 1, end, 0),
        (start, end - 1, 0),
    ):
        runs = RunList()
        runs.add([span], replace(WANTED, starts_unix_nano=first, ends_unix_nano=last))
        assert len(runs.summaries) == count


@settings(max_examples=25)
@given(data=st.data())
def test_whatever_spans_hold_a_list_and_an_identity_are_ones_that_are_taken(
    data: st.DataObject,
) -> None:
    """Of values of a real run that are missing, or others."""
    spans = data.draw(damaged(junjo_agents.ends()["final_output"].spans))
    runs = RunList()
    runs.add(spans, WANTED)
    body = json.loads(as_json([as_body(one) for one in runs.summaries]))
    TypeAdapter(list[Summary]).validate_python(body)
    if runs.refusal is not None:
        Refusal.model_validate(json.loads(as_json(runs.refusal)))
    of = {"service_namespace": NAMESPACE, "service_name": SERVICE, "executable_type": "agent"}
    assert Identity(**of, runtime_id="none").matching(spans) == []


def test_an_identity_of_two_executions_is_ambiguous() -> None:
    """Copies of one span are one; the same in another trace are two."""
    span = agent_span()
    identity = Identity(
        service_namespace=NAMESPACE,
        service_name=SERVICE,
        executable_type="agent",
        runtime_id=(span.payload or Payload()).attributes["junjo.executable_runtime_id"],
    )
    (found,) = identity.matching([span, span._replace(span_kind=2), agent_span(**OLDER)])
    assert Resolution.model_validate(as_body(resolution(identity, found))).span_id == span.span_id
    both = identity.matching([span, span._replace(trace_id="cd" * 16)])
    assert AmbiguousResolution.model_validate(ambiguity(both)).match_count == 2
