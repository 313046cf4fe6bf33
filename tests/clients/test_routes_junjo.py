"""Junjo's REST API over a real catalog: six questions, on its first paths and those of 0.70."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from indexer.clients.junjo.spans import junjo_span
from indexer.errors import HotUnavailable
from indexer.hot.view import DecodedRows, HotView
from indexer.query.answers import Answers
from indexer.query.catalog_moments import CatalogMoments
from indexer.system.storage import LocalStorage
from tests.support.answered_spans import answered
from tests.support.catalogs import indexed
from tests.support.served import Served, StubHost, serving
from tests.support.span_files import T0, Span, spans, table, write

pytestmark = pytest.mark.duckdb

KEYS = ("junjo.span_type", "openinference.span.kind", "gen_ai.operation.name")
V3 = "/junjo/0.70/api/v1/observability"
FLOW = f"{7:032x}"
ODD = "a/b %20\n ü"


def attributes(**values: Any) -> str:
    return json.dumps({name.replace("__", "."): value for name, value in values.items()})


ROWS = [
    *spans(3),
    *spans(2, trace=2, service="cart"),
    Span(trace=3, start=T0 + 3_000_000, service="shop"),
    Span(
        trace=3,
        span=2,
        parent=1,
        service="model",
        attributes=attributes(gen_ai__operation__name="chat"),
    ),
    Span(trace=4, start=T0 + 4_000_000, attributes=attributes(openinference__span__kind="CHAIN")),
    Span(trace=5, start=T0 + 4_000_000, attributes=attributes(openinference__span__kind="LLM")),
    Span(trace=6, service=ODD),
    Span(
        trace=7,
        start=T0 + 9_000_000,
        service="flows",
        attributes=attributes(
            junjo__span_type="workflow", junjo__id="w", junjo__workflow__store__id="store"
        ),
    ),
    Span(
        trace=7,
        span=2,
        parent=1,
        start=T0 + 9_000_001,
        service="flows",
        attributes=attributes(junjo__span_type="node", junjo__id="n"),
    ),
    Span(
        trace=7,
        span=3,
        parent=1,
        start=T0 + 9_000_002,
        service="flows",
        attributes=attributes(
            junjo__span_type="subflow", junjo__id="s", junjo__workflow__store__id="other"
        ),
    ),
]


def patch(at: int, store: str, text: str) -> dict[str, Any]:
    attributes = {"junjo.store.id": store, "junjo.state_json_patch": text}
    return {"name": "set_state", "timeUnixNano": str(at), "attributes": attributes}


WELL = {"problems": [], "swept_at": 1, "files_ready": 0, "files_waiting": 0, "hot": None}

EVENTS = {
    (7, 2): [patch(T0 + 30, "store", '[{"op":"add"}]'), patch(T0 + 20, "store", "[1]")],
    (7, 3): [patch(T0 + 25, "other", "[2]"), {"name": "note", "timeUnixNano": "1"}],
}


@dataclass
class Host(StubHost):
    """A worker whose answers are real."""

    answers: Answers
    said: dict[str, Any] = field(default_factory=dict)


@contextmanager
def served(
    folder: Path, hot: HotView | bool | None = False, rows: list[Span] = ROWS
) -> Iterator[Served]:
    """``hot`` False: there is no hot tier; None: it does not answer."""

    def ask() -> HotView:
        if not isinstance(hot, HotView):
            raise HotUnavailable("nobody is there")
        return hot

    with indexed(folder, keys=KEYS) as one:
        content = table(rows)
        events = [json.dumps(EVENTS.get((row.trace, row.span), [])) for row in rows]
        at = content.schema.get_field_index("events")
        write(one.root / "a.parquet", content.set_column(at, content.schema.field(at), [events]))
        one.settle()
        storage = LocalStorage(one.root)
        answers = Answers(
            moments=CatalogMoments(cursor=one.catalog.cursor, storage=storage),
            hot=None if hot is False else ask,
        )
        host = Host(answers, {**WELL, "storage_root": str(one.root)})
        with serving(host=host, socket_folder=folder) as service:
            service.answers = answers
            yield service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("junjo")) as one:
        yield one


def traces(service: Served, path: str) -> list[int]:
    answer = service.get(path)
    assert answer.code == 200, answer.body
    assert answer.headers["x-complete"] == "true"
    return [int(span["trace_id"], 16) for span in answer.json]


PAIRS = [
    ("/otel/span_service_names", f"{V3}/services"),
    ("/otel/service/shop/root_spans", f"{V3}/services/shop/spans/root"),
    ("/otel/service/shop/root_spans_filtered", f"{V3}/services/shop/spans/root?has_llm=true"),
    (f"/otel/trace/{FLOW}/nested_spans", f"{V3}/traces/{FLOW}/spans"),
    (f"/otel/trace/{FLOW}/span/{2:016x}", f"{V3}/traces/{FLOW}/spans/{2:016x}"),
    ("/otel/spans/type/workflow/flows", f"{V3}/services/flows/workflows"),
]


@pytest.mark.parametrize(("seed", "front_end"), PAIRS)
def test_both_sets_of_paths_give_the_same_answer(
    service: Served, seed: str, front_end: str
) -> None:
    """And it is not an empty one."""
    one, other = service.get(seed), service.get(front_end)
    assert one.code == other.code == 200
    assert one.json == other.json
    assert one.json
    assert one.headers["content-type"] == "application/json"


def test_services_are_names_in_order(service: Served) -> None:
    assert service.get("/otel/span_service_names").json == sorted(
        {row.service for row in ROWS}, key=str.encode
    )


def test_roots_are_newest_first_with_a_tie_break(service: Served) -> None:
    """Equal starts are in order of trace id."""
    assert traces(service, "/otel/service/shop/root_spans") == [4, 5, 3, 1]


def test_llm_roots_are_those_of_traces_with_a_call_in_any_service(service: Served) -> None:
    """The call of trace 3 is in another service; a CHAIN is none."""
    assert traces(service, "/otel/service/shop/root_spans_filtered") == [5, 3]
    assert traces(service, f"{V3}/services/shop/spans/root?has_llm=false") == [4, 5, 3, 1]


def test_workflows_leave_subflows_and_nodes_out(service: Served) -> None:
    (flow,) = service.get(f"{V3}/services/flows/workflows").json
    assert (flow["junjo_span_type"], flow["junjo_id"], flow["junjo_wf_store_id"]) == (
        "workflow",
        "w",
        "store",
    )


def test_all_spans_of_a_service_are_listed(service: Served) -> None:
    assert traces(service, f"{V3}/services/shop/spans") == [4, 5, 3, 1, 1, 1]


def test_a_trace_has_all_its_spans_newest_first(service: Served) -> None:
    """With the values that ``junjo_span`` says."""
    answer = service.get(f"{V3}/traces/{FLOW.upper()}/spans")
    assert [span["span_id"] for span in answer.json] == [f"{n:016x}" for n in (3, 2, 1)]
    assert list(answer.json[0]) == list(junjo_span_fields())
    assert answer.json[0]["start_time"] == "2026-11-18T11:06:40.009000Z"
    assert (answer.json[0]["status_code"], answer.json[0]["kind"]) == ("0", "SERVER")


def junjo_span_fields() -> dict[str, Any]:
    return junjo_span(answered())


@pytest.mark.parametrize("path", ["/otel/service/nobody/root_spans", f"{V3}/services/nobody/spans"])
def test_an_unknown_service_has_an_empty_list(service: Served, path: str) -> None:
    assert service.get(path).json == []


@pytest.mark.parametrize("trace", [f"{99:032x}", "0" * 32, "none", "%00"])
def test_an_absent_trace_is_an_empty_list_and_an_absent_span_null(
    service: Served, trace: str
) -> None:
    """An invalid ID names no trace."""
    for path in (f"/otel/trace/{trace}/nested_spans", f"{V3}/traces/{trace}/spans"):
        assert (service.get(path).code, service.get(path).json) == (200, [])
    answer = service.get(f"{V3}/traces/{trace}/spans/{1:016x}")
    assert (answer.code, answer.body) == (200, b"null")
    assert service.get(f"{V3}/traces/{FLOW}/spans/{99:016x}").body == b"null"


def test_a_client_and_a_server_under_one_id_are_both_listed(tmp_path: Path) -> None:
    """Where one object is asked for it is the server's, which did the work."""
    shared = [Span(kind=3, name="call"), Span(kind=2, name="work", start=T0 + 1)]
    with served(tmp_path, rows=shared) as service:
        for path in (f"{V3}/services/shop/spans/root", f"{V3}/traces/{1:032x}/spans"):
            assert [one["name"] for one in service.get(path).json] == ["work", "call"]
        one = service.get(f"{V3}/traces/{1:032x}/spans/{1:016x}").json
        assert (one["name"], one["kind"]) == ("work", "SERVER")


def test_an_odd_service_name_is_reached(service: Served) -> None:
    """Slashes, blanks, percent signs, line breaks and letters beyond ASCII."""
    for path in ("/otel/service/{}/root_spans", V3 + "/services/{}/spans"):
        assert traces(service, path.format(quote(ODD, safe=""))) == [6]


def test_patches_are_in_order_of_time_with_the_same_ids_every_time(service: Served) -> None:
    """Of all spans of the trace."""
    path = f"/otel/trace/{FLOW}/state_patches"
    found = service.get(path).json
    assert [one["patch_json"] for one in found] == ["[1]", "[2]", '[{"op":"add"}]']
    assert [one["node_id"] for one in found] == ["n", "", "n"]
    assert found == service.get(path).json
    assert len({one["patch_id"] for one in found}) == 3


@pytest.mark.parametrize(
    ("workflow", "patches"),
    [("w", ["[1]", '[{"op":"add"}]']), ("s", ["[2]"]), ("n", []), ("x/y", [])],
)
def test_a_workflow_has_the_patches_of_its_store(
    service: Served, workflow: str, patches: list[str]
) -> None:
    """Whichever span made them; a node has no store."""
    path = f"/otel/trace/{FLOW}/workflow/{quote(workflow, safe='')}/state_patches"
    assert [one["patch_json"] for one in service.get(path).json] == patches


@pytest.mark.parametrize(
    ("asked", "parameter", "bounds"),
    [
        ("limit=0", "limit", {"ge": 1}),
        ("limit=10001", "limit", {"le": 10_000}),
        ("limit=many", "limit", {}),
        ("offset=-1", "offset", {"ge": 0}),
        ("offset=100001", "offset", {"le": 100_000}),
    ],
)
def test_paging_out_of_range_names_the_bound(
    service: Served, asked: str, parameter: str, bounds: dict[str, int]
) -> None:
    answer = service.get(f"/otel/service/shop/root_spans?{asked}")
    assert answer.code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    (error,) = answer.json["errors"]
    assert error["parameter"] == parameter
    assert bounds.items() <= error.items()


def test_pages_follow_by_cursor_by_link_and_by_offset(service: Served) -> None:
    """All three give the list once, in order."""
    path = f"{V3}/services/shop/spans?limit=2"
    pages, links = [service.get(path)], [service.get(path)]
    while cursor := pages[-1].headers.get("x-next-cursor"):
        pages.append(service.get(f"{path}&cursor={cursor}"))
    while link := links[-1].headers.get("link"):
        assert link.endswith('>; rel="next"')
        links.append(service.get(link.removesuffix('>; rel="next"').removeprefix("<")))
    whole = service.get(f"{V3}/services/shop/spans").json
    assert [span for page in pages for span in page.json] == whole
    assert [span for page in links for span in page.json] == whole
    assert len(pages) == 3
    skipped = [service.get(f"{path}&offset={offset}").json for offset in (0, 2, 4)]
    assert [span for page in skipped for span in page] == whole


def test_pages_of_a_relative_time_are_of_one_window(service: Served) -> None:
    """The cursor says when the first page was asked for, in both kinds of lists."""
    path = f"{V3}/services/shop/spans?limit=2&since=10000d"
    first = service.get(path)
    after = service.get(f"{path}&cursor={first.headers['x-next-cursor']}")
    assert [*first.json, *after.json] == service.get(f"{V3}/services/shop/spans?limit=4").json
    path = "/api/v1/operations?limit=1&since=10000d"
    names = service.get(path).json
    rest = service.get(f"{path}&cursor={names['next_cursor']}")
    assert rest.code == 200
    assert rest.json["operations"] != names["operations"]


def test_a_cursor_of_another_list_is_refused(service: Served) -> None:
    cursor = service.get(f"{V3}/services/shop/spans?limit=1").headers["x-next-cursor"]
    refused = service.get(f"{V3}/services/cart/spans?cursor={cursor}")
    assert (refused.code, refused.json["title"]) == (400, "QueryRefused")


def test_time_bounds_narrow_lists_and_traces(service: Served) -> None:
    """As a time or as nanoseconds; the end is not in it."""
    path = f"{V3}/services/shop/spans"
    since = "2026-11-18T11:06:40.003Z"
    assert traces(service, f"{path}?since={since}") == [4, 5, 3]
    assert traces(service, f"{path}?since={T0 + 3_000_000}&until={T0 + 4_000_000}") == [3]
    found = service.get(f"{V3}/traces/{FLOW}/spans?until={T0 + 9_000_001}").json
    assert [span["span_id"] for span in found] == [f"{1:016x}"]
    refused = service.get(f"{path}?since=yesterday")
    assert (refused.code, refused.json["title"]) == (400, "QueryRefused")


def test_an_answer_tells_its_cost(service: Served) -> None:
    headers = service.get(f"/otel/trace/{FLOW}/state_patches").headers
    assert headers["x-files-read"] == "1"
    assert headers["x-bytes-read"].isdecimal()  # none where a column's values are kept
    index, payload = headers["server-timing"].split(", ")
    assert index.startswith("index;dur=")
    assert float(payload.removeprefix("payload;dur=")) > 0
    assert headers["x-files-quarantined"] == "0"
    assert "x-hot" not in headers


def test_what_was_shown_before_is_shown_without_a_file(service: Served) -> None:
    first, again = (service.get(f"{V3}/traces/{FLOW}/spans") for _ in range(2))
    assert (again.body, again.headers["x-files-read"]) == (first.body, "0")
    narrower = service.get(f"{V3}/traces/{FLOW}/spans/{1:016x}")
    assert (narrower.json, narrower.headers["x-files-read"]) == (first.json[-1], "0")


def test_services_of_a_time_are_those_that_started_spans_then(service: Served) -> None:
    path = f"{V3}/services"
    assert service.get(f"{path}?since={T0 + 4_000_000}&until={T0 + 9_000_000}").json == ["shop"]
    assert service.get(f"{path}?since={T0 + 9_000_000}").json == ["flows"]
    assert service.get(f"{path}?until={T0}").json == []


def test_a_hot_tier_that_does_not_answer_is_said(tmp_path: Path) -> None:
    """The spans of files are there all the same."""
    with served(tmp_path, hot=None) as service:
        for path in (f"{V3}/services", f"{V3}/services/shop/spans", f"{V3}/traces/{FLOW}/spans"):
            answer = service.get(path)
            assert answer.json
            assert (answer.headers["x-complete"], answer.headers["x-hot"]) == (
                "false",
                "unreachable",
            )
            (lack,) = json.loads(answer.headers["x-missing"])
            assert lack["error_type"] == "HotUnavailable"


def test_hot_workflows_and_patches_are_answered_as_cold_ones(tmp_path: Path) -> None:
    """The body is the same before and after the flush."""
    flows = [row for row in ROWS if row.service == "flows"]
    content = table(flows)
    events = [json.dumps(EVENTS.get((row.trace, row.span), [])) for row in flows]
    at = content.schema.get_field_index("events")
    view = HotView(
        rows=DecodedRows(content.set_column(at, content.schema.field(at), [events])),
        as_of_unix_nano=5,
        recent_files=(),
        source="incremental",
        bounded=False,
    )
    paths = [*(path for pair in PAIRS[3:] for path in pair), f"/otel/trace/{FLOW}/state_patches"]
    with served(tmp_path, hot=view, rows=ROWS[:2]) as hot:
        answers = [hot.get(path) for path in paths]
        assert all(answer.headers["x-as-of"] == "5" for answer in answers)
    (tmp_path / "cold").mkdir()
    with served(tmp_path / "cold") as cold:
        assert [cold.get(path).json for path in paths] == [answer.json for answer in answers]


def test_an_attribute_that_is_not_promoted_names_the_setting(tmp_path: Path) -> None:
    """Lists that need it are refused; the others are not."""
    with indexed(tmp_path, keys=()) as one:
        answers = Answers(
            moments=CatalogMoments(cursor=one.catalog.cursor, storage=LocalStorage(one.root))
        )
        with serving(host=Host(answers)) as service:
            for path in ("/otel/spans/type/workflow/x", "/otel/service/x/root_spans_filtered"):
                refused = service.get(path)
                assert refused.code == 400
                assert "INDEXER_PROMOTED_ATTRIBUTES" in refused.json["hint"]
            assert service.get("/otel/service/x/root_spans").code == 200
