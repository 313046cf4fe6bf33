"""Lists of traces as Mastra defines them: filters, orders, pages and what has been listed newly."""

import pytest

from indexer.errors import InvalidMastraCall
from indexer.mastra.sync_store import SyncDuckDBStore
from tests.mastra.samples import at, new_trace, span

pytestmark = pytest.mark.duckdb

METADATA = {
    "n": 5,
    "text": "5",
    "flag": True,
    "none": None,
    "a.b": 'quote " and \\',
    "a/b~c": [1, {"x": 1.0}],
    "": "empty",
    "🦊": {"k": [1, 2], "l": {"m": None}},
    "big": 2**60,
}
ROOTS = {
    "ended": {
        "endedAt": at(10),
        "metadata": METADATA,
        "tags": ["a", "b", "it's"],
        "entityType": "agent",
        "threadId": "t1",
        "scope": {"v": {"core": "1"}},
    },
    "running": {"start": 1, "metadata": {"n": 6, "flag": 1}, "tags": ["a"], "spanType": "generic"},
    "failed": {"start": 2, "endedAt": at(5), "error": {"message": "no"}, "userId": "u"},
    "failing": {"start": 3, "error": "no end"},
}


@pytest.fixture(scope="module")
def spans():
    """Four traces; a child of ``ended`` has failed; beside them an orphan and a lone update."""
    store = SyncDuckDBStore(threads=1)
    store.init()
    spans = store.observability
    spans.batch_create_spans(
        [span(trace, name=trace, **fields) for trace, fields in ROOTS.items()]
        + [
            span("ended", "child", "root", 4, error="no", spanType="tool_call", tags=["child"]),
            span("running", "child", "root", 5, spanType="generic"),
            span("orphan", "child", "never", spanType="generic"),
        ]
    )
    spans.update_span("pending", "root", {"output": 1})
    yield spans
    store.close()


def names(found):
    return [one.trace_id for one in found.spans]


ALL = ["ended", "running", "failed", "failing"]
FILTERS = [
    ({}, ALL),
    ({"unknownKey": 1, "threadId": None, "tags": [], "metadata": {}}, ALL),
    ({"startedAt": {"start": at(1), "end": at(2)}}, ["running", "failed"]),
    ({"startedAt": {"start": at(1), "startExclusive": True}}, ["failed", "failing"]),
    ({"startedAt": {"end": "2026-11-01T12:00:01Z", "endExclusive": True}}, ["ended"]),
    ({"startedAt": {"start": at(2), "end": at(1)}}, []),
    ({"endedAt": {"start": at(0)}}, ["ended", "failed"]),
    ({"spanType": "generic"}, ["running"]),
    ({"traceId": "failed"}, ["failed"]),
    ({"entityType": "agent", "threadId": "t1"}, ["ended"]),
    ({"entityType": "agent", "threadId": "t2"}, []),
    ({"userId": "u"}, ["failed"]),
    ({"userId": "u' OR 'u' = 'u"}, []),
    ({"userId": "u\0", "metadata": {"' OR true --": "\0'"}}, []),
    ({"tags": ["a"]}, ["ended", "running"]),
    ({"tags": ["it's", "a"]}, ["ended"]),
    ({"tags": ["child"]}, []),
    ({"status": "success"}, ["ended"]),
    ({"status": "running"}, ["running"]),
    ({"status": "error"}, ["failed", "failing"]),
    ({"hasChildError": True}, ["ended"]),
    ({"hasChildError": "false"}, ["running", "failed", "failing"]),
    ({"scope": {"v": {"core": "1"}}}, ["ended"]),
    ({"scope": {"v": {"core": 1}}}, []),
    ({"metadata": {"n": 5, "text": "5"}}, ["ended"]),
    ({"metadata": {"n": 5.0}}, ["ended"]),
    ({"metadata": {"n": "5"}}, []),
    ({"metadata": {"text": 5}}, []),
    ({"metadata": {"flag": True}}, ["ended"]),
    ({"metadata": {"flag": 1}}, ["running"]),
    ({"metadata": {"none": None}}, ["ended"]),
    ({"metadata": {"absent": None}}, []),
    ({"metadata": {"big": 2**60}}, ["ended"]),
    ({"metadata": {"big": 10**400}}, []),
    ({"metadata": {"a.b": 'quote " and \\'}}, ["ended"]),
    ({"metadata": {"": "empty"}}, ["ended"]),
    ({"metadata": {"a/b~c": [1, {"x": 1}]}}, ["ended"]),
    ({"metadata": {"a/b~c": [{"x": 1}, 1]}}, []),
    ({"metadata": {"a/b~c": [1, {"x": True}]}}, []),
    ({"metadata": {"🦊": {"l": {"m": None}, "k": [1, 2]}}}, ["ended"]),
    ({"metadata": {"🦊": {"k": [1, 2]}}}, []),
    ({"metadata": {"🦊": {"k": [1, 2], "l": {"m": None}}, "n": 6}}, []),
]


@pytest.mark.parametrize(("filters", "expected"), FILTERS, ids=lambda value: str(value)[:60])
def test_a_filter_finds_the_roots_that_it_holds_for(spans, filters, expected):
    found = spans.list_traces({"filters": filters, "orderBy": {"direction": "ASC"}})
    assert (names(found), found.pagination.total) == (expected, len(expected))


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({}, ["failing", "failed", "running", "ended"]),
        ({"field": "startedAt", "direction": "ASC"}, ALL),
        ({"field": "endedAt"}, ["failing", "running", "ended", "failed"]),
        ({"field": "endedAt", "direction": "ASC"}, ["failed", "ended", "running", "failing"]),
    ],
)
def test_what_has_not_ended_counts_as_ending_last(spans, order, expected):
    assert names(spans.list_traces({"orderBy": order})) == expected


def test_pages_tell_where_they_are(spans):
    first = spans.list_traces({"pagination": {"page": "0", "perPage": "3"}})
    second = spans.list_traces({"pagination": {"page": 1, "perPage": 3}})
    past = spans.list_traces({"pagination": {"page": 9, "perPage": 3}})
    assert (len(first.spans), first.pagination.total, first.pagination.has_more) == (3, 4, True)
    assert (names(second), second.pagination.has_more) == (["ended"], False)
    assert (past.spans, past.pagination.total, past.pagination.has_more) == ([], 4, False)


def test_a_listed_span_has_its_status_and_a_light_one_nothing_large(spans):
    full = spans.list_traces().spans[0].model_dump(by_alias=True)
    light = spans.list_traces_light().spans[0].model_dump(by_alias=True)
    assert full["status"] == light["status"] == "error"
    assert "input" in full
    assert not {"input", "output", "attributes", "tags", "links"} & set(light)
    assert light["inputPreview"] is None


def test_branches_begin_with_runs_and_tools_wherever_they_are(spans):
    found = spans.list_branches({"orderBy": {"direction": "ASC"}})
    branches = [(one.trace_id, one.span_id, one.status) for one in found.branches]
    assert ("ended", "child", "error") in branches
    assert found.pagination.total == len(branches) == 4
    assert spans.list_branches({"filters": {"spanType": "generic"}}).branches == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"unknown": 1}, "unknown"),
        ({"pagination": {"perPage": 0}}, "pagination.perPage"),
        ({"pagination": {"perPage": 101}}, "pagination.perPage"),
        ({"pagination": {"page": -1}}, "pagination.page"),
        ({"orderBy": {"field": "name"}}, "orderBy.field"),
        ({"orderBy": {"direction": "up"}}, "orderBy.direction"),
        ({"filters": {"status": "odd"}}, "filters.status"),
        ({"filters": {"startedAt": {"start": "soon"}}}, "filters.startedAt.start"),
        ({"mode": "delta", "pagination": {"page": 1}}, "pagination"),
        ({"after": "1"}, "after"),
        ({"mode": "delta", "limit": 101}, "limit"),
    ],
)
def test_invalid_arguments_are_refused_by_name(spans, arguments, named):
    with pytest.raises(InvalidMastraCall, match=named) as refused:
        spans.list_traces(arguments)
    assert refused.value.error_id == "MASTRA_STORAGE_DUCKDB_LIST_TRACES_INVALID_ARGUMENTS"


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "9" * 30, "٣"])
def test_a_cursor_that_no_list_has_given_is_refused(spans, cursor):
    with pytest.raises(InvalidMastraCall) as refused:
        spans.list_traces({"mode": "delta", "after": cursor})
    assert refused.value.error_id == "OBSERVABILITY_INVALID_DELTA_CURSOR"


def test_a_delta_is_what_has_been_listed_newly_oldest_first(memory_store):
    spans = memory_store.observability
    head = spans.list_traces({"mode": "delta"})
    assert (head.spans, head.delta.has_more, head.pagination) == ([], False, None)
    traces = [new_trace() for _ in range(3)]
    spans.batch_create_spans([span(trace, start=-number) for number, trace in enumerate(traces)])
    spans.create_span(span(traces[0], "child", "root"))
    spans.update_span(traces[0], "root", {"output": 1})
    first = spans.list_traces({"mode": "delta", "after": head.delta_cursor, "limit": 2})
    assert (names(first), first.delta.has_more) == (traces[:2], True)
    rest = spans.list_traces({"mode": "delta", "after": first.delta_cursor, "limit": 2})
    assert (names(rest), rest.delta.has_more) == (traces[2:], False)
    spans.update_span(traces[1], "root", {"output": 1})
    spans.create_span(span(traces[1], "child", "root"))
    last = spans.list_traces({"mode": "delta", "after": rest.delta_cursor})
    assert (last.spans, int(last.delta_cursor) > int(rest.delta_cursor)) == ([], True)
