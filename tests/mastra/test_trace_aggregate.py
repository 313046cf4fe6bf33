"""Groups of traces are measured as Mastra defines it: counts, times, errors, tokens and costs."""

import pytest

from indexer.errors import InvalidMastraCall
from tests.mastra.samples import span
from tests.mastra.test_span_query import metric

pytestmark = pytest.mark.duckdb
RANGE = {"from": "2034-01-01T00:00:00Z", "to": "2034-01-01T04:00:00Z"}
NAMES = ["one", "two", "two", "two"]


@pytest.fixture(scope="module")
def spans(memory_store):
    made = memory_store.observability
    made.batch_create_spans(
        [
            span(
                f"sum-{number}",
                startedAt=f"2034-01-01T0{number}:30:00Z",
                endedAt=f"2034-01-01T0{number}:30:0{number + 1}Z",
                entityName=name,
                threadId="t" if number > 1 else None,
                error="no" if number == 3 else None,
                metadata={"plan": "gold"} if number == 1 else None,
            )
            for number, name in enumerate(NAMES)
        ]
    )
    made.batch_create_signals(
        "metrics",
        [
            metric("sum-1", "m", "total_input_tokens", 10, estimatedCost=0.5, costUnit="usd"),
            metric("sum-1", "m", "total_output_tokens", 4, estimatedCost=1.5, costUnit="usd"),
            metric("sum-1", "m", "output_reasoning_tokens", 3),
            metric("sum-2", "m", "total_input_tokens", 20),
        ],
    )
    yield made
    made.batch_delete_traces([f"sum-{number}" for number in range(4)])


def rows(spans, *measures, **request):
    answer = spans.aggregate_traces({"timeRange": RANGE, "measures": list(measures), **request})
    return answer["rows"]


def test_all_traces_are_one_group_without_dimensions(spans):
    names = ("count", "errorCount", "errorRate", "duration.max", "duration.p50")
    (row,) = rows(spans, *names, "countDistinct.threadId")
    values = dict(zip(names, (4, 1, 0.25, 4_000, 2_500), strict=True))
    assert row == {"measures": values | {"countDistinct.threadId": 1}}


def test_tokens_and_costs_are_of_traces_that_have_them(spans):
    names = ("tokens.total.sum", "tokens.input.avg", "tokens.reasoning.sum", "cost.sum")
    one, two = rows(spans, *names, groupBy=["entityName"], orderBy={"field": "entityName"})[::-1]
    assert one["dimensions"] == {"entityName": "one"}
    assert set(one["measures"].values()) == {None}
    assert two["measures"] == {
        "tokens.total.sum": 34,
        "tokens.input.avg": 15,
        "tokens.reasoning.sum": 3,
        "cost.sum": 2,
        "cost.coverage": 0.5,
        "costUnit": "usd",
    }


def test_groups_are_ordered_cut_and_chosen_by_measures(spans):
    by = {"groupBy": ["metadata.plan"]}
    found = rows(spans, "duration.min", **by, orderBy={"field": "duration.min", "direction": "asc"})
    assert [row["dimensions"]["metadata.plan"] for row in found] == [None, "gold"]
    answer = spans.aggregate_traces(
        {"timeRange": RANGE, "measures": ["count"], "groupBy": ["entityName"], "limit": 1}
    )
    assert (answer["rows"][0]["measures"], answer["truncated"]) == ({"count": 3}, True)
    having = {"op": "lt", "left": {"path": "count"}, "right": {"literal": 2}}
    (row,) = rows(spans, "errorCount", groupBy=["entityName"], having=having)
    assert row == {"dimensions": {"entityName": "one"}, "measures": {"errorCount": 0}}
    unknown = {"op": "eq", "left": {"path": "cost.sum"}, "right": {"literal": 5}}
    having = {"op": "not", "arg": unknown}
    found = rows(spans, "cost.sum", groupBy=["entityName"], having=having)
    assert [row["dimensions"]["entityName"] for row in found] == ["two"]


def test_a_group_has_a_row_for_each_hour_that_it_has_traces_in(spans):
    found = rows(spans, "count", groupBy=["entityName"], interval="1h")
    hours = [(row["dimensions"]["entityName"], row["bucket"].hour) for row in found]
    assert hours == [("two", 1), ("two", 2), ("two", 3), ("one", 0)]


def test_traces_are_chosen_by_a_predicate(spans):
    where = {"op": "exists", "path": "threadId"}
    assert rows(spans, "count", where=where)[0]["measures"] == {"count": 2}
    nobody = {"op": "eq", "left": {"path": "traceId"}, "right": {"literal": "none"}}
    assert rows(spans, "count", where=nobody) == []


@pytest.mark.parametrize(
    ("request_", "code", "path"),
    [
        ({"measures": ["median"]}, "field_not_allowed", ("measures", 0)),
        ({"measures": []}, "invalid_request", ("measures",)),
        ({"measures": ["count", "count"]}, "invalid_request", ("measures",)),
        ({"groupBy": ["traceId"]}, "field_not_allowed", ("groupBy", 0)),
        ({"groupBy": ["metadata.a.b"]}, "field_not_allowed", ("groupBy", 0)),
        ({"orderBy": {"field": "cost.sum"}}, "field_not_allowed", ("orderBy", "field")),
        ({"having": {"op": "exists", "path": "count"}}, "operator_not_allowed", ("having", "op")),
        (
            {"having": {"op": "in", "value": {"path": "cost.sum"}, "set": [1]}},
            "field_not_allowed",
            ("having", "value", "path"),
        ),
        (
            {"having": {"spans": {"some": {"op": "exists", "path": "error"}}}},
            "invalid_request",
            ("having",),
        ),
        (
            {"interval": "1m", "timeRange": RANGE | {"to": "2034-01-02T00:00:00Z"}},
            "too_many_buckets",
            ("interval",),
        ),
        ({"interval": "1m"}, "too_many_rows", ("limit",)),
        (
            {"timeRange": RANGE | {"to": "2035-01-02T00:00:00Z"}},
            "time_range_too_large",
            ("timeRange",),
        ),
    ],
)
def test_what_is_wrong_with_a_request_is_said(spans, request_, code, path):
    with pytest.raises(InvalidMastraCall) as refused:
        spans.aggregate_traces({"timeRange": RANGE, "measures": ["count"], **request_})
    assert [(issue.code, issue.path) for issue in refused.value.issues] == [(code, path)]
