"""Queries over HTTP are answered and refused in the form that Mastra's server has for both."""

import json
from functools import partial

import pytest

from indexer.clients.mastra.capabilities import CAPABILITIES
from indexer.clients.mastra.door import MastraDoor
from indexer.clients.mastra.routes import mastra
from indexer.errors import QueryTimedOut
from indexer.mastra.sync_store import SyncDuckDBStore, SyncObservability
from indexer.system.budget import ByteBudget
from tests.mastra.samples import span
from tests.support.served import serving

pytestmark = pytest.mark.duckdb
RANGE = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"}
PREFIX = "/api/observability"


@pytest.fixture(scope="module")
def post():
    store = SyncDuckDBStore(threads=1)
    store.init()
    store.observability.create_span(span("t", startedAt=RANGE["from"], endedAt=RANGE["from"]))
    door = MastraDoor(store=store, bodies=ByteBudget(1 << 20))
    with serving(routers=[partial(mastra, door=door)]) as served:

        def send(path, content, method="POST"):
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            return served.request(method, PREFIX + path, body=None if method == "GET" else body)

        yield send
    store.close()


def test_each_query_is_answered_with_times_as_javascript_writes_them(post):
    traces = post("/traces/query", {"timeRange": RANGE}).json
    assert (traces["traces"][0]["startedAt"], traces["page"]) == (
        "2026-11-01T00:00:00.000Z",
        {"next": None},
    )
    spans = post("/spans/query", {"timeRange": RANGE}).json
    assert (spans["spans"][0]["spanId"], spans["spans"][0]["cost"]) == (
        "root",
        {"state": "missing"},
    )
    request = {"timeRange": RANGE, "measures": ["count"], "interval": "1d"}
    rows = post("/traces/aggregate", request).json
    assert rows == {
        "rows": [{"bucket": "2026-11-01T00:00:00.000Z", "measures": {"count": 1}}],
        "truncated": False,
    }


def test_threads_fields_and_values_are_answered(post):
    assert post("/threads/query", {"traces": {"timeRange": RANGE}}).json == {
        "threads": [],
        "page": {"next": None},
    }
    asked = {"timeRange": RANGE, "predicateScope": "trace"}
    fields = post("/traces/query/fields", asked | {"search": "tags"}).json
    assert fields == {
        "canonicalFields": [
            {
                "path": "tags",
                "valueKind": "array",
                "operators": ["includes", "notIncludes", "exists", "notExists"],
                "valueSuggestions": True,
            }
        ],
        "observedFields": [],
        "observedFieldsTruncated": False,
    }
    values = post("/traces/query/values", asked | {"path": "status"}).json
    assert values == {"values": [{"value": "success", "count": 1}], "valuesTruncated": False}


@pytest.mark.parametrize("path", ["/traces/query", "/spans/query", "/traces/aggregate"])
def test_an_invalid_query_is_unprocessable_with_its_issues(post, path):
    answer = post(path, {"timeRange": RANGE, "measures": ["count"], "where": {"op": "odd"}})
    assert (answer.code, answer.json["code"]) == (422, "TRACE_QUERY_INVALID")
    assert {"invalid_request"} == {issue["code"] for issue in answer.json["issues"]}
    malformed = post(path, b"{")
    assert (malformed.code, malformed.json["error"]) == (400, "Invalid request body")
    assert post(path, []).code == 422


def test_cursors_that_no_query_gave_are_told_from_those_of_another(post):
    malformed = post("/spans/query", {"timeRange": RANGE, "page": {"after": "x"}})
    assert (malformed.code, malformed.json["code"]) == (400, "TRACE_QUERY_CURSOR_MALFORMED")
    head = post("/traces/query", {"timeRange": RANGE, "mode": "delta"}).json["deltaCursor"]
    conflict = post("/traces/query", {"timeRange": RANGE, "page": {"after": head}})
    assert (conflict.code, conflict.json["code"]) == (409, "TRACE_QUERY_CURSOR_CONFLICT")


def test_a_query_that_takes_too_long_is_told_so(post, monkeypatch):
    def late(*_):
        raise QueryTimedOut("no answer within 1 s")

    monkeypatch.setattr(SyncObservability, "query_spans", late)
    answer = post("/spans/query", {"timeRange": RANGE})
    assert (answer.code, answer.json["code"]) == (504, "TRACE_QUERY_EXECUTION_TIMEOUT")


ASKED = {
    "traceQuery": "/traces/query",
    "spanQuery": "/spans/query",
    "traceAggregate": "/traces/aggregate",
    "traceQueryDiscovery": "/traces/query/fields",
    "threadQuery": "/threads/query",
    "metrics": "/metrics/aggregate",
    "logs": "/logs",
    "feedback": "/feedback",
}


@pytest.mark.parametrize("name", ASKED)
def test_what_is_said_to_be_served_is_served_and_all_else_is_not_implemented(post, name):
    is_served = CAPABILITIES[name]
    answer = post(ASKED[name], {})
    assert (answer.code == 501) is not is_served
    if not is_served:
        assert "not served" in answer.json["error"]


def test_discovery_that_is_said_to_be_served_is_served(post):
    said = post("/capabilities", {}, method="GET").json
    assert said["observabilityRuntimeStrategy"] == "batch-with-updates"
    paths = {
        "entityTypes": "entity-types",
        "entityNames": "entity-names",
        "serviceNames": "service-names",
        "environments": "environments",
        "tags": "tags",
        "metrics": "metric-names",
    }
    for name, is_served in said["capabilities"]["discovery"].items():
        code = post(f"/discovery/{paths[name]}", {}, method="GET").code
        assert code == (200 if is_served else 501), name
