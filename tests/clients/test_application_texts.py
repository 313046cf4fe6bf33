"""Whatever text stands where a route takes one, the answer is an answer or names the text."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.clients.application import Application
from indexer.run.serving import ROUTERS
from indexer.spans.id_spellings import parse_span_id, parse_trace_id
from tests.clients.test_routes_junjo import served
from tests.support.examples import examples
from tests.support.served import Served, StubHost, serving

TEXTS = st.one_of(
    st.text(max_size=40).map(str.encode),
    st.binary(max_size=40),
    st.sampled_from([b"\0", b"a\0b", b"'", b"\\", b"..", b"%00", b"\xed\xa0\x80", b"a" * 1_100]),
)
"""As bytes, because a client may send any in a URL."""


def described() -> dict[str, dict[str, Any]]:
    """Every route, and its methods as OpenAPI describes them."""
    app = Application(None, ROUTERS)  # type: ignore[arg-type]  # nothing is asked of it
    app.close()
    return app.openapi()["paths"]


STREAMS = {"/api/v1/tail"}
"""Begin with 200 whatever fails later, and have no end: see ``tests/clients/api/test_tail.py``."""
DESCRIBED = described()
ROUTES = {
    path: [(one["in"], one["name"]) for one in methods["get"]["parameters"]]
    for path, methods in DESCRIBED.items()
    if path not in STREAMS and methods.get("get", {}).get("parameters")
}
"""The parameters, (place, name), of every route that is read and takes some."""
PARSE = {"trace_id": parse_trace_id, "span_id": parse_span_id}
AN_ID = "b7ad6b7169203331"
"""Which can be that of a span, and a trace's of 64 bits."""
OF_A_DIALECT = {"junjo"}
"""Which answers what its client expects: no span for text that cannot be an ID."""
OF_IDS = {
    path: names
    for path, parameters in ROUTES.items()
    if (names := [name for _, name in parameters if name in PARSE])
    and not OF_A_DIALECT & set(DESCRIBED[path]["get"]["tags"])
}
"""The IDs of every route of our own that takes some."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("texts")) as service:
        yield service


def test_there_are_routes_with_texts() -> None:
    assert {"/spans", "/otel/trace/{trace_id}/nested_spans"} <= ROUTES.keys()
    assert "/api/v1/traces/{trace_id}" in OF_IDS


@pytest.mark.parametrize("path", ROUTES)
def test_no_text_is_a_fault_or_looks_like_one_of_the_machine(path: str, api: Served) -> None:
    """200, or 400 and 422 in which the parameter is named."""

    @examples(8)
    @given(st.lists(TEXTS, min_size=len(ROUTES[path]), max_size=len(ROUTES[path])))
    @example([b"\0"] * len(ROUTES[path]))
    @example([b"a\0b'"] * len(ROUTES[path]))
    def asked(texts: list[bytes]) -> None:
        target, query = path, []
        for (place, name), text in zip(ROUTES[path], texts, strict=True):
            if place == "path":
                target = target.replace(f"{{{name}}}", quote(text, safe=""))
            else:
                query.append((name, text))
        for tail in ("", f"?{urlencode(query)}"):
            answer = api.get(target + tail)
            assert answer.code in {200, 400, 404, 422}, answer.body
            if answer.code != 200:
                assert answer.headers["content-type"] == "application/problem+json"

    asked()


@pytest.mark.parametrize("path", OF_IDS)
def test_text_that_cannot_be_an_id_is_422_at_every_route_of_our_own(path: str, api: Served) -> None:
    """And no other text is; each ID of a route is tried while its others are real ones."""

    @examples(20)
    @given(TEXTS, st.sampled_from(OF_IDS[path]))
    @example(b"\0", OF_IDS[path][0])
    @example(b"0af7651916cd43dd8448eb211c80319c\0", OF_IDS[path][0])
    @example(b"", OF_IDS[path][0])
    def asked(text: bytes, tried: str) -> None:
        target = path
        for name in OF_IDS[path]:
            sent = text if name == tried else AN_ID.encode()
            target = target.replace(f"{{{name}}}", quote(sent, safe=""))
        answer = api.get(target)
        expected = 200 if PARSE[tried](text.decode(errors="replace")) else 422
        assert answer.code == expected, answer.body

    asked()


class Faulty(StubHost):
    """A worker of which nothing works."""

    @property
    def answers(self) -> object:
        raise ZeroDivisionError("a fault of ours")

    def status(self) -> dict[str, object]:
        raise ZeroDivisionError("a fault of ours")

    async def snapshot(self) -> Path:
        raise ZeroDivisionError("a fault of ours")

    async def swept(self) -> None:
        raise ZeroDivisionError("a fault of ours")


JSON = {"Content-Type": "application/json"}


def required_query(operation: dict[str, Any]) -> str:
    """A query with the parameters that a route cannot do without."""
    needed = [
        (one["name"], one["schema"].get("enum", ["shop"])[0])
        for one in operation.get("parameters", ())
        if one["in"] == "query" and one["required"]
    ]
    return f"?{urlencode(needed)}"


def test_a_fault_behind_any_route_is_500_with_an_id_that_the_log_has(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """But for the routes that ask nothing, which are there to answer whatever is wrong."""
    caplog.set_level(logging.ERROR, logger="indexer")
    asked = 0
    with serving(host=Faulty(), socket_folder=tmp_path) as faulty:
        for path, methods in DESCRIBED.items():
            if path in STREAMS:
                continue
            target = re.sub(r"{\w*_id}", AN_ID, path).replace("{service_name}", "shop")
            for method, said in methods.items():
                sent = (JSON, b"{}") if "requestBody" in said else ()
                answer = faulty.operator.request(
                    method.upper(), target + required_query(said), *sent
                )
                if path in {"/healthz", "/", "/docs"}:
                    assert answer.code == 200
                    continue
                assert answer.code == 500, (target, answer.body)
                assert "a fault of ours" not in answer.body.decode()
                fault_id = answer.json["instance"].removeprefix("urn:span-indexer:fault:")
                assert fault_id in caplog.messages[-1]
                asked += 1
    assert asked > 15
