"""Mastra's queries answer what came over OTLP beside what was published, each span once."""

import json

import pytest

from indexer.clients.mastra import otlp_queries
from tests.clients.mastra.both_ways import serving_both, trace_id
from tests.mastra.samples import at, span

pytestmark = pytest.mark.duckdb
RANGE = {"from": "2026-11-01T12:00:00Z", "to": "2026-11-01T13:00:00Z"}
FAILED = {"op": "eq", "left": {"path": "status"}, "right": {"literal": "error"}}


@pytest.fixture(scope="module")
def post(tmp_path_factory):
    """Beside traces 1 and 2, which came over OTLP, 6 has ended and was published."""
    published = [span(trace_id(6), f"{1:016x}", start=2, endedAt=at(9), threadId="x")]
    folder = tmp_path_factory.mktemp("queried")
    with serving_both(folder, ("gen_ai.operation.name",), published) as served:

        def send(path, **content):
            body = json.dumps({"timeRange": RANGE} | content).encode()
            answer = served.request("POST", f"/api/observability{path}", body=body)
            assert answer.code == 200, answer.body
            return answer

        yield send


def traces(answer):
    return [int(one["traceId"], 16) for one in answer.json["traces"]]


def test_traces_of_both_ways_are_on_pages_in_order(post):
    whole = post("/traces/query")
    assert (traces(whole), whole.headers.get("x-complete")) == ([2, 6, 1], None)
    first = post("/traces/query", page={"limit": 2})
    rest = post("/traces/query", page={"limit": 2, "after": first.json["page"]["next"]})
    assert (traces(first), traces(rest), rest.json["page"]) == ([2, 6], [1], {"next": None})
    numbered = post("/traces/query", pagination={"page": 1, "perPage": 2})
    assert (traces(numbered), numbered.json["pagination"]["total"]) == ([1], 3)


def test_a_predicate_asks_of_spans_that_came_over_otlp(post):
    assert traces(post("/traces/query", where={"spans": {"some": FAILED}})) == [1]
    assert traces(post("/traces/query", where={"spans": {"none": FAILED}})) == [2, 6]


def test_spans_of_both_ways_are_on_pages_in_order(post):
    found = post("/spans/query").json["spans"]
    ids = [(int(one["traceId"], 16), int(one["spanId"], 16)) for one in found]
    assert ids == [(2, 1), (3, 2), (1, 2), (6, 1), (1, 1)]
    failed = post("/spans/query", where=FAILED).json["spans"]
    assert [one["name"] for one in failed] == ["sent 2"]


def test_an_answer_that_lacks_what_came_over_otlp_says_so(post, monkeypatch):
    alone = post("/traces/aggregate", measures=["count"])
    assert (alone.json["rows"], alone.headers["x-complete"]) == (
        [{"measures": {"count": 1}}],
        "false",
    )
    monkeypatch.setattr(otlp_queries, "ROOTS_MAX", 1)
    for path in ("/traces/query", "/spans/query"):
        assert post(path).headers["x-complete"] == "false"
