"""What the description says a parameter may be is taken, and what is just beyond it is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.clients.test_routes_junjo import FLOW, served
from tests.support.served import Said, Served

pytestmark = pytest.mark.duckdb
DESCRIPTION = json.loads(
    (Path(__file__).parents[2] / "docs" / "reference" / "openapi.json").read_text()
)
STREAMS = {"/api/v1/tail"}
"""Their answers have no end: see ``tests/clients/api/test_tail.py``."""
NEEDED = {
    "service_name": "shop",
    "executable_type": "workflow",
    "runtime_id": "1",
    "trace_id": FLOW,
    "span_id": f"{1:016x}",
    "key": "a",
    "workflow_id": "w",
}
FREE_TEXT = {"service", "service_name", "name", "name_prefix", "name_contains", "text", "prefix"}
"""Any text of a length is one; others have to be IDs, times or cursors as well."""
OPERATIONS = [
    (path, said)
    for path, methods in DESCRIPTION["paths"].items()
    for method, said in methods.items()
    if method == "get" and path not in STREAMS and "mastra" not in said["tags"]
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("bounds")) as service:
        yield service


def parameters() -> list[tuple[str, str, str, Any, bool]]:
    """(path, where it stands, name, a value, whether it may be) of every bound that is described."""
    return [
        (path, one["in"], one["name"], value, is_good)
        for path, said in OPERATIONS
        for one in said.get("parameters", ())
        for value, is_good in at_the_bounds(one["schema"])
    ]


def fields() -> list[tuple[str, str, Any, bool]]:
    """The same of the fields of JSON bodies."""
    found = []
    for path, methods in DESCRIPTION["paths"].items():
        if "mastra" in methods.get("post", {"tags": ["mastra"]})["tags"]:
            continue
        content = methods["post"].get("requestBody", {"content": {}})["content"]
        for body in content.values():
            for name, schema in resolved(body["schema"])["properties"].items():
                found += [(path, name, *one) for one in at_the_bounds(schema)]
            attribute = DESCRIPTION["components"]["schemas"]["AttributeWords"]
            for name, schema in attribute["properties"].items():
                for value, is_good in at_the_bounds(schema):
                    said = {"key": "a", "operator": "=", "value": "a", name: value}
                    if value == "exists":
                        del said["value"]
                    found.append((path, "attr", [said], is_good))
    return found


def at_the_bounds(schema: Mapping[str, Any]) -> Iterator[tuple[Any, bool]]:
    for one in schema.get("anyOf", [schema]):
        kind = resolved(one)
        if "enum" in kind:
            yield from ((value, True) for value in kind["enum"])
            yield kind["enum"][0] + "x", False
        for name, beyond in (("minimum", -1), ("maximum", 1)):
            if name in kind:
                yield kind[name], True
                yield kind[name] + beyond, False
        if "maxLength" in kind:
            yield text_of(kind["maxLength"]), True
            yield text_of(kind["maxLength"] + 1), False
        if "minLength" in kind:
            yield "a" * kind["minLength"], True
            yield "a" * (kind["minLength"] - 1), False
        if "maxItems" in kind:
            item: Any = {} if kind["items"].get("$ref") else "a"
            yield [item] * kind["maxItems"], True
            yield [item] * (kind["maxItems"] + 1), False
            yield [item] * kind.get("minItems", 0), True
            if "minItems" in kind:
                yield [item] * (kind["minItems"] - 1), False
            yield from (([one], is_good) for one, is_good in at_the_bounds(kind["items"]))


def text_of(length: int) -> str:
    """Shorter than so when it is read as a condition on an attribute."""
    if length < 2_048:
        return "a" * length
    escaped = (length - len('a=""')) // len("\\u0061")
    return 'a="' + "\\u0061" * escaped + "a" * (length - len('a=""') - 6 * escaped) + '"'


def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    return DESCRIPTION["components"]["schemas"][schema["$ref"].rpartition("/")[2]]


def check(answer: Said, name: str, value: Any, is_good: bool) -> None:
    refused = (
        [one["parameter"] for one in answer.json.get("errors", ())] if answer.code == 422 else []
    )
    if not is_good:
        assert answer.code == 422, answer.body
        assert any(one.split(".")[0] == name for one in refused), refused
        return
    assert not any(one.split(".")[0] == name for one in refused), answer.body
    if not isinstance(value, str) or name in FREE_TEXT:
        assert answer.code in {200, 404}, answer.body


def test_there_are_bounds() -> None:
    assert len(parameters()) > 200
    assert len(fields()) > 30
    assert ("/api/v1/search/traces", "query", "limit", 1_000, True) in parameters()


@pytest.mark.parametrize("path", sorted({path for path, *_ in parameters()}))
def test_a_parameter_is_bounded_as_it_is_described(path: str, api: Served) -> None:
    needed = [
        one["name"]
        for one in dict(OPERATIONS)[path]["parameters"]
        if one.get("required") and one["in"] == "query"
    ]
    for of, where, name, value, is_good in parameters():
        if of != path or (where, value) == ("path", ""):
            continue
        places = {**NEEDED, **({name: value} if where == "path" else {})}
        target = path.format_map({one: quote(text, safe="") for one, text in places.items()})
        query = {one: NEEDED[one] for one in needed}
        query |= {name: value} if where == "query" else {}
        check(api.get(f"{target}?{urlencode(query, doseq=True)}"), name, value, is_good)


@pytest.mark.parametrize("path", sorted({path for path, *_ in fields()}))
def test_a_field_of_a_body_is_bounded_as_it_is_described(path: str, api: Served) -> None:
    kind = {"Content-Type": "application/json"}
    for of, name, value, is_good in fields():
        if of == path:
            body = json.dumps({name: value}).encode()
            check(api.request("POST", path, kind, body), name, value, is_good)
