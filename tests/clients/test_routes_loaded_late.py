"""Probes are answered without the routes; whoever asks for anything else finds them, loaded once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from indexer.clients.application import Application
from indexer.clients.operations.probe_answers import ProbeAnswers
from indexer.errors import InvalidSettings
from indexer.run.serving import ROUTERS, routers
from indexer.settings import load_settings
from indexer.telemetry import metrics
from tests.cli.test_start import modules_of
from tests.support.processes import wait_until
from tests.support.served import Served, StubHost, serving

PATHS = ("/healthz", "/readyz", "/status", "/metrics")
SAID = {"problems": [], "swept_at": 1, "files_ready": 0, "files_waiting": 0, "storage_root": "/"}
CHANGING = {"date", "content-length"}
OF_ROUTES = ("fastapi", "pydantic", "pydantic_core")


class Routers:
    """The program's, and whether they have been made."""

    def __init__(self) -> None:
        self.made = 0
        self.fault: Exception | None = None

    def __call__(self, host: Any) -> Any:
        if self.fault is not None:
            raise self.fault
        self.made += 1
        return ROUTERS[0](host)


@pytest.fixture
def late() -> Routers:
    return Routers()


@pytest.fixture
def worker(late: Routers, tmp_path: Path) -> Iterator[Served]:
    host = StubHost(**SAID)
    probes = ProbeAnswers(host).paths  # type: ignore[arg-type]  # it has all that probes ask
    with serving(host=host, routers=[late], probes=probes, socket_folder=tmp_path) as served:
        yield served


def fixed(answer: Any) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name not in CHANGING}
    return answer.code, headers, answer.body if b"# HELP" not in answer.body else b"exposition"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_probe_is_answered_as_by_its_route_which_is_not_loaded_for_it(
    worker: Served, late: Routers, path: str, method: str
) -> None:
    sides = (worker, worker.operator)
    before = [fixed(side.request(method, path)) for side in sides]
    assert late.made == 0
    assert worker.get("/openapi.json").code == 200
    assert [fixed(side.request(method, path)) for side in sides] == before
    assert late.made == 1
    assert before[0][0] == 200


def test_it_is_counted_under_its_route(worker: Served, late: Routers) -> None:
    counted = metrics.REQUESTS.labels(route="/readyz", method="GET", status="200")
    before = counted._value.get()
    worker.get("/readyz")
    wait_until(lambda: counted._value.get() == before + 1, "it is counted")
    assert late.made == 0


def test_it_is_admitted_by_the_same_rules(worker: Served, late: Routers) -> None:
    refused = worker.request("GET", "/status", {"Host": "elsewhere.example"})
    assert (refused.code, late.made) == (421, 0)
    worker.get("/openapi.json")
    again = worker.request("GET", "/status", {"Host": "elsewhere.example"})
    assert {**refused.json, "instance": 0} == {**again.json, "instance": 0}


@pytest.mark.parametrize(
    ("method", "target", "code"),
    [
        ("GET", "/status?odd=1", 422),
        ("POST", "/status", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/status/", 404),
        ("GET", "/", 200),
    ],
)
def test_all_else_is_answered_by_the_routes(
    worker: Served, late: Routers, method: str, target: str, code: int
) -> None:
    assert worker.request(method, target).code == code
    assert late.made == 1


def test_a_request_that_is_to_be_a_span_goes_by_its_route(late: Routers) -> None:
    host = StubHost(**SAID)
    probes = ProbeAnswers(host).paths  # type: ignore[arg-type]  # as above
    provider = TracerProvider()
    with serving(host=host, routers=[late], probes=probes, tracer_provider=provider) as served:
        assert served.get("/readyz").code == 200
        assert late.made == 0
        assert served.get("/status").code == 200
        assert late.made == 1


def test_many_first_requests_load_them_once(worker: Served, late: Routers) -> None:
    together = threading.Barrier(8)

    def ask(_: int) -> int:
        together.wait(100)
        return worker.get("/").code

    with ThreadPoolExecutor(8) as clients:
        assert set(clients.map(ask, range(8))) == {200}
    assert late.made == 1


def test_what_keeps_them_from_being_loaded_is_told_and_tried_again(
    worker: Served, late: Routers
) -> None:
    late.fault = ImportError("no such module")
    assert worker.get("/").code == 500
    assert worker.get("/readyz").code == 200
    late.fault = None
    assert worker.get("/").code == 200


def test_an_unknown_dialect_is_refused_before_anybody_asks() -> None:
    with pytest.raises(InvalidSettings, match=r"'0\.1'"):
        routers(load_settings(INDEXER_JUNJO_DIALECT="0.1"))


@pytest.mark.process
def test_a_worker_begins_without_what_its_routes_need() -> None:
    loaded = modules_of("import sys; import indexer.run.worker; print(*sys.modules)")
    assert "indexer.clients.application" in loaded
    assert not loaded.intersection(OF_ROUTES)


def test_the_description_is_of_all_routes() -> None:
    app = Application(StubHost(), ROUTERS)  # type: ignore[arg-type]  # nothing is asked of it
    app.close()
    assert {*PATHS, "/api/v1/search/spans"} <= json.loads(json.dumps(app.openapi()))["paths"].keys()
