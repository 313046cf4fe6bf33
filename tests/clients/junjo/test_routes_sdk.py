"""What the SDKs of both generations send is shown by every release, from whichever tier it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonpatch
import pyarrow as pa
import pytest

from indexer.hot.view import DecodedRows, HotView
from indexer.ingest.parquet import write_span_file
from indexer.otlp.spans import SPAN_SCHEMA, span_table
from indexer.query.answers import Answers
from indexer.query.catalog_moments import CatalogMoments
from indexer.system.storage import LocalStorage
from tests.clients.test_routes_junjo import KEYS, Host
from tests.support.catalogs import indexed
from tests.support.junjo_front_ends import Graph
from tests.support.junjo_requests import FrontEnd
from tests.support.junjo_sdk import GENERATIONS, sdk_runs
from tests.support.served import Served, serving

pytestmark = pytest.mark.duckdb

RELEASES = ("0.61", "0.80", "0.82")
"""Of 0.70 the bodies are those of 0.61."""
TIERS = ("hot", "recent", "indexed")
NODES = ("node", "run_concurrent", "subflow")


@contextmanager
def holding(tier: str, folder: Path) -> Iterator[Served]:
    """A worker that has the spans of both generations in one tier."""
    rows = [span_table([sdk_runs(generation).body]) for generation in GENERATIONS]
    paths = []
    with indexed(folder, keys=KEYS) as one:
        for at, table in enumerate(rows if tier != "hot" else ()):
            paths.append(str(one.root / f"{at}.parquet"))
            write_span_file(table, Path(paths[-1]))
        if tier == "indexed":
            one.settle()
        view = HotView(
            rows=DecodedRows(
                pa.concat_tables(rows) if tier == "hot" else SPAN_SCHEMA.empty_table()
            ),
            as_of_unix_nano=1,
            recent_files=tuple(paths),
            source="incremental",
            bounded=False,
        )
        answers = Answers(
            moments=CatalogMoments(cursor=one.catalog.cursor, storage=LocalStorage(one.root)),
            hot=lambda: view,
        )
        with serving(host=Host(answers)) as served:
            yield served


@pytest.fixture(scope="module", params=TIERS)
def tier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with holding(request.param, tmp_path_factory.mktemp(request.param)) as served:
        yield served


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_page_of_a_release_shows_the_sdks_runs(
    tier: Served, generation: str, release: str
) -> None:
    """Services, roots, workflows, their traces, a span; nothing is altered on the way."""
    front_end, run = FrontEnd(tier, release, f"/junjo/{release}"), sdk_runs(generation)
    assert run.service in front_end.services()
    flows = front_end.workflows(run.service)
    roots = {(root.trace_id, root.span_id) for root in front_end.roots(run.service)}
    calling = {root.trace_id for root in front_end.roots(run.service, llm=True)}
    assert calling
    assert calling <= {trace_id for trace_id, _ in roots}
    seen = set()
    for flow in flows:
        if release == "0.82":
            seen |= stores_verified(front_end.evidence(flow.trace_id), run.states)
        else:
            trace = front_end.trace(flow.trace_id)
            seen |= assert_workflows_are_shown(release, trace, run.states)
    assert front_end.one_span(flow.trace_id, flow.span_id) == flow
    assert seen == (set() if (release, generation) == ("0.82", "0.60") else run.states.keys())
    for said in front_end.said:
        assert said.headers["x-complete"] == "true"
        assert "x-altered-spans" not in said.headers


@dataclass(frozen=True)
class Shown:
    """A workflow as a release reads it."""

    start: Mapping[str, Any]
    store_id: str
    graph: Graph

    def state(self, trace: list[Any]) -> Any:
        """Its start, and after it the patches of its store in order of time."""
        events = [event for span in trace for event in span.events_json]
        own = [one for one in events if one["attributes"].get("junjo.store.id") == self.store_id]
        state = self.start
        for event in sorted(own, key=lambda one: one["timeUnixNano"]):
            patch = json.loads(event["attributes"]["junjo.state_json_patch"])
            if isinstance(patch, list):  # the older SDK sends an object for no change
                state = jsonpatch.apply_patch(state, patch)
        return state


def assert_workflows_are_shown(
    release: str, trace: list[Any], states: Mapping[str, Any]
) -> set[str]:
    """Each state is the SDK's own, and each node that ran is drawn; the stores of them."""
    shown = [one for span in trace if (one := shown_workflow(release, span)) is not None]
    for one in shown:
        assert one.state(trace) == states[one.store_id]
    drawn = {node.id for one in shown for node in one.graph.nodes}
    ran = {junjo_id for span in trace for kind, junjo_id in [typed(release, span)] if kind in NODES}
    assert ran
    assert ran <= drawn
    return {one.store_id for one in shown}


def stores_verified(evidence: Any, states: Mapping[str, Any]) -> set[str]:
    """Those of which is proved that they end in the SDK's own state: before contract 2 none."""
    stores = {key: one for key, one in evidence["stores_by_id"].items() if key in states}
    for key, one in stores.items():
        assert one["detail"]["reconstruction_status"] == "verified"
        assert one["detail"]["end"]["value"] == states[key]
    return set(stores)


def typed(release: str, span: Any) -> tuple[str, str]:
    if release == "0.80":
        found = span.attributes_json
        return found.get("junjo.span_type", ""), found.get("junjo.id", "")
    return span.junjo_span_type, span.junjo_id


def shown_workflow(release: str, span: Any) -> Shown | None:
    if typed(release, span)[0] not in ("workflow", "subflow"):
        return None
    if release == "0.80":
        found = span.attributes_json
        return Shown(
            as_value(found["junjo.workflow.state.start"]),
            found["junjo.workflow.store_id"],
            Graph.model_validate(as_value(found["junjo.workflow.graph_structure"])),
        )
    return Shown(
        span.junjo_wf_state_start,
        span.junjo_wf_store_id,
        Graph.model_validate(span.junjo_wf_graph_structure),
    )


def as_value(found: Any) -> Any:
    return json.loads(found) if isinstance(found, str) else found
