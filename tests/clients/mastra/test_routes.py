"""Mastra's stock exporter publishes, and its client reads back what was published."""

import json
from functools import partial
from urllib.parse import urlencode

import pytest

from indexer.clients.mastra import publish
from indexer.clients.mastra.door import MastraDoor
from indexer.clients.mastra.routes import mastra
from indexer.errors import CatalogWriteFailed
from indexer.http.admission import Admission
from indexer.mastra.sync_store import SyncDuckDBStore, SyncObservability
from indexer.system.budget import ByteBudget
from tests.support.served import serving

pytestmark = pytest.mark.duckdb
TRACE = "0af7651916cd43dd8448eb211c80319c"
EXPORTED = {
    "id": "b7ad6b7169203331",
    "spanId": "b7ad6b7169203331",
    "traceId": TRACE,
    "name": "agent run: 'helper'",
    "type": "agent_run",
    "spanType": "agent_run",
    "entityType": "agent",
    "entityId": "helper",
    "entityName": "helper",
    "attributes": {"instructions": "be kind"},
    "metadata": {"threadId": "t1", "userId": 5, "environment": "test", "scope": {"core": "1"}},
    "startTime": "2026-11-01T12:00:00.250Z",
    "endTime": "2026-11-01T12:00:01.500Z",
    "startedAt": "2026-11-01T12:00:00.250Z",
    "endedAt": "2026-11-01T12:00:01.500Z",
    "input": [{"role": "user", "content": "hi"}],
    "output": {"text": "hello"},
    "isEvent": False,
    "isRootSpan": True,
    "tags": ["a"],
    "createdAt": "2026-11-01T12:00:02.000Z",
    "updatedAt": None,
}
CHILD = {
    "id": "00f067aa0ba902b7",
    "traceId": TRACE,
    "parentSpanId": "b7ad6b7169203331",
    "name": "tool call",
    "type": "tool_call",
    "startTime": "2026-11-01T12:00:00.500Z",
    "endTime": "2026-11-01T12:00:01.000Z",
    "errorInfo": {"message": "no"},
}


@pytest.fixture(scope="module")
def door():
    store = SyncDuckDBStore(threads=1)
    store.init()
    yield MastraDoor(store=store, bodies=ByteBudget(1 << 20))
    store.close()


@pytest.fixture(scope="module")
def client(door):
    admission = Admission(
        token="secret",  # noqa: S106 - of this test
        body_bytes_max=1_000,
        body_bytes_max_by_ending={publish.PATH_ENDING: publish.BODY_BYTES_MAX},
    )
    with serving(routers=[partial(mastra, door=door)], admission=admission) as served:
        yield Client(served)


class Client:
    """An HTTP client that knows the token, as Mastra's do."""

    def __init__(self, served):
        self.served = served

    def get(self, path, **parameters):
        return self.request("GET", f"{path}?{urlencode(parameters)}")

    def post(self, path, content, token="secret"):  # noqa: S107 - as above
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.request("POST", path, body, token)

    def request(self, method, target, body=None, token="secret"):  # noqa: S107 - as above
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        return self.served.request(method, target, headers, body)


@pytest.fixture(scope="module")
def published(client):
    answer = client.post("/ai/spans/publish", {"spans": [EXPORTED, CHILD]})
    assert answer.json == {"success": True, "accepted": 2, "rejected": 0, "errors": []}
    return client


def get(client, path, **parameters):
    answer = client.get(f"/api/observability{path}", **parameters)
    assert answer.code == 200, answer.body
    return answer.json


def test_a_published_span_is_read_back_with_equal_values_and_ids_of_its_metadata(published):
    found = get(published, f"/traces/{TRACE}/spans/{EXPORTED['id']}")["span"]
    same = ("traceId", "spanId", "name", "entityId", "attributes", "metadata", "startedAt")
    same += ("endedAt", "input", "output", "isEvent", "tags")
    assert {name: found[name] for name in same} == {name: EXPORTED[name] for name in same}
    assert (found["threadId"], found["environment"], found["scope"]) == (
        "t1",
        "test",
        {"core": "1"},
    )
    assert (found["userId"], found["parentSpanId"], found["error"]) == (None, None, None)


def test_older_names_of_an_exported_span_are_taken(published):
    found = get(published, f"/traces/{TRACE}/spans/{CHILD['id']}")["span"]
    assert (found["spanType"], found["error"]) == ("tool_call", {"message": "no"})
    assert found["startedAt"] == CHILD["startTime"]


def test_traces_are_listed_by_flattened_parameters(published):
    page = get(
        published,
        "/traces",
        page=0,
        perPage=10,
        field="startedAt",
        direction="DESC",
        tags='["a"]',
        entityType="agent",
        startedAt='{"start":"2026-11-01T00:00:00Z"}',
        metadata='{"threadId":"t1"}',
        hasChildError="true",
    )
    assert page["pagination"] == {"total": 1, "page": 0, "perPage": 10, "hasMore": False}
    assert (page["spans"][0]["traceId"], page["spans"][0]["status"]) == (TRACE, "success")
    (light,) = get(published, "/traces/light", tags="a")["spans"]
    assert (light["inputPreview"], "input" in light) == ("hi", False)
    assert get(published, "/traces", entityType="workflow")["spans"] == []
    named = get(published, "/traces", name="agent run: 'helper'")
    assert [span["entityId"] for span in named["spans"]] == ["helper"]
    assert get(published, "/traces", name="agent run: 'nobody'")["spans"] == []
    earlier = json.dumps({"end": "2026-10-01T00:00:00Z"})
    assert get(published, "/traces", dateRange=earlier)["spans"] == []


def test_a_trace_its_light_form_and_its_branches_are_read(published):
    whole = get(published, f"/traces/{TRACE}")
    light = get(published, f"/traces/{TRACE}/light")
    ids = [EXPORTED["id"], CHILD["id"]]
    assert [span["spanId"] for span in whole["spans"]] == ids
    assert [span["spanId"] for span in light["spans"]] == ids
    assert "input" not in light["spans"][0]
    branch = get(published, f"/traces/{TRACE}/branches/{CHILD['id']}", depth=0)
    assert [span["spanId"] for span in branch["spans"]] == ids[1:]
    assert len(get(published, "/branches")["branches"]) == 2


@pytest.mark.parametrize(
    ("field", "name", "expected"),
    [
        ("entity-types", "entityTypes", ["agent"]),
        ("entity-names", "names", ["helper"]),
        ("service-names", "serviceNames", []),
        ("environments", "environments", ["test"]),
        ("tags", "tags", ["a"]),
    ],
)
def test_pages_discover_what_there_is_to_choose_from(published, field, name, expected):
    assert get(published, f"/discovery/{field}") == {name: expected}


def test_an_empty_batch_is_a_probe_and_a_project_has_the_same_doors(client):
    answer = client.post("/projects/p1/ai/spans/publish", {"spans": []})
    assert (answer.code, answer.json["accepted"]) == (200, 0)


def test_an_invalid_record_is_counted_and_keeps_no_other_out(client):
    records = [CHILD | {"traceId": "other"}, CHILD | {"traceId": ""}, 5]
    answer = client.post("/ai/spans/publish", {"spans": records}).json
    assert (answer["accepted"], answer["rejected"]) == (1, 2)
    assert any("traceId" in reason for reason in answer["errors"])
    deleted = client.post("/api/observability/traces/delete", {"traceIds": ["other"]})
    assert deleted.json == {"success": True}
    assert client.get("/api/observability/traces/other").code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"logs": []}', b'{"spans": 5}', b"[" * 5_000])
def test_a_body_that_is_no_batch_is_refused(client, body):
    assert client.post("/ai/spans/publish", body).code == 400


def test_halves_of_surrogate_pairs_are_taken(client):
    body = json.dumps({"spans": [CHILD | {"traceId": "half", "input": "\ud83d"}]}).encode()
    assert client.post("/ai/spans/publish", body).json["accepted"] == 1
    spans = client.get("/api/observability/traces/half").json["spans"]
    assert spans[0]["input"] == "\ufffd"
    client.post("/api/observability/traces/delete", {"traceIds": ["half"]})


@pytest.mark.parametrize("signal", ["logs", "metrics", "scores", "feedback"])
def test_other_signals_are_kept_as_they_are(client, door, signal):
    record = {"traceId": "t", "value": {"n": 1.5}, "text": signal}
    assert client.post(f"/ai/{signal}/publish", {signal: [record]}).json["accepted"] == 1
    with door.store.database.reading() as cursor:
        rows = cursor.execute(
            "SELECT trace_id, record FROM mastra_signals WHERE signal = ?", [signal]
        ).fetchall()
    assert [(trace, json.loads(text)) for trace, text in rows] == [("t", record)]
    door.store.observability.batch_delete_traces(["t"])


def test_a_wrong_token_a_large_body_and_a_full_budget_are_refused(client):
    assert client.post("/ai/spans/publish", {"spans": []}, token="wrong").code == 401  # noqa: S106
    large = b" " * 2_000
    path = "/api/observability/traces/delete"
    assert client.post(path, large).code == 413
    full = client.post("/ai/spans/publish", b" " * 900_000)
    assert (full.code, full.headers["retry-after"]) == (503, "1")


def test_exporters_pause_while_nothing_can_be_stored(client, monkeypatch):
    def fail(*_):
        raise CatalogWriteFailed("no space left")

    monkeypatch.setattr(SyncObservability, "batch_create_valid_spans", fail)
    answer = client.post("/ai/spans/publish", {"spans": [CHILD]})
    assert answer.code == 503
    assert answer.headers["x-mastra-observability"] == "disabled"
    assert int(answer.headers["x-mastra-observability-retry-after"]) > 0


def test_what_is_not_served_and_what_is_invalid_say_so(client):
    assert client.get("/api/observability/metrics").code == 501
    assert client.post("/api/observability/logs/aggregate", {}).code == 501
    assert client.get(f"/api/observability/traces/{TRACE[::-1]}").code == 404
    refused = client.get("/api/observability/traces", perPage=101)
    assert (refused.code, b"perPage" in refused.body) == (400, True)
    assert client.post("/ai/odd/publish", {}).code == 422
