"""What searches can be written with, over HTTP: an object that says what it is counted over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.api.test_routes import AS_OF, hot_span
from tests.clients.test_routes_junjo import KEYS, served
from tests.support.served import Served
from tests.support.span_files import T0

pytestmark = pytest.mark.duckdb


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("facets"), hot_span()) as service:
        yield service


def test_services_are_those_of_every_tier_in_a_window(api: Served) -> None:
    found = api.get("/api/v1/services").json
    counts = {one["service_name"]: one["total_spans"] for one in found["services"]}
    assert (counts["shop"], counts["flows"]) == (7, 3)
    assert (found["complete"], found["as_of"], found["cost"]["files_read"]) == (True, AS_OF, 0)
    late = api.get(f"/api/v1/services?since={T0 + 9_000_000}").json["services"]
    assert [one["service_name"] for one in late] == ["flows"]


def test_operations_of_a_service_come_in_pages(api: Served) -> None:
    page = api.get("/api/v1/operations?limit=1&kind=server")
    assert page.code == 200, page.body
    assert page.json["operations"][0]["service_name"] == "a/b %20\n ü"
    after = api.get(f"/api/v1/operations?kind=server&cursor={page.json['next_cursor']}").json
    names = [one["service_name"] for one in after["operations"]]
    assert names == ["cart", "flows", "model", "shop"]
    assert (after["next_cursor"], after["complete"]) == (None, True)
    (shop,) = api.get("/api/v1/operations?service=shop").json["operations"]
    assert shop == {
        "service_name": "shop",
        "name": "GET /",
        "span_kind": 2,
        "span_count": 7,
    }


def test_attributes_have_keys_types_and_counts_of_what_was_looked_at(api: Served) -> None:
    found = api.get("/api/v1/attributes").json
    keys = {one["key"]: one for one in found["attributes"]}
    assert keys["big"] == {
        "key": "big",
        "scope": "span",
        "types": ["int"],
        "span_count": 1,
        "promoted_count": None,
    }
    assert (keys["scope.s"]["types"], keys["resource.service.name"]["scope"]) == (
        ["bool"],
        "resource",
    )
    assert keys["event.n"]["types"] == ["double"]
    assert keys[KEYS[1]]["promoted_count"] == 2
    assert found["counted_over"]["files"] == found["counted_over"]["files_matching"] == 1
    prefixed = api.get("/api/v1/attributes?prefix=event.&service=shop").json["attributes"]
    assert [one["key"] for one in prefixed] == ["event.n"]


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("junjo.span_type", [("node", None), ("subflow", None), ("workflow", None)]),
        ("scope.s", [("true", "bool")]),
        ("event.n", [("0.5", "double")]),
        ("a%2Fb", []),
    ],
)
def test_an_attribute_has_its_values(
    api: Served, key: str, values: list[tuple[str, str | None]]
) -> None:
    found = api.get(f"/api/v1/attributes/{key}/values").json
    assert [(one["value"], one["type"]) for one in found["values"]] == values
    assert found["found"] == len(values)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("services?sinse=1", "'since'"),
        ("operations?servce=a", "'service'"),
        ("attributes?prefx=a", "'prefix'"),
        ("attributes/a/values?limt=1", "'limit'"),
    ],
)
def test_an_unknown_parameter_is_refused_with_the_nearest_name(
    api: Served, target: str, said: str
) -> None:
    answer = api.get(f"/api/v1/{target}")
    assert answer.code == 422
    assert f"did you mean {said}?" in answer.json["detail"]
