"""Each front end's own requests, page by page, on its prefix and on the paths without one."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from indexer.clients.application import Application
from indexer.clients.junjo.routes import junjo
from indexer.errors import InvalidSettings
from indexer.telemetry import metrics
from tests.clients.test_routes_junjo import FLOW, ROWS, served
from tests.support.junjo_evidence_bodies import TraceEvidence
from tests.support.junjo_front_ends import SPANS
from tests.support.junjo_requests import V1, FrontEnd
from tests.support.served import Served
from tests.support.span_files import T0, Span

pytestmark = pytest.mark.duckdb

RELEASES = tuple(SPANS)
BAD = f"{8:032x}"
MALFORMED = [
    Span(trace=8, span=at, service="bad", start=T0 + 50 - at, attributes=text)
    for at, text in ((1, '{"k":1}'), (2, "text"), (3, "[1]"))
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("front-ends")
    with served(folder, rows=[*ROWS, *MALFORMED]) as one:
        yield one


@pytest.fixture(params=RELEASES)
def front_end(request: pytest.FixtureRequest, service: Served) -> FrontEnd:
    return FrontEnd(service, request.param, f"/junjo/{request.param}")


def test_a_front_end_goes_from_services_to_a_span(front_end: FrontEnd) -> None:
    """Every answer on the way is one that it accepts, complete and altered nowhere."""
    assert "flows" in front_end.services()
    (root,) = front_end.roots("flows")
    (workflow,) = front_end.workflows("flows")
    assert root.span_id == workflow.span_id
    trace = front_end.trace(workflow.trace_id)
    assert [span.span_id for span in trace] == [f"{at:016x}" for at in (3, 2, 1)]
    assert front_end.one_span(trace[0].trace_id, trace[0].span_id) == trace[0]
    for said in front_end.said:
        assert said.headers["x-complete"] == "true"
        assert "x-altered-spans" not in said.headers


def test_what_is_not_there_is_null_or_an_empty_list(front_end: FrontEnd) -> None:
    """An invalid ID too."""
    assert front_end.workflows("nobody") == []
    for trace in (f"{99:032x}", "none"):
        assert front_end.trace(trace) == []
        assert front_end.one_span(trace, f"{1:016x}") is None


def test_llm_roots_are_of_traces_with_a_call_in_the_service_since_0_80(
    front_end: FrontEnd,
) -> None:
    """Up to 0.70 in any: that of trace 3 is in another service than its root."""
    found = [int(span.trace_id, 16) for span in front_end.roots("shop", llm=True)]
    assert found == ([5, 3] if front_end.release in ("0.61", "0.70") else [5])


def test_malformed_spans_cost_no_list_and_no_trace(front_end: FrontEnd) -> None:
    """The answer names them, and they are counted."""
    label = {"route": f"/junjo/{front_end.release}" + _list_path(front_end)}
    before = metrics.ALTERED_SPANS.labels(**label)._value.get()
    assert len(front_end.roots("bad")) == 3
    assert len(front_end.trace(BAD)) == 3
    for said in front_end.said:
        assert said.headers["x-altered-spans"] == "2"
        altered = json.loads(said.headers["x-altered"])
        assert {one["span_id"] for one in altered} == {f"{at:016x}" for at in (2, 3)}
        assert altered[0].items() >= {"trace_id": BAD, "fields": ["attributes_json"]}.items()
    assert metrics.ALTERED_SPANS.labels(**label)._value.get() == before + 2


def test_malformed_spans_cost_no_evidence(service: Served) -> None:
    """The answer names them here too, and the front end takes it."""
    answer = service.get(f"/junjo/0.82/api/v1/trace-evidence/{BAD}")
    assert (answer.code, answer.headers["x-altered-spans"]) == (200, "2")
    assert len(TraceEvidence.model_validate(answer.json).spans) == 3


def _list_path(front_end: FrontEnd) -> str:
    if front_end.is_first:
        return "/otel/service/{service_name}/root-spans"
    return f"{V1}/services/{{service_name}}/spans/root"


def test_only_the_newest_release_has_pages_of_at_most_250(service: Served) -> None:
    codes = {
        release: service.get(f"/junjo/{release}{V1}/services/shop/spans?limit=251").code
        for release in RELEASES[1:]
    }
    assert codes == {"0.70": 200, "0.80": 200, "0.82": 422}


@pytest.mark.parametrize(
    "path", ["/services", "/services/flows/workflows", f"/traces/{FLOW}/spans"]
)
def test_without_a_prefix_the_newest_release_is_answered(service: Served, path: str) -> None:
    bare, prefixed = (service.get(f"{prefix}{V1}{path}") for prefix in ("", "/junjo/0.82"))
    assert bare.json == prefixed.json
    assert bare.json


def test_the_first_release_is_answered_without_a_prefix_too(service: Served) -> None:
    first = FrontEnd(service, "0.61", "")
    assert first.workflows("flows") == FrontEnd(service, "0.61", "/junjo/0.61").workflows("flows")


def test_a_setting_says_which_release_needs_no_prefix() -> None:
    """The same paths, the bodies of another; an unknown one is refused when routes are made."""
    app = Application(None, [lambda host: junjo(host, bare="0.70")])  # type: ignore[arg-type]
    app.close()
    assert "JunjoSpan" in str(app.openapi()["paths"][f"{V1}/services/{{service_name}}/workflows"])
    with pytest.raises(InvalidSettings, match=r"'0\.7'"):
        junjo(None, bare="0.7")  # type: ignore[arg-type]  # nothing is asked of it


def test_answers_of_one_release_are_not_kept_for_another(service: Served) -> None:
    """They share the memory for spans that are encoded."""
    for _ in range(2):
        for release in RELEASES:
            assert len(FrontEnd(service, release, f"/junjo/{release}").trace(FLOW)) == 3
