"""Traces are queried a page at a time, by cursor or number, as threads, and as they change."""

import pytest

from indexer.errors import InvalidMastraCall
from indexer.mastra import error_ids
from tests.mastra.samples import span

pytestmark = pytest.mark.duckdb
RANGE = {"from": "2032-01-01T00:00:00Z", "to": "2032-01-02T00:00:00Z"}
TRACES = [f"query-{number}" for number in range(5)]


def root(number, **more):
    begin = f"2032-01-01T0{number // 2}:00:00.000001Z"
    end = f"2032-01-01T1{number}:00:00Z"
    return span(f"query-{number}", startedAt=begin, endedAt=end, **more)


@pytest.fixture(scope="module")
def spans(memory_store):
    made = memory_store.observability
    threads = ["a", "b", "a", None, "c"]
    made.batch_create_spans(
        [root(number, threadId=thread, input="hi") for number, thread in enumerate(threads)]
    )
    made.create_span(span("query-open", startedAt=RANGE["from"]))
    made.create_span(root(9) | {"startedAt": RANGE["to"]})
    yield made
    made.batch_delete_traces([*TRACES, "query-open", "query-9"])


def ids(answer):
    return [trace.trace_id.removeprefix("query-") for trace in answer.traces]


def pages(spans, request, limit):
    """Every page's IDs, and the last answer."""
    found, after = [], None
    while True:
        page = {"limit": limit} | ({"after": after} if after else {})
        answer = spans.query_traces({"timeRange": RANGE, "page": page, **request})
        found.append(ids(answer))
        after = answer.page.next
        if after is None:
            return found


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, [["4", "2"], ["3", "0"], ["1"]]),
        (("startedAt", "asc"), [["0", "1"], ["2", "3"], ["4"]]),
        (("endedAt", "desc"), [["4", "3"], ["2", "1"], ["0"]]),
    ],
)
def test_pages_go_on_where_the_last_ended_though_times_are_equal(spans, order, expected):
    request = {}
    if order is not None:
        request["orderBy"] = [dict(zip(("field", "direction"), order, strict=True))]
    assert pages(spans, request, 2) == expected


def test_a_trace_is_what_its_root_says(spans):
    (found,) = spans.query_traces({"timeRange": RANGE, "page": {"limit": 1}}).traces
    whole = found.model_dump(by_alias=True)
    assert (whole["traceId"], whole["rootSpanId"], whole["status"]) == (
        "query-4",
        "root",
        "success",
    )
    assert (whole["threadId"], whole["inputPreview"], whole["metadata"]) == ("c", "hi", None)
    assert whole["startedAt"].isoformat() == "2032-01-01T02:00:00.000001+00:00"


def test_a_page_by_its_number_has_the_total(spans):
    request = {"timeRange": RANGE, "pagination": {"page": 1, "perPage": 2}}
    answer = spans.query_traces(request)
    info = answer.pagination
    assert (ids(answer), info.total, info.has_more) == (["3", "0"], 5, True)
    past = spans.query_traces(request | {"pagination": {"page": 9, "perPage": 2}})
    assert (ids(past), past.pagination.total, past.pagination.has_more) == ([], 5, False)


def test_threads_are_paged_in_their_order(spans):
    request = {"timeRange": RANGE, "group": {"by": ["threadId"]}, "page": {"limit": 2}}
    first = spans.query_traces(request)
    second = spans.query_traces(request | {"page": {"limit": 2, "after": first.page.next}})
    assert [one.thread_id for one in first.groups] == ["a", "b"]
    assert ([one.thread_id for one in second.groups], second.page.next) == (["c"], None)


def test_a_delta_has_what_was_created_or_ended_since(spans):
    request = {"timeRange": RANGE, "mode": "delta", "limit": 1}
    head = spans.query_traces(request)
    assert (ids(head), head.delta.has_more) == ([], False)
    spans.create_span(root(7))
    spans.update_span("query-open", "root", {"endedAt": "2032-01-01T05:00:00Z"})
    first = spans.query_traces(request | {"after": head.delta_cursor})
    second = spans.query_traces(request | {"after": first.delta_cursor})
    third = spans.query_traces(request | {"after": second.delta_cursor})
    assert (ids(first), first.delta.has_more) == (["7"], True)
    assert (ids(second), second.delta.has_more) == (["open"], False)
    assert (ids(third), third.delta_cursor) == ([], second.delta_cursor)
    spans.batch_delete_traces(["query-7"])
    spans.update_span("query-open", "root", {"endedAt": None})


def test_of_several_roots_of_a_trace_the_newest_is_its_root(spans):
    spans.create_span(root(3) | {"spanId": "again", "name": "again"})
    request = {"timeRange": RANGE, "where": {"op": "exists", "path": "traceId"}}
    names = {one.trace_id: one.name for one in spans.query_traces(request).traces}
    assert (len(names), names["query-3"]) == (5, "again")


@pytest.mark.parametrize(
    ("request_", "code", "path"),
    [
        ({"timeRange": {"from": RANGE["from"]}}, "invalid_request", ("timeRange", "to")),
        ({"timeRange": RANGE | {"from": "2032"}}, "invalid_request", ("timeRange", "from")),
        ({"timeRange": RANGE | {"from": 5}}, "invalid_request", ("timeRange", "from")),
        ({"timeRange": RANGE | {"to": RANGE["from"]}}, "invalid_time_range", ("timeRange",)),
        (
            {"timeRange": RANGE | {"to": "2032-02-01T00:00:01Z"}},
            "time_range_too_large",
            ("timeRange",),
        ),
        ({"sql": "select 1"}, "invalid_request", ("sql",)),
        ({"page": {"limit": 1_001}}, "invalid_request", ("page", "limit")),
        ({"orderBy": []}, "invalid_request", ("orderBy",)),
        ({"page": {}, "pagination": {}}, "pagination_mode_conflict", ("pagination",)),
        (
            {"group": {"by": ["threadId"]}, "pagination": {}},
            "group_pagination_not_supported",
            ("pagination",),
        ),
        ({"after": "x"}, "invalid_request", ("after",)),
        ({"mode": "delta", "page": {}}, "invalid_request", ("page",)),
        ({"where": {"op": "exists", "path": "no"}}, "field_not_allowed", ("where", "path")),
    ],
)
def test_what_is_wrong_with_a_request_is_said(spans, request_, code, path):
    with pytest.raises(InvalidMastraCall) as refused:
        spans.query_traces({"timeRange": RANGE, **request_})
    assert refused.value.error_id == error_ids.QUERY_INVALID
    assert [(issue.code, issue.path) for issue in refused.value.issues] == [(code, path)]


def test_a_cursor_of_another_query_is_a_conflict(spans):
    cursor = spans.query_traces({"timeRange": RANGE, "page": {"limit": 1}}).page.next
    other = {"timeRange": RANGE, "orderBy": [{"field": "endedAt", "direction": "asc"}]}
    with pytest.raises(InvalidMastraCall) as refused:
        spans.query_traces(other | {"page": {"after": cursor}})
    assert refused.value.error_id == error_ids.CURSOR_CONFLICT
