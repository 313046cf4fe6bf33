"""Usual requests get the answers of their usual routes; others go there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Message, Scope

from indexer.clients.junjo.dialects import DIALECTS
from indexer.clients.junjo.direct_questions import direct_paths
from indexer.clients.junjo.traces import CHARS_MAX
from indexer.clients.shared.direct_routes import AnsweredDirectly, DirectPath, DirectRoutes
from indexer.clients.shared.problems import ClientGone
from indexer.errors import InvalidId, QueriesBusy
from indexer.query.span_cache import EncodedSpanCache
from indexer.telemetry import metrics
from tests.clients.test_routes_junjo import ROWS, served
from tests.support.processes import wait_until
from tests.support.served import Said, Served, StubHost

pytestmark = pytest.mark.duckdb

TRACES = [
    *(f"{1:032x}", f"{99:032x}", f"{1:032X}", f"{1:016x}", "none", "0", "%20", "%C3%A9"),
    *(f"00-{1:032x}-{1:016x}-01", "x" * CHARS_MAX, "x" * (CHARS_MAX + 1)),
]
OF_TRACES = ("", "?", "?since=9", "?until=x", "?limit=1", "/0000000000000001")
SERVICES = ("flows", "shop", "nobody", "%C3%A9", "a/b", "a%2Fb", "a%0Ab", "flows/spans")
OF_ROOTS = (
    *("", "?limit=1", "?limit=250", "?limit=251", "?limit=10000", "?limit=10001", "?limit=0"),
    *("?limit=01", "?limit=x", "?limit=", "?limit=1&limit=2", "?limit=1&offset=1", "?has_llm=true"),
)
CHANGING = {"date", "server-timing", "x-as-of", "x-bytes-read", "x-files-read"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("direct"), rows=ROWS) as one:
        yield one


def targets() -> Iterator[str]:
    """Of one dialect whose paths are shared, below its prefix and without one, and of 0.61."""
    for prefix in ("/junjo/0.70", ""):
        base = f"{prefix}/api/v1/observability"
        yield from (f"{base}/traces/{one}/spans" for one in TRACES)
        yield from (f"{base}/traces/{TRACES[0]}/spans{rest}" for rest in OF_TRACES)
        yield from (f"{base}/services/{one}/spans/root" for one in SERVICES)
        yield from (f"{base}/services/shop/spans/root{rest}" for rest in OF_ROOTS)
    yield from (f"/otel/trace/{TRACES[0]}/nested-spans", "/otel/service/shop/root_spans?limit=2")


def _never(_: DirectRoutes, __: Scope) -> tuple[Match, Scope]:
    return Match.NONE, {}


def _fixed(said: Said) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in said.headers.items() if name not in CHANGING}
    return said.code, headers, said.body


def test_every_request_is_answered_as_by_its_usual_route(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list(targets())
    found = [_fixed(service.get(target)) for target in asked]
    monkeypatch.setattr(DirectRoutes, "matches", _never)
    for target, answer in zip(asked, found, strict=True):
        assert answer == _fixed(service.get(target)), target


def test_a_usual_request_is_counted_under_its_usual_route(service: Served) -> None:
    route = "/junjo/0.70/api/v1/observability/traces/{trace_id}/spans"
    counted = metrics.REQUESTS.labels(route=route, method="GET", status="200")
    before = counted._value.get()
    service.get(route.replace("{trace_id}", f"{1:032x}"))
    service.get(route.replace("{trace_id}", f"{1:032x}") + "?since=9")
    wait_until(lambda: counted._value.get() == before + 2, "both are counted")


@pytest.mark.parametrize(
    ("changed", "is_direct"),
    [
        ({}, True),
        ({"method": "POST"}, False),
        ({"type": "websocket"}, False),
        ({"root_path": "/mount"}, False),
        ({"fastapi.telemetry": "traced"}, False),
        ({"query_string": b"since=1"}, False),
        ({"path": "/junjo/0.82/api/v1/observability/traces//spans"}, False),
        ({"path": "/junjo/0.82/api/v1/observability/traces/spans"}, False),
    ],
    ids=str,
)
def test_any_other_request_is_left_to_the_routes(
    changed: dict[str, object], is_direct: bool
) -> None:
    dialect = DIALECTS[-1]
    encoding = EncodedSpanCache(lambda _: b"")
    routes = DirectRoutes(direct_paths(dialect, StubHost(), encoding, dialect.prefix))
    path = f"/junjo/0.82/api/v1/observability/traces/{TRACES[0]}/spans"
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", **changed}
    assert (routes.matches(scope)[0] is Match.FULL) == is_direct


@pytest.mark.parametrize(
    ("error", "status"),
    [(QueriesBusy("busy"), 503), (InvalidId("none"), 422), (ClientGone(), 499), (KeyError(), None)],
    ids=str,
)
async def test_what_is_raised_is_answered_as_by_the_application(
    error: Exception, status: int | None
) -> None:
    """A fault is left to those that answer faults."""

    async def refuse(_: Request, value: str) -> Response:
        assert value == "7"
        raise error

    path = DirectPath(path_format="/a/{n}/b", accepts=lambda _: True, answer=refuse, chars_max=9)
    app = AnsweredDirectly(StubHost(), DirectRoutes([path]), lambda answer: answer)
    scope = {"type": "http", "method": "GET", "path": "/a/7/b", "query_string": b""}
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    if status is None:
        with pytest.raises(KeyError):
            await app(scope, None, send)
        return
    await app(scope, None, send)
    assert sent[0]["status"] == status
