"""Requests of Mastra's own packages, captured, are answered as they were: without Node.

``tests/interop`` makes the captures anew, with ``@mastra/observability`` and ``@mastra/client-js``.
"""

import json
from functools import partial
from pathlib import Path

import pytest

from indexer.clients.mastra.door import MastraDoor
from indexer.clients.mastra.routes import mastra
from indexer.mastra.sync_store import SyncDuckDBStore
from indexer.system.budget import ByteBudget
from tests.support.served import serving

pytestmark = pytest.mark.duckdb
CAPTURED = Path(__file__).parents[2] / "data" / "mastra-1.71" / "exchanges.json"
OWN = {"createdAt", "updatedAt", "deltaCursor"}
"""What the service adds anew each time."""
RANGE = {"from": "2026-11-25T00:00:00Z", "to": "2026-11-28T00:00:00Z"}
OWN_QUERIES = {
    "traces/aggregate": {
        "timeRange": RANGE,
        "measures": ["count", "errorCount", "tokens.input.sum", "tokens.total.sum", "cost.sum"],
        "groupBy": ["entityName"],
    },
    "spans/query": {
        "timeRange": RANGE,
        "where": {"op": "eq", "left": {"path": "model"}, "right": {"literal": "none-1"}},
    },
}


@pytest.fixture(scope="module")
def exchanges():
    return json.loads(CAPTURED.read_text())


@pytest.fixture(scope="module")
def asked(exchanges):
    """The answers of a new service to the captured requests in their order, and to our own."""
    store = SyncDuckDBStore(threads=1)
    store.init()
    door = MastraDoor(store=store, bodies=ByteBudget(16 << 20))
    with serving(routers=[partial(mastra, door=door)]) as served:
        made = []
        for one in exchanges:
            body = None if one["body"] is None else json.dumps(one["body"]).encode()
            made.append(served.request(one["method"], one["path"], one["headers"], body))
        own = [
            served.request("POST", f"/api/observability/{path}", {}, json.dumps(body).encode())
            for path, body in OWN_QUERIES.items()
        ]
    store.close()
    return made, own


@pytest.fixture
def answers(asked):
    return asked[0]


def lasting(value):
    """The value without what is new each time."""
    if isinstance(value, dict):
        return {key: lasting(one) for key, one in value.items() if key not in OWN}
    return [lasting(one) for one in value] if isinstance(value, list) else value


def test_each_is_answered_as_it_was(exchanges, answers):
    for one, answer in zip(exchanges, answers, strict=True):
        asked = f"{one['method']} {one['path']}"
        assert (asked, answer.code) == (asked, one["code"])
        assert (asked, lasting(answer.json)) == (asked, lasting(one["answer"]))


def test_spans_are_read_back_as_they_were_published(exchanges):
    published, read = {}, {}
    for one in exchanges:
        found = published if one["path"].endswith("/spans/publish") else read
        content = one["body"] if found is published else one["answer"]
        for span in (content or {}).get("spans", []):
            found.setdefault((span["traceId"], span["spanId"]), {}).update(span)
    assert published.keys() == read.keys()
    for key, span in published.items():
        same = ("name", "spanType", "startedAt", "endedAt", "input", "output", "error", "metadata")
        assert [span.get(name) for name in same] == [read[key].get(name) for name in same]


def test_tokens_are_counted_in_the_metrics_that_mastra_derives(asked):
    aggregate, spans = (answer.json for answer in asked[1])
    by_name = {row["dimensions"]["entityName"]: row["measures"] for row in aggregate["rows"]}
    helper = by_name["Helper"]
    assert (helper["count"], helper["errorCount"]) == (1, 0)
    assert (helper["tokens.input.sum"], helper["tokens.total.sum"]) == (12, 19)
    assert (helper["cost.sum"], helper["cost.coverage"]) == (None, 0)
    assert by_name["doubling"]["tokens.total.sum"] is None
    (model,) = spans["spans"]
    assert (model["provider"], model["cost"]) == ("nobody", {"state": "unavailable"})


def test_captures_hold_no_secret(exchanges):
    text = CAPTURED.read_text()
    assert "uthorization" not in text
    assert "/app/" in text
    assert {name for one in exchanges for name in one["headers"]} <= {
        "accept",
        "content-type",
        "x-mastra-observability-capabilities",
    }
