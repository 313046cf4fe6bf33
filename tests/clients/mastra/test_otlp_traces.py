"""Mastra's routes answer what came over OTLP beside what was published, each span once."""

from functools import partial
from urllib.parse import urlencode

import pytest

from indexer.clients.mastra import otlp_traces
from indexer.clients.mastra.door import MastraDoor
from indexer.clients.mastra.routes import mastra
from indexer.errors import CatalogUnavailable
from indexer.mastra.sync_store import SyncDuckDBStore
from indexer.system.budget import ByteBudget
from tests.clients.mastra.both_ways import serving_both, trace_id
from tests.mastra.samples import span
from tests.support.catalogs import indexed
from tests.support.served import serving

pytestmark = pytest.mark.duckdb


@pytest.fixture(scope="module", params=[("gen_ai.operation.name",), ()], ids=["promoted", "not"])
def client(request, tmp_path_factory):
    with serving_both(tmp_path_factory.mktemp("sent"), request.param) as served:
        yield served


def get(client, path, code=200, **parameters):
    answer = client.get(f"/api/observability{path}?{urlencode(parameters)}")
    assert answer.code == code, answer.body
    return answer


def listed(client, path="/traces", **parameters):
    answer = get(client, path, **parameters)
    assert answer.headers.get("x-complete") is None
    return [int(one["traceId"], 16) for one in answer.json["spans"]]


@pytest.mark.parametrize("path", ["/traces", "/traces/light"])
def test_lists_have_traces_of_both_ways_in_order_each_once(client, path):
    assert listed(client, path) == [2, 3, 5, 1]
    assert listed(client, path, field="startedAt", direction="ASC") == [1, 5, 3, 2]


def test_branches_have_spans_of_both_ways_in_order(client):
    found = get(client, "/branches", perPage=3)
    names = [(int(one["traceId"], 16), int(one["spanId"], 16)) for one in found.json["branches"]]
    assert names == [(2, 1), (3, 1), (3, 2)]
    assert (found.json["pagination"]["total"], found.headers.get("x-complete")) == (6, None)
    tools = get(client, "/branches", spanType="tool_call").json["branches"]
    assert [int(one["traceId"], 16) for one in tools] == [1]


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        ("entity-types", "entityTypes", ["agent", "tool", "workflow_run"]),
        ("tags", "tags", ["a"]),
        ("environments", "environments", []),
    ],
)
def test_values_of_both_ways_are_offered(client, path, name, expected):
    found = get(client, f"/discovery/{path}")
    assert (found.json[name], found.headers.get("x-complete")) == (expected, None)


def test_values_of_one_type_of_entity_are_offered_by_themselves(client):
    assert get(client, "/discovery/tags", entityType="agent").json["tags"] == ["a"]
    assert get(client, "/discovery/tags", entityType="tool").json["tags"] == []


def test_pages_join_up(client):
    pages = [get(client, "/traces", page=page, perPage=1).json for page in range(5)]
    assert [one["spans"][0]["name"] for one in pages[:4]] == [
        "sent 1",
        "published",
        "published too",
        "sent 1",
    ]
    assert [one["pagination"]["hasMore"] for one in pages] == [True] * 3 + [False] * 2
    assert {one["pagination"]["total"] for one in pages} == {4}
    assert pages[4]["spans"] == []


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"entityType": "agent"}, [1]),
        ({"userId": "u1"}, [1]),
        ({"tags": '["a"]'}, [1]),
        ({"hasChildError": "true"}, [1]),
        ({"hasChildError": "false"}, [2, 3, 5]),
        ({"startedAt": '{"start":"2026-11-01T12:00:04Z"}'}, [2]),
        ({"startedAt": '{"end":"2026-11-01T12:00:01Z"}'}, [1]),
        ({"status": "running"}, [3, 5]),
    ],
    ids=str,
)
def test_filters_are_those_of_published_traces(client, parameters, expected):
    assert listed(client, **parameters) == expected


def test_a_trace_and_its_spans_are_read(client):
    found = get(client, f"/traces/{trace_id(1)}").json["spans"]
    assert [(one["spanId"][-1], one["spanType"]) for one in found] == [
        ("1", "agent_run"),
        ("2", "tool_call"),
    ]
    light = get(client, f"/traces/{trace_id(1)}/light").json["spans"]
    assert [one["error"] for one in light] == [None, {"message": ""}]
    one = get(client, f"/traces/{trace_id(1)}/spans/{1:016x}").json["span"]
    assert (one["userId"], one["startedAt"]) == ("u1", "2026-11-01T12:00:01.000Z")
    below = get(client, f"/traces/{trace_id(1)}/branches/{2:016x}").json["spans"]
    assert [one["spanId"][-1] for one in below] == ["2"]


def test_of_a_span_that_came_both_ways_the_published_record_is_read(client):
    found = get(client, f"/traces/{trace_id(3)}").json["spans"]
    assert [one["name"] for one in found] == ["published", "sent 2"]


@pytest.mark.parametrize("path", ["/traces/{}", "/traces/{}/light", "/traces/{}/spans/1"])
@pytest.mark.parametrize("trace", [trace_id(4), trace_id(9), "no trace ID"])
def test_spans_of_other_senders_are_no_trace_of_mastra(client, path, trace):
    get(client, path.format(trace.replace(" ", "%20")), code=404)


def test_a_list_that_has_not_looked_at_all_roots_says_so(client, monkeypatch):
    monkeypatch.setattr(otlp_traces, "ROOTS_MAX", 1)
    for path in ("/traces", "/branches", "/discovery/tags"):
        assert get(client, path).headers["x-complete"] == "false"


def test_the_store_answers_when_the_index_cannot(tmp_path):
    def unavailable():
        raise CatalogUnavailable("no index")

    store = SyncDuckDBStore(threads=1)
    store.init()
    store.observability.create_span(span(trace_id(1), f"{1:016x}"))
    with indexed(tmp_path) as one:
        answers = one.answers(doubts=unavailable)
        door = MastraDoor(store=store, bodies=ByteBudget(1), answers=lambda: answers)
        with serving(routers=[partial(mastra, door=door)]) as client:
            page = get(client, "/traces")
            found = get(client, f"/traces/{trace_id(1)}")
    store.close()
    assert (len(page.json["spans"]), page.headers["x-complete"]) == (1, "false")
    assert len(found.json["spans"]) == 1
