"""Threads are found by predicates on their traces, of which only the selected ones count."""

import pytest

from indexer.errors import InvalidMastraCall
from indexer.mastra import error_ids
from tests.mastra.samples import span

pytestmark = pytest.mark.duckdb
RANGE = {"from": "2033-01-01T00:00:00Z", "to": "2033-01-02T00:00:00Z"}
BEFORE = "2032-12-31T23:00:00Z"
TRACES = {
    "thread-1": {"threadId": "a", "environment": "test"},
    "thread-2": {"threadId": "a", "environment": "live", "error": {"message": "no"}},
    "thread-3": {"threadId": "b", "environment": "live"},
    "thread-4": {"threadId": "c", "environment": "test"},
    "thread-5": {"threadId": None, "environment": "live"},
    "thread-6": {"threadId": "c", "environment": "live", "startedAt": BEFORE},
}
LIVE = {"op": "eq", "left": {"path": "environment"}, "right": {"literal": "live"}}
FAILED = {"op": "eq", "left": {"path": "status"}, "right": {"literal": "error"}}
CALLS = {
    "spans": {"some": {"op": "eq", "left": {"path": "spanType"}, "right": {"literal": "tool_call"}}}
}


@pytest.fixture(scope="module")
def spans(memory_store):
    made = memory_store.observability
    began = {"startedAt": RANGE["from"], "endedAt": RANGE["to"]}
    made.batch_create_spans([span(trace, **(began | more)) for trace, more in TRACES.items()])
    made.create_span(span("thread-4", "call", "root", **(began | {"spanType": "tool_call"})))
    yield made
    made.batch_delete_traces(list(TRACES))


def threads(spans, where=None, selected=None, **more):
    selection = {"timeRange": RANGE} | ({"where": selected} if selected else {})
    request = {"traces": selection, **({"where": where} if where else {}), **more}
    answer = spans.query_threads(request)
    return [one.thread_id for one in answer.threads], answer.page.next


@pytest.mark.parametrize(
    ("where", "selected", "expected"),
    [
        (None, None, ["a", "b", "c"]),
        (None, LIVE, ["a", "b"]),
        ({"traces": {"some": LIVE}}, None, ["a", "b"]),
        ({"traces": {"none": LIVE}}, None, ["c"]),
        ({"traces": {"none": FAILED}}, LIVE, ["b"]),
        ({"op": "not", "arg": {"traces": {"some": FAILED}}}, None, ["b", "c"]),
        ({"traces": {"some": CALLS}}, None, ["c"]),
        (
            {"op": "or", "args": [{"traces": {"some": FAILED}}, {"traces": {"some": CALLS}}]},
            None,
            ["a", "c"],
        ),
        (
            {
                "op": "and",
                "args": [
                    {"traces": {"some": LIVE}},
                    {"traces": {"none": {"op": "and", "args": [LIVE, FAILED]}}},
                ],
            },
            None,
            ["b"],
        ),
    ],
)
def test_a_thread_is_found_by_its_traces(spans, where, selected, expected):
    assert threads(spans, where, selected) == (expected, None)


def test_pages_go_on_where_the_last_ended(spans):
    first, cursor = threads(spans, page={"limit": 2})
    assert (first, threads(spans, page={"limit": 2, "after": cursor})) == (
        ["a", "b"],
        (["c"], None),
    )
    with pytest.raises(InvalidMastraCall) as refused:
        threads(spans, {"traces": {"some": LIVE}}, page={"after": cursor})
    assert refused.value.error_id == error_ids.CURSOR_CONFLICT


@pytest.mark.parametrize(
    ("request_", "code", "path"),
    [
        ({}, "invalid_request", ("traces",)),
        (
            {"traces": {"timeRange": RANGE | {"to": BEFORE}}},
            "invalid_time_range",
            ("traces", "timeRange"),
        ),
        (
            {"traces": {"timeRange": RANGE, "where": {"op": "exists", "path": "no"}}},
            "field_not_allowed",
            ("traces", "where", "path"),
        ),
        (
            {"traces": {"timeRange": RANGE}, "where": {"op": "exists", "path": "threadId"}},
            "field_not_allowed",
            ("where", "path"),
        ),
        ({"traces": {"timeRange": RANGE}, "where": CALLS}, "invalid_request", ("where",)),
    ],
)
def test_what_is_wrong_with_a_query_of_threads_is_said(spans, request_, code, path):
    with pytest.raises(InvalidMastraCall) as refused:
        spans.query_threads(request_)
    assert [(issue.code, issue.path) for issue in refused.value.issues] == [(code, path)]
