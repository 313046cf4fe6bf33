"""Spans are queried across traces, with previews and what they cost."""

import pytest

from indexer.errors import InvalidMastraCall
from tests.mastra.samples import span

pytestmark = pytest.mark.duckdb
RANGE = {"from": "2033-01-01T00:00:00Z", "to": "2033-01-02T00:00:00Z"}
START = "2033-01-01T00:00:00Z"


def call(trace_id, span_id, end, **more):
    return span(trace_id, span_id, "root", startedAt=START, endedAt=end, **more)


def metric(trace_id, span_id, name, value, **cost):
    """As Mastra's exporter writes a metric."""
    return {
        "name": f"mastra_model_{name}",
        "value": value,
        "metricId": f"{trace_id}-{span_id}-{name}",
        "correlationContext": {"traceId": trace_id, "spanId": span_id},
        "costContext": cost,
    }


@pytest.fixture(scope="module")
def spans(memory_store):
    made = memory_store.observability
    priced = {"estimatedCost": 0.25, "costUnit": "usd"}
    made.batch_create_spans(
        [
            call("spans-1", "a", "2033-01-01T00:00:01.0005Z", attributes={"model": "m"}),
            call("spans-1", "b", "2033-01-01T00:00:02Z", input={"long": "x" * 300}, output="ok"),
            call("spans-2", "a", "2033-01-01T00:00:03Z", error={"message": "no"}),
            span("spans-2", "open", startedAt=START),
        ]
    )
    records = [
        metric("spans-1", "a", "total_input_tokens", 10, **priced),
        metric("spans-1", "a", "total_output_tokens", 5, **priced),
        metric("spans-1", "a", "total_output_tokens", 5, **priced),
        metric("spans-1", "a", "input_text_tokens", 10, **priced),
        metric("spans-1", "b", "total_input_tokens", 10),
    ]
    made.batch_create_signals("metrics", records)
    yield made
    made.batch_delete_traces(["spans-1", "spans-2"])


def query(spans, **request):
    return spans.query_spans({"timeRange": RANGE, **request})


def keys(answer):
    return [(one.trace_id.removeprefix("spans-"), one.span_id) for one in answer.spans]


def test_spans_that_have_ended_are_found_whatever_their_trace(spans):
    assert keys(query(spans)) == [("1", "a"), ("1", "b"), ("2", "a")]
    failed = {"op": "eq", "left": {"path": "status"}, "right": {"literal": "error"}}
    assert keys(query(spans, where=failed)) == [("2", "a")]


def test_pages_go_on_where_the_last_ended(spans):
    for direction, expected in (("asc", "aba"), ("desc", "aba")):
        found, after = "", None
        order = [{"field": "startedAt", "direction": direction}]
        for _ in expected:
            page = {"limit": 1} | ({"after": after} if after else {})
            answer = query(spans, orderBy=order, page=page)
            found += answer.spans[0].span_id
            after = answer.page.next
        assert (found, after) == (expected, None)


def test_a_span_has_previews_its_length_and_its_model(spans):
    first, second, _ = (one.model_dump(by_alias=True) for one in query(spans).spans)
    assert (first["durationMs"], first["model"], first["inputPreview"]) == (1000.5, "m", None)
    assert (len(second["inputPreview"]), second["inputTruncated"]) == (256, True)
    assert (second["outputPreview"], second["outputTruncated"]) == ('"ok"', False)


def test_a_cost_is_the_sum_of_what_carries_one_once(spans):
    costs = [one.cost for one in query(spans).spans]
    assert costs == [
        {"state": "available", "amount": 0.5, "currency": "usd"},
        {"state": "unavailable"},
        {"state": "missing"},
    ]


def test_spans_have_no_related_records(spans):
    with pytest.raises(InvalidMastraCall) as refused:
        query(spans, where={"spans": {"some": {"op": "exists", "path": "error"}}})
    assert refused.value.issues[0].path == ("where",)
