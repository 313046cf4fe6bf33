"""Whatever text stands where a route takes one, the answer is an answer or names the text."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.clients.application import application, close
from indexer.run.serving import ROUTERS
from indexer.spans.id_spellings import parse_trace_id
from tests.clients.test_routes_junjo import served
from tests.support.examples import examples
from tests.support.served import Served

pytestmark = pytest.mark.duckdb

TEXTS = st.one_of(
    st.text(max_size=40).map(str.encode),
    st.binary(max_size=40),
    st.sampled_from([b"\0", b"a\0b", b"'", b"\\", b"..", b"%00", b"\xed\xa0\x80", b"a" * 1_100]),
)
"""As bytes, because a client may send any in a URL."""


def described() -> dict[str, list[tuple[str, str]]]:
    """The parameters, (place, name), of every route that is read."""
    app = application(None, ROUTERS)  # type: ignore[arg-type]  # nothing is asked of it
    close(app)
    return {
        path: [(one["in"], one["name"]) for one in methods["get"].get("parameters", ())]
        for path, methods in app.openapi()["paths"].items()
        if "get" in methods
    }


ROUTES = {path: parameters for path, parameters in described().items() if parameters}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("texts")) as service:
        yield service


def test_there_are_routes_with_texts() -> None:
    assert {"/traces/{trace_id}", "/spans", "/otel/trace/{trace_id}/nested_spans"} <= ROUTES.keys()


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


@examples(20)
@given(TEXTS)
@example(b"\0")
@example(b"")
def test_text_that_cannot_be_a_trace_id_is_422(api: Served, text: bytes) -> None:
    """And no other text is."""
    answer = api.get(f"/traces/{quote(text, safe='')}")
    read = text.decode(errors="replace")
    expected = 422 if parse_trace_id(read) is None else 200
    assert answer.code == expected, answer.body
