"""Pages of two stores put together are those of one store with all of their spans."""

from itertools import product

import pytest

from indexer.mastra.merged_queries import merged_spans, merged_traces
from indexer.mastra.query_requests import SpanQuery, TraceQuery, parsed
from indexer.mastra.sync_store import SyncDuckDBStore
from tests.mastra.samples import at, span

pytestmark = pytest.mark.duckdb
RANGE = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"}
TRACES = [
    [
        span(
            f"t{number}", start=number // 2, endedAt=at(9 - number % 3), threadId=f"x{number % 4}"
        ),
        span(f"t{number}", "child", "root", number, endedAt=at(number)),
    ]
    for number in range(9)
]
"""Pairs begin at the same time, and three end at the same time."""
SENT = (1, 4, 5, 8)
ORDERS = [
    {"field": field, "direction": direction}
    for field, direction in product(("startedAt", "endedAt"), ("asc", "desc"))
]


@pytest.fixture(scope="module")
def stores():
    """All traces, those that are stored, and records of the others."""
    opened = [SyncDuckDBStore(threads=1) for _ in range(2)]
    for store in opened:
        store.init()
    every, stored = (store.observability for store in opened)
    every.batch_create_spans([one for trace in TRACES for one in trace])
    for number, trace in enumerate(TRACES):
        if number not in SENT:
            stored.batch_create_spans(trace)
    sent = [one for number in SENT for one in every.get_trace(f"t{number}").spans]
    yield every, stored, sent
    for store in opened:
        store.close()


def pages(ask, **content):
    """All pages by cursor, each with one row more than the last, until there is none."""
    found, after = [], None
    for limit in range(1, 99):
        page = {"limit": limit} if after is None else {"limit": limit, "after": after}
        answer = ask({"timeRange": RANGE, "page": page} | content).model_dump()
        found.append([row for rows in answer.values() if isinstance(rows, list) for row in rows])
        after = answer["page"]["next"]
        if after is None:
            return [[without_arrival(row) for row in rows] for rows in found]
    raise AssertionError("pages without an end")


def without_arrival(row):
    return {name: value for name, value in row.items() if name != "created_at"}


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_traces_and_spans_by_cursor(stores, order):
    every, stored, sent = stores

    def traces(content):
        return merged_traces(stored, sent, parsed(TraceQuery, content))

    def spans(content):
        return merged_spans(stored, sent, parsed(SpanQuery, content))

    assert pages(traces, orderBy=[order]) == pages(every.query_traces, orderBy=[order])
    assert pages(spans, orderBy=[order]) == pages(every.query_spans, orderBy=[order])


def test_threads_by_cursor(stores):
    every, stored, sent = stores
    group = {"by": ["threadId"]}

    def threads(content):
        return merged_traces(stored, sent, parsed(TraceQuery, content))

    assert pages(threads, group=group) == pages(every.query_traces, group=group)


def test_traces_by_number_have_the_time_at_which_they_came(stores):
    every, stored, sent = stores
    wanted = {"timeRange": RANGE, "pagination": {"page": 0, "perPage": 20}}
    found = merged_traces(stored, sent, parsed(TraceQuery, wanted))
    assert found.pagination == every.query_traces(wanted).pagination
    assert [one.started_at for one in found.traces] == [
        one.started_at for one in every.query_traces(wanted).traces
    ]
    arrived = {one.trace_id: one.created_at for one in sent}
    assert {one.trace_id: one.created_at for one in found.traces}.items() >= arrived.items()


def test_a_delta_is_of_the_store_alone(stores):
    _, stored, sent = stores
    wanted = parsed(TraceQuery, {"timeRange": RANGE, "mode": "delta"})
    assert merged_traces(stored, sent, wanted) == stored.query_traces(wanted)
