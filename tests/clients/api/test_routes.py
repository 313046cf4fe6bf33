"""The API gives whole canonical spans: what `trace --json` writes, with everything a span has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.clients.shared.answer_json import answer_json
from indexer.clients.shared.query_executor import QueryExecutor
from indexer.hot.decoding import Decoder
from indexer.hot.view import DecodedRows, HotView
from tests.clients.test_routes_junjo import FLOW, ROWS, WELL, Host, served
from tests.hot.servers import body
from tests.support.catalogs import indexed
from tests.support.page_cache import have_all_in_memory
from tests.support.served import Said, Served, serving
from tests.support.span_files import T0, Span, write

pytestmark = pytest.mark.duckdb

HOT = f"{9:032x}"
AS_OF = T0 + 7
IDS = b"\1" * 16, b"\2" * 8


def hot_span() -> HotView:
    """A span with everything that OTLP has, in no file yet."""
    request = ExportTraceServiceRequest.FromString(body(Span(trace=9, start=T0 + 1, duration=1)))
    group = request.resource_spans[0]
    group.resource.dropped_attributes_count = 1
    scope = group.scope_spans[0]
    scope.scope.name, scope.scope.version = "shop.http", "1.2"
    scope.scope.attributes.add(key="s").value.bool_value = True
    span = scope.spans[0]
    span.flags, span.trace_state, span.status.code, span.status.message = 257, "a=b", 2, "no"
    span.dropped_attributes_count = 2
    span.dropped_events_count = 3
    span.dropped_links_count = 4
    span.attributes.add(key="big").value.int_value = 2**63 - 1
    event = span.events.add(name="e", time_unix_nano=T0 + 2, dropped_attributes_count=5)
    event.attributes.add(key="n").value.double_value = 0.5
    span.links.add(trace_id=IDS[0], span_id=IDS[1])
    return HotView(
        rows=DecodedRows(Decoder().requests([request.SerializeToString()])),
        as_of_unix_nano=AS_OF,
        recent_files=(),
        source="incremental",
        bounded=False,
    )


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("api"), hot_span()) as service:
        yield service


def test_a_span_has_its_resource_its_scope_its_links_and_exact_nanoseconds(api: Served) -> None:
    (span,) = api.get(f"/api/v1/traces/{HOT}").json["spans"]
    (event,), (link,) = span.pop("events"), span.pop("links")
    assert (event["name"], event["timeUnixNano"]) == ("e", str(T0 + 2))
    assert (event["attributes"], event["droppedAttributesCount"]) == ({"n": 0.5}, 5)
    assert (link["traceId"], link["spanId"]) == (IDS[0].hex(), IDS[1].hex())
    assert span == {
        "trace_id": HOT,
        "span_id": f"{1:016x}",
        "parent_span_id": None,
        "service_name": "shop",
        "name": "GET /",
        "start_time_unix_nano": T0 + 1,
        "end_time_unix_nano": T0 + 2,
        "duration_ns": 1,
        "status_code": 2,
        "span_kind": 2,
        "status_message": "no",
        "attributes": {"big": 2**63 - 1},
        "resource_attributes": {"service.name": "shop"},
        "trace_state": "a=b",
        "flags": 257,
        "dropped_attributes_count": 2,
        "dropped_events_count": 3,
        "dropped_links_count": 4,
        "resource_dropped_attributes_count": 1,
        "scope_name": "shop.http",
        "scope_version": "1.2",
        "scope_attributes": {"s": True},
        "file_path": None,
        "file_row_number": None,
    }


def test_an_answer_is_an_object_that_says_what_it_rests_on(api: Served) -> None:
    answer = api.get(f"/api/v1/traces/{FLOW}")
    assert answer.headers["x-complete"] == "true"
    found = answer.json
    assert [span["span_id"][-1] for span in found["spans"]] == ["1", "2", "3"]
    assert {span["file_row_number"] for span in found["spans"]} != {None}
    assert (found["complete"], found["missing"], found["as_of"]) == (True, [], AS_OF)
    assert found["cost"]["files_read"] == 1


def test_it_is_what_the_command_writes(api: Served) -> None:
    """Which makes the same of the answer without a worker."""
    found = api.get(f"/api/v1/traces/{FLOW}").json
    written = answer_json(api.answers.trace(FLOW))
    assert {**found, "cost": None} == {**written, "cost": None}


@pytest.mark.parametrize("spelled", [HOT.upper(), "9", f"0x{HOT}"])
def test_an_id_is_taken_as_it_is_spelled(api: Served, spelled: str) -> None:
    assert len(api.get(f"/api/v1/traces/{spelled}").json["spans"]) == 1


def test_a_trace_that_nobody_knows_has_no_spans(api: Served) -> None:
    answer = api.get(f"/api/v1/traces/{'f' * 32}")
    assert (answer.code, answer.json["spans"], answer.json["complete"]) == (200, [], True)


def test_an_unknown_parameter_is_refused(api: Served) -> None:
    assert api.get(f"/api/v1/traces/{HOT}?fromat=otlp").code == 422


def found(api: Served, words: str) -> list[str]:
    """Trace and span, by number, of a search in its order."""
    answer = api.get(f"/api/v1/search/spans?{words}")
    assert answer.code == 200, answer.body
    return [f"{int(one['trace_id'], 16)}.{int(one['span_id'], 16)}" for one in answer.json["spans"]]


@pytest.mark.parametrize(
    ("words", "spans"),
    [
        ("status=error", ["9.1"]),
        ("service=flows", ["7.3", "7.2", "7.1"]),
        ("service=flows&roots=true", ["7.1"]),
        ("name_contains=GET&kind=server&limit=2", ["7.3", "7.2"]),
        ("name=GET", []),
        ("name_prefix=GET&max_duration=1ns", ["9.1"]),
        ("order=slowest&service=flows&limit=2", ["7.3", "7.2"]),
        ("order=slowest&limit=1", ["7.3"]),
        ("attr=big&attr=scope.s=true&text=SHOP.HTTP", []),
        ("attr=event.n<1&text=get%20/", ["9.1"]),
        ("attr=resource.service.name=shop&limit=1", ["9.1"]),
        ("attr=junjo.span_type=workflow", ["7.1"]),
        ("order=slowest&max_duration=1ns", ["9.1"]),
        (f"service=shop&since={T0 + 4_000_000}&until={T0 + 4_000_001}", ["4.1", "5.1"]),
    ],
)
def test_a_search_finds_spans_of_every_tier_newest_first(
    api: Served, words: str, spans: list[str]
) -> None:
    assert found(api, words) == spans


@pytest.mark.parametrize(
    ("body", "spans"),
    [
        ('{"attr": ["big>=9223372036854775807"]}', ["9.1"]),
        ('{"not": {"not": {"attr": ["junjo.span_type=workflow"]}}, "limit": 1}', ["7.1"]),
        ('{"or": [{"status": "error"}, {"service": "flows", "roots": true}]}', ["7.1", "9.1"]),
        ('{"and": [{"text": "shop"}, {"attr": ["event.n<1"]}]}', []),
        ('{"attr": [{"scope": "scope", "key": "s", "value": true}]}', ["9.1"]),
        ('{"attr": {"scope": "scope", "key": "s", "value": true}}', ["9.1"]),
        ('{"attr": "junjo.span_type=workflow"}', ["7.1"]),
    ],
)
def test_a_search_as_json_joins_conditions(api: Served, body: str, spans: list[str]) -> None:
    answer = posted(api, body)
    assert answer.code == 200, answer.body
    found = answer.json["spans"]
    assert [f"{int(one['trace_id'], 16)}.{int(one['span_id'], 16)}" for one in found] == spans


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"srevice": "a"}', "the body: unknown field 'srevice'; did you mean 'service'?"),
        ('{"not": {"or": [{"atr": ["a"]}]}}', "did you mean 'attr'?"),
        ('{"attr": ["a=1", "=2"]}', "invalid condition"),
        ('{"attr": ["a~("]}', "invalid regular expression"),
        ('{"or": []}', "at least 1"),
        ('{"not":' * 9 + "{}" + "}" * 9, "inside each other"),
        ('{"not":' * 5_000 + "{}" + "}" * 5_000, ""),
    ],
    ids=lambda value: value[:20],
)
def test_a_search_as_json_that_cannot_be_is_refused(api: Served, body: str, said: str) -> None:
    answer = posted(api, body)
    assert answer.code in (400, 422)
    assert said in answer.body.decode()


def posted(api: Served, body: str) -> Said:
    headers = {"Content-Type": "application/json"}
    return api.request("POST", "/api/v1/search/spans", headers, body.encode())


def test_a_search_gives_whole_spans_and_the_next_page(api: Served) -> None:
    page = api.get("/api/v1/search/spans?limit=4").json
    assert page["complete"]
    assert page["spans"][0]["attributes"]["junjo.id"] == "s"
    pages = found(api, "limit=4")
    while page["next_cursor"] is not None:
        words = f"limit=4&cursor={page['next_cursor']}"
        pages += found(api, words)
        page = api.get(f"/api/v1/search/spans?{words}").json
    assert pages == found(api, "")
    assert len(pages) == len(ROWS) + 1


@pytest.mark.parametrize(
    ("form", "kind", "begins"),
    [
        ("otlp", "application/json", b'{"resourceSpans":[{"resource":'),
        (
            "jaeger",
            "application/json",
            b'{"data":[{"traceID":"9"'.replace(b'"9"', b'"' + b"0" * 15 + b'9"'),
        ),
        ("markdown", "text/markdown; charset=utf-8", f"# Trace {HOT}\n".encode()),
        ("json", "application/json", f'{{"trace_id":"{HOT}"'.encode()),
    ],
)
def test_a_trace_is_given_in_the_form_that_is_asked_for(
    api: Served, form: str, kind: str, begins: bytes
) -> None:
    answer = api.get(f"/api/v1/traces/{HOT}?format={form}")
    assert (answer.code, answer.headers["content-type"]) == (200, kind)
    assert answer.body.startswith(begins), answer.body[:80]
    assert (answer.headers["x-complete"], answer.headers["x-files-read"]) == ("true", "0")
    assert api.get(f"/api/v1/traces/{HOT}?format=xml").code == 422


def test_a_trace_has_a_summary(api: Served) -> None:
    found = api.get(f"/api/v1/traces/{HOT}/summary").json
    assert (found["span_count"], found["error_count"], found["duration_ns"]) == (1, 1, 1)
    assert found["first_failing"]["status_message"] == "no"
    assert (found["complete"], found["as_of"], found["left_out"]) == (True, AS_OF, {})
    assert api.get("/api/v1/traces/xyz/summary").code == 422


def test_a_search_for_traces_gives_each_once_with_what_it_is(api: Served) -> None:
    page = api.get("/api/v1/search/traces?service=flows")
    assert page.code == 200, page.body
    (trace,) = page.json["traces"]
    assert (trace["trace_id"], trace["span_count"], trace["matched_count"]) == (FLOW, 3, 3)
    assert [span["span_id"][-1] for span in trace["matched"]] == ["3", "2", "1"]
    assert (page.json["next_cursor"], page.json["complete"], page.json["as_of"]) == (
        None,
        True,
        AS_OF,
    )
    body = {"not": {"service": "shop"}, "limit": 1}
    sent = json.dumps(body).encode()
    head = {"content-type": "application/json"}
    posted = api.request("POST", "/api/v1/search/traces", head, sent).json
    assert [one["trace_id"] for one in posted["traces"]] == [FLOW]
    assert posted["next_cursor"] is not None


def test_a_trace_comes_in_pages_and_without_its_payload(api: Served) -> None:
    page = api.get(f"/api/v1/traces/{FLOW}?limit=2").json
    assert [span["span_id"][-1] for span in page["spans"]] == ["1", "2"]
    rest = api.get(f"/api/v1/traces/{FLOW}?limit=2&cursor={page['next_cursor']}").json
    assert ([span["span_id"][-1] for span in rest["spans"]], rest["next_cursor"]) == (["3"], None)
    tree = api.get(f"/api/v1/traces/{FLOW}?payload=false").json
    assert tree["cost"]["files_read"] == 0
    assert [one["parent_span_id"] for one in tree["spans"]][1:] == [f"{1:016x}"] * 2
    assert "attributes" not in tree["spans"][0]
    other = api.get(f"/api/v1/traces/{HOT}?cursor={page['next_cursor']}")
    assert (other.code, other.json["detail"]) == (400, "the cursor belongs to another list")


def test_a_trace_that_is_in_memory_is_answered_by_the_thread_that_took_the_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one is that nobody knows. A tree without payload may be a large one."""
    have_all_in_memory(monkeypatch)
    waited: list[None] = []
    begin = QueryExecutor._begin

    def counted(executor: QueryExecutor, *args: Any, **options: Any) -> Future[Any]:
        waited.append(None)
        return begin(executor, *args, **options)

    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(trace=1, attributes='{"a": 1}')])
        one.settle()
        answers = one.answers(directory=lambda: one.pipeline.register.directory)
        host = Host(answers, {**WELL, "storage_root": str(one.root)})
        with serving(host=host) as service:
            path = f"/api/v1/traces/{1:032x}"
            first = service.get(path).json
            monkeypatch.setattr(QueryExecutor, "_begin", counted)
            again = service.get(path).json
            assert again == {**first, "cost": again["cost"]}
            assert again["spans"][0]["attributes"] == {"a": 1}
            assert service.get(f"/api/v1/traces/{2:032x}").json["spans"] == []
            assert waited == []
            assert len(service.get(f"{path}?payload=false").json["spans"]) == 1
            assert len(waited) == 1
            assert len(service.get("/api/v1/traces/00001").json["spans"]) == 1
