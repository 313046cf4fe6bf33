"""The requests that only the front end of 0.82 makes, over spans of the SDK in files and beside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from pydantic import TypeAdapter

from indexer.clients.junjo import evidence_search
from indexer.hot.view import DecodedRows, HotView
from indexer.ingest.parquet import write_span_file
from indexer.otlp.spans import span_table
from indexer.query.answers import Answers
from indexer.query.catalog_moments import CatalogMoments
from indexer.system.storage import LocalStorage
from tests.clients.test_routes_junjo import KEYS, WELL, Host
from tests.support import junjo_agents, junjo_workflows
from tests.support.catalogs import indexed
from tests.support.junjo_evidence_bodies import (
    Resolution,
    Summary,
    TraceEvidence,
)
from tests.support.junjo_front_ends import SPANS
from tests.support.junjo_requests import FrontEnd
from tests.support.junjo_runs import NAMESPACE, SERVICE, VERSION, JunjoRun
from tests.support.served import Said, Served, serving

pytestmark = pytest.mark.duckdb

V1 = "/junjo/0.82/api/v1"
SUMMARIES = TypeAdapter(list[Summary])
OF = {"service_namespace": NAMESPACE, "service_name": SERVICE}


def in_files() -> list[JunjoRun]:
    return [junjo_workflows.completed(), *junjo_agents.ends().values()]


def exported(runs: Sequence[JunjoRun]) -> pa.Table:
    """The spans of the runs as the SDK's exporter sends them, decoded."""
    return span_table([encode_spans(run.sent).SerializeToString() for run in runs])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Most runs are in a file of the index, one in a file that it lacks, one in no file."""
    with indexed(tmp_path_factory.mktemp("evidence"), keys=KEYS) as one:
        write_span_file(exported(in_files()), one.root / "a.parquet")
        one.settle()
        recent = one.root / "b.parquet"
        write_span_file(exported([junjo_workflows.failed()]), recent)
        view = HotView(
            rows=DecodedRows(exported([junjo_agents.in_a_workflow()])),
            as_of_unix_nano=5,
            recent_files=(str(recent),),
            source="incremental",
            bounded=False,
        )
        answers = Answers(
            moments=CatalogMoments(cursor=one.catalog.cursor, storage=LocalStorage(one.root)),
            hot=lambda: view,
        )
        with serving(host=Host(answers, {**WELL, "storage_root": str(one.root)})) as served:
            yield served


def evidence(service: Served, run: JunjoRun) -> dict[str, Any]:
    """The body of a run's trace, which the front end takes."""
    answer = service.get(f"{V1}/trace-evidence/{run.spans[0].trace_id}")
    assert answer.code == 200, answer.body
    assert "x-altered-spans" not in answer.headers
    assert answer.headers["x-complete"] == "true", answer
    TraceEvidence.model_validate(answer.json)
    for span in answer.json["spans"]:
        SPANS["0.82"].model_validate(span)
    return answer.json


RUNS = {
    "indexed": junjo_workflows.completed,
    "recent": junjo_workflows.failed,
    "hot": junjo_agents.in_a_workflow,
}


@pytest.mark.parametrize("tier", RUNS)
def test_states_of_any_tier_are_those_that_the_sdk_ended_with(service: Served, tier: str) -> None:
    run = RUNS[tier]()
    body = evidence(service, run)
    assert len(body["spans"]) == len(run.sent)
    shown = {key: one["detail"]["end"]["value"] for key, one in body["stores_by_id"].items()}
    assert {key: shown[key] for key in run.states} == run.states
    assert {one["detail"]["reconstruction_status"] for one in body["stores_by_id"].values()} == {
        "verified"
    }
    assert body["diagnostics"] == []


def test_the_newest_front_end_goes_from_services_to_an_agent(service: Served) -> None:
    """Each of its own requests: lists, a workflow's trace with what it proves, one span, the run."""
    front_end = FrontEnd(service, "0.82", "/junjo/0.82")
    assert SERVICE in front_end.services()
    assert front_end.roots(SERVICE, llm=True), front_end.said[-1]
    run = junjo_agents.in_a_workflow()
    (flow,) = (one for one in front_end.workflows(SERVICE) if one.trace_id == run.spans[0].trace_id)
    body = evidence(service, run)
    assert body["executables_by_span_id"][flow.span_id]["executable_type"] == "workflow"
    assert front_end.one_span(flow.trace_id, flow.span_id) == flow
    (agent,) = (one for one in summaries(service) if one.trace_id == flow.trace_id)
    assert agent.runtime_id in body["operations_by_owner_runtime_id"]
    parent = body["relationships_by_owner_span_id"][agent.agent_span_id]["parent"]
    assert parent["executable_type"] == "node"


def test_a_trace_is_asked_for_by_any_spelling_of_its_id(service: Served) -> None:
    run = junjo_workflows.completed()
    trace_id = run.spans[0].trace_id
    body = evidence(service, run)
    spans = f"{V1}/observability/traces/{{}}/spans"
    shown = service.get(spans.format(trace_id)).json
    assert len(shown) == len(run.sent)
    uuid = "-".join((trace_id[:8], trace_id[8:12], trace_id[12:16], trace_id[16:20], trace_id[20:]))
    for text in (
        trace_id.upper(),
        f"00-{trace_id}-{1:016x}-01",
        uuid,
        trace_id[:12],
        trace_id[:20],
    ):
        assert service.get(f"{V1}/trace-evidence/{text}").json == body
        assert service.get(spans.format(text)).json == shown


def test_a_trace_that_is_not_there_is_not_found(service: Served) -> None:
    """An invalid ID too."""
    for trace_id in (f"{99:032x}", "none"):
        assert service.get(f"{V1}/trace-evidence/{trace_id}").code == 404


def runs(service: Served, **asked: Any) -> Said:
    return service.get(f"{V1}/agent-executions?{urlencode({**OF, **asked})}")


def summaries(service: Served, **asked: Any) -> list[Summary]:
    answer = runs(service, **asked)
    assert answer.code == 200, answer.body
    assert answer.headers["x-complete"] == "true"
    SUMMARIES.validate_python(answer.json)
    return SUMMARIES.validate_python(answer.json)


def test_runs_of_agents_are_listed_newest_first(service: Served) -> None:
    """Those of every tier, each by how it ended."""
    found = summaries(service)
    assert [one.start_time for one in found] == sorted(
        (one.start_time for one in found), reverse=True
    )
    assert len(found) == len(junjo_agents.ends()) + 1
    assert {one.termination_reason for one in found} == junjo_agents.ends().keys()
    assert {(one.service.name, one.service.version) for one in found} == {(SERVICE, VERSION)}


def test_runs_are_those_that_are_asked_for(service: Served) -> None:
    """By outcome, agent, structure, version and time; no more than the limit."""
    every = summaries(service)
    (cancelled,) = summaries(service, outcome="cancelled")
    assert cancelled.termination_reason == "cancelled"
    same = summaries(service, structural_id=cancelled.structural_id)
    assert 0 < len(same) < len(every)
    assert {one.structural_id for one in same} == {cancelled.structural_id}
    assert len(summaries(service, agent_key="weather.agent", service_version=VERSION)) == len(every)
    assert summaries(service, agent_key="other") == summaries(service, service_version="2") == []
    assert summaries(service, limit=2) == every[:2]
    start, end = every[3].start_time, every[3].end_time
    within = summaries(service, start_time=start, end_time=every[0].end_time)
    assert every[3].agent_span_id in {
        one.agent_span_id for one in summaries(service, start_time=start)
    }
    assert {one.agent_span_id for one in within} <= {one.agent_span_id for one in every[:4]}
    assert end not in {one.end_time for one in summaries(service, start_time=every[2].start_time)}


def test_runs_of_another_namespace_are_others(service: Served) -> None:
    """An empty one is of services that have none."""
    assert summaries(service, service_namespace="") == []
    assert summaries(service, service_name="nobody") == []


@pytest.mark.parametrize(
    "asked", [{"limit": 251}, {"limit": 0}, {"outcome": "lost"}, {"start_time": "soon"}]
)
def test_what_cannot_be_asked_is_refused(service: Served, asked: dict[str, Any]) -> None:
    assert 400 <= runs(service, **asked).code < 500


def resolved(service: Served, executable_type: str, runtime_id: str, **of: Any) -> Said:
    asked = {**OF, "executable_type": executable_type, "runtime_id": runtime_id, **of}
    return service.get(f"{V1}/execution-resolution?{urlencode(asked)}")


@pytest.mark.parametrize("tier", RUNS)
def test_an_execution_of_any_tier_is_resolved(service: Served, tier: str) -> None:
    """To its own span, by its type and runtime ID."""
    body = evidence(service, RUNS[tier]())
    for span_id, executable in body["executables_by_span_id"].items():
        answer = resolved(service, executable["executable_type"], executable["runtime_id"])
        assert answer.code == 200, answer.body
        found = Resolution.model_validate(answer.json)
        assert (found.trace_id, found.span_id) == (body["trace_id"], span_id)


def test_an_execution_that_has_not_come_is_not_found(service: Served) -> None:
    """So is one of another type, namespace or service."""
    (run,) = (
        one.attributes["junjo.executable_runtime_id"]
        for one in junjo_workflows.failed().sent
        if one.name == "Flow" and one.attributes is not None
    )
    assert resolved(service, "workflow", str(run)).code == 200
    assert resolved(service, "workflow", "none").code == 404
    assert resolved(service, "agent", str(run)).code == 404
    assert resolved(service, "workflow", str(run), service_namespace="").code == 404
    assert resolved(service, "workflow", str(run), service_name="nobody").code == 404


def test_what_is_older_than_the_spans_that_are_read_is_said_or_searched(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list says that it is bounded; an execution is still found."""
    monkeypatch.setattr(evidence_search, "PAGE_SPANS", 2)
    monkeypatch.setattr(evidence_search, "SPANS_READ_MAX", 2)
    answer = runs(service)
    assert len(SUMMARIES.validate_python(answer.json)) == 2
    assert answer.headers["x-complete"] == "false"
    assert "ListBounded" in answer.headers["x-missing"]
    oldest = junjo_agents.ends()["input_validation_error"].spans[0].payload
    assert oldest is not None
    run = oldest.attributes["junjo.executable_runtime_id"]
    assert resolved(service, "agent", run).code == 200
    assert resolved(service, "agent", "none").code == 404
