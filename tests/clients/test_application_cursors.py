"""A cursor goes on in the list that gave it, whichever door is asked, and no other list takes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.test_routes_junjo import FLOW, ROWS, served
from tests.support.served import Said, Served
from tests.support.span_files import T0, Span

pytestmark = pytest.mark.duckdb
DESCRIPTION = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"
PLACES = {"service_name": "shop", "trace_id": FLOW}
MORE = [
    Span(trace=100 + one, span=span, parent=parent, start=T0 + 10_000_000 + one * 10 + span)
    for one in range(4)
    for span, parent in ((1, None), (2, 1), (3, 1))
]
"""Traces of several spans, the newest of all: pages of spans and of traces end elsewhere."""
WORDS = {"/api/v1/search/spans": ("service=shop", "order=slowest", "since=20w", "text=a")}
"""Other questions of a list."""


def lists() -> list[str]:
    paths = json.loads(DESCRIPTION.read_text())["paths"]
    found = []
    for path, methods in paths.items():
        names = {one["name"] for one in methods.get("get", {}).get("parameters", ())}
        if {"cursor", "limit"} <= names:
            found.append(path.format_map(PLACES) + "?limit=1")
            found += [f"{found[-1]}&{one}" for one in WORDS.get(path, ())]
    return found


LISTS = lists()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("cursors"), rows=[*ROWS, *MORE]) as service:
        yield service


def next_cursor(page: Said) -> str | None:
    said = page.headers.get("x-next-cursor")
    return said or (page.json.get("next_cursor") if isinstance(page.json, dict) else None)


def rows(page: Said) -> Any:
    """What a page lists, whatever it cost."""
    if isinstance(page.json, list):
        return page.json
    return [page.json.get(name) for name in ("spans", "traces", "operations")]


def test_there_are_lists_of_every_kind() -> None:
    assert len(LISTS) >= 18
    for one in ("search/spans", "search/traces", "operations", f"traces/{FLOW}", "services/shop"):
        assert any(one in path for path in LISTS)


@pytest.mark.parametrize("given", LISTS)
def test_a_cursor_is_taken_where_it_goes_on_as_the_lists_own_and_else_refused(
    given: str, api: Served
) -> None:
    """A list that two doors have is one list: of the same spans, in the same order."""
    cursor = next_cursor(api.get(given))
    if cursor is None:
        return
    for asked in LISTS:
        answer = api.get(f"{asked}&cursor={cursor}")
        if answer.code == 200:
            own = next_cursor(api.get(asked))
            assert own is not None
            assert rows(answer) == rows(api.get(f"{asked}&cursor={own}")), asked
        else:
            assert (answer.code, answer.json["title"]) == (400, "QueryRefused"), asked
            assert "cursor belongs to" in answer.json["detail"]
            assert answer.json["hint"]
        assert (answer.code == 200) or asked != given


@pytest.mark.parametrize(("given", "asked"), [("spans", "traces"), ("traces", "spans")])
def test_what_is_of_the_other_kind_is_said(given: str, asked: str, api: Served) -> None:
    """The same spans match, and a page of the one leaves out what the other has not shown."""
    page = api.get(f"/api/v1/search/{given}?limit=1").json
    for refused in (
        api.get(f"/api/v1/search/{asked}?limit=1&cursor={page['next_cursor']}"),
        api.request(
            "POST",
            f"/api/v1/search/{asked}",
            {"Content-Type": "application/json"},
            json.dumps({"limit": 1, "cursor": page["next_cursor"]}).encode(),
        ),
    ):
        assert (refused.code, refused.json["title"]) == (400, "QueryRefused")
        said = f"the cursor belongs to a list of {given}, and this is one of {asked}"
        assert refused.json["detail"] == said
        assert refused.json["hint"] == (
            f"Go on in the list of {given}, or begin this one without a cursor."
        )
