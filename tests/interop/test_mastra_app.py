"""An unmodified Mastra application publishes, and Mastra's own client reads the same back.

What both said is written to ``bench-output/mastra-exchanges.json``: the captures of ``tests/data``
are made of it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from indexer.clients.mastra import publish, queries
from indexer.clients.mastra.door import MastraDoor
from indexer.clients.mastra.routes import mastra
from indexer.http.admission import Admission
from indexer.mastra.sync_store import SyncDuckDBStore
from indexer.system.budget import ByteBudget
from tests.support.processes import REPOSITORY
from tests.support.recording_proxy import Recording, recording
from tests.support.served import serving

APP = REPOSITORY / ".venv-interop" / "mastra"
WRITTEN = REPOSITORY / "bench-output" / "mastra-exchanges.json"
TOKEN = "secret"  # noqa: S105 - of this test
SAME = ("traceId", "spanId", "name", "spanType", "parentSpanId", "isEvent", "entityType")
SAME += ("entityId", "entityName", "attributes", "metadata", "tags", "input", "output")
SAME += ("startedAt", "endedAt", "error")


@pytest.fixture(scope="module")
def passed() -> Iterator[Recording]:
    """What passed between a service and whoever is told the address."""
    store = SyncDuckDBStore(threads=1)
    store.init()
    door = MastraDoor(store=store, bodies=ByteBudget(64 << 20))
    admission = Admission(
        token=TOKEN,
        body_bytes_max=64 << 10,
        body_bytes_max_by_ending={
            publish.PATH_ENDING: publish.BODY_BYTES_MAX,
            **dict.fromkeys(queries.PATH_ENDINGS, queries.BODY_BYTES_MAX),
        },
    )
    with (
        serving(routers=[partial(mastra, door=door)], admission=admission) as served,
        recording(served.address) as kept,
    ):
        yield kept
    store.close()


@pytest.fixture(scope="module")
def published(passed: Recording) -> list[dict[str, Any]]:
    """The records of all spans that the application sent."""
    run("publish.mjs", MASTRA_PLATFORM_OBSERVABILITY_ENDPOINT=passed.url)
    spans = [
        span
        for one in passed.exchanges
        if one.path.endswith("/spans/publish")
        for span in one.body["spans"]
    ]
    assert len(spans) >= 6
    return spans


@pytest.fixture(scope="module")
def read(passed: Recording, published: list[dict[str, Any]]) -> dict[str, Any]:
    """What the client made of the answers."""
    answers: dict[str, Any] = json.loads(run("read.mjs", passed.url, TOKEN))
    WRITTEN.parent.mkdir(exist_ok=True)
    exchanges = [one.as_json() for one in passed.exchanges]
    text = json.dumps(exchanges, indent=1, ensure_ascii=False)
    WRITTEN.write_text(text.replace(str(APP), "/app") + "\n")
    return answers


def run(script: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        ["node", APP / script, *arguments],
        env={**os.environ, "MASTRA_PLATFORM_ACCESS_TOKEN": TOKEN, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def by_id(spans: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(span["traceId"], span["spanId"]): span for span in spans}


def test_every_request_was_answered_as_its_client_expects(
    passed: Recording, read: dict[str, Any]
) -> None:
    codes = {one.path.partition("?")[0]: one.code for one in passed.exchanges}
    assert {path: code for path, code in codes.items() if code != 200} == {
        f"/api/observability/traces/{'0' * 32}": 404
    }
    assert "404" in read["missing"]


def test_all_that_was_published_is_read_back_with_equal_values(
    published: list[dict[str, Any]], read: dict[str, Any]
) -> None:
    found = by_id([span for trace in read["whole"].values() for span in trace["spans"]])
    sent = by_id(published)
    assert found.keys() == sent.keys()
    for key, span in sent.items():
        expected = {name: span.get(name) for name in SAME}
        assert {name: found[key][name] for name in SAME} == expected


def test_lists_have_the_roots_and_filters_choose_among_them(
    published: list[dict[str, Any]], read: dict[str, Any]
) -> None:
    roots = {span["traceId"] for span in published if not span.get("parentSpanId")}
    assert {span["traceId"] for span in read["traces"]["spans"]} == roots
    assert {span["traceId"] for span in read["light"]["spans"]} == roots
    assert read["traces"]["pagination"]["total"] == len(roots)
    (agent,) = read["filtered"]["spans"]
    assert (agent["name"], agent["status"]) == ("agent run: 'helper'", "success")
    assert (agent["threadId"], agent["userId"], agent["environment"]) == (
        "thread-1",
        "user-1",
        "test",
    )


def test_single_spans_branches_queries_and_discovery_are_read(read: dict[str, Any]) -> None:
    (agent,) = read["filtered"]["spans"]
    assert read["span"]["span"]["spanId"] == agent["spanId"]
    assert len(read["structure"]["spans"]) == 4
    (tool,) = read["branches"]["branches"]
    assert [span["spanId"] for span in read["branch"]["spans"]] == [tool["spanId"]]
    (queried,) = read["queried"]["traces"]
    assert queried["traceId"] == agent["traceId"]
    assert read["discovered"]["names"] == {"names": ["Helper"]}
    assert read["discovered"]["environments"] == {"environments": ["test"]}
    assert read["discovered"]["tags"] == {"tags": ["interop", "no model"]}
