"""Mastra's predicates: each operator by its meaning, and all that is wrong with an invalid one."""

import pytest

from indexer.mastra.predicates import PredicateSql
from indexer.mastra.query_fields import Scope
from indexer.mastra.query_requests import TraceQuery, parsed
from indexer.mastra.trace_query import query_traces
from tests.mastra.samples import span

pytestmark = pytest.mark.duckdb
RANGE = {"from": "2031-01-01T00:00:00Z", "to": "2031-01-02T00:00:00+00:00"}


def compared(operator, path, literal):
    return {"op": operator, "left": {"path": path}, "right": {"literal": literal}}


def is_in(operator, path, *values):
    return {"op": operator, "value": {"path": path}, "set": list(values)}


def there(operator, path):
    return {"op": operator, "path": path}


@pytest.fixture(scope="module")
def found(memory_store):
    """IDs of traces that a predicate holds for."""
    begin = RANGE["from"]
    spans = memory_store.observability
    one = span("pred-1", name="a", startedAt=begin, endedAt="2031-01-01T00:00:02.5Z", threadId="t")
    one |= {"metadata": {"plan": " gold ", "n": 5}, "tags": ["x", "y"], "entityName": "Ada"}
    two = span("pred-2", name="b", startedAt="2031-01-01T01:00:00Z", error={"message": "no"})
    two |= {"endedAt": "2031-01-01T01:00:01Z", "entityName": "Bob", "environment": "test"}
    tool = span("pred-1", "tool", "root", spanType="tool_call", startedAt=begin)
    tool |= {"endedAt": "2031-01-01T00:00:01Z", "attributes": {"model": "m-1"}}
    spans.batch_create_spans([one, two, tool, span("pred-3", startedAt=begin)])
    spans.batch_create_signals(
        "scores", [{"traceId": "pred-2", "scorerId": "kind", "score": 0.5, "source": "live"}]
    )
    spans.batch_create_signals("feedback", [{"traceId": "pred-1", "value": 4, "comment": "so"}])

    def ask(where):
        request = parsed(TraceQuery, {"timeRange": RANGE, "where": where})
        answer = query_traces(memory_store.database, request)
        return {trace.trace_id.removeprefix("pred-") for trace in answer.traces}

    yield ask
    spans.batch_delete_traces(["pred-1", "pred-2", "pred-3"])


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, "12"),
        (compared("eq", "entityName", "Ada"), "1"),
        (compared("ne", "environment", "test"), "1"),
        (compared("eq", "${ status }", "error"), "2"),
        (compared("gt", "durationMs", 2_499.5), "1"),
        (compared("lte", "durationMs", 1_000), "2"),
        (compared("gte", "startedAt", "2031-01-01T02:00:00+01:00"), "2"),
        (is_in("in", "entityName", "Ada", "Eve"), "1"),
        (is_in("notIn", "environment", "test"), "1"),
        (there("exists", "threadId"), "1"),
        (there("notExists", "threadId"), "2"),
        (compared("eq", "metadata.plan", "gold"), "1"),
        (there("exists", "metadata.n"), ""),
        ({"op": "includes", "path": "tags", "value": "x"}, "1"),
        ({"op": "notIncludes", "path": "tags", "value": "z"}, "1"),
        (there("notExists", "tags"), "2"),
        ({"op": "not", "arg": compared("lt", "durationMs", 2_000)}, "1"),
        ({"op": "not", "arg": compared("eq", "environment", "test")}, "1"),
        (
            {"op": "and", "args": [there("exists", "entityName"), there("exists", "threadId")]},
            "1",
        ),
        (
            {"op": "or", "args": [compared("eq", "traceId", "pred-2"), there("exists", "runId")]},
            "2",
        ),
        ({"spans": {"some": compared("eq", "model", "m-1")}}, "1"),
        ({"spans": {"none": compared("eq", "spanType", "tool_call")}}, "2"),
        ({"spans": {"some": there("exists", "error")}}, "2"),
        ({"scores": {"some": compared("gte", "score", 0.5)}}, "2"),
        ({"scores": {"some": compared("eq", "scoreSource", "live")}}, "2"),
        ({"feedback": {"some": compared("gt", "value", 3)}}, "1"),
        ({"feedback": {"none": there("exists", "comment")}}, "2"),
    ],
)
def test_a_predicate_holds_for_these_traces(found, where, expected):
    assert found(where) == set(expected)


def deep(levels):
    where = there("exists", "threadId")
    for _ in range(levels - 1):
        where = {"op": "not", "arg": where}
    return where


@pytest.mark.parametrize(
    ("where", "code", "path"),
    [
        (5, "invalid_request", ()),
        ({"op": "like", "path": "name"}, "invalid_request", ()),
        (there("exists", "threadId") | {"more": 1}, "invalid_request", ()),
        ({"op": "and", "args": []}, "invalid_request", ("args",)),
        ({"op": "and", "args": [3]}, "invalid_request", ("args", 0)),
        (compared("eq", "password", "x"), "field_not_allowed", ("left", "path")),
        (compared("eq", "metadata.a.b", "x"), "invalid_metadata_key", ("left", "path")),
        (compared("lt", "entityName", "x"), "operator_not_allowed", ("op",)),
        (compared("eq", "entityName", 5), "invalid_literal", ("right", "literal")),
        (compared("eq", "durationMs", "5"), "invalid_literal", ("right", "literal")),
        (compared("eq", "durationMs", 10**400), "invalid_literal", ("right", "literal")),
        (compared("gt", "startedAt", "2031-01-01"), "invalid_literal", ("right", "literal")),
        (compared("eq", "entityName", "é" * 2_049), "invalid_literal", ("right", "literal")),
        (compared("eq", "entityName", None), "invalid_literal", ("right", "literal")),
        (is_in("in", "entityName"), "invalid_request", ("set",)),
        (is_in("in", "entityName", *"x" * 101), "invalid_request", ("set",)),
        (compared("eq", "x" * 129, "x"), "invalid_request", ("left", "path")),
        (
            {"op": "eq", "left": {"literal": "x"}, "right": {"literal": "x"}},
            "invalid_operands",
            ("left",),
        ),
        ({"spans": {"all": there("exists", "error")}}, "invalid_request", ("spans",)),
        (
            {"spans": {"some": {"spans": {"some": there("exists", "error")}}}},
            "invalid_request",
            ("spans", "some"),
        ),
        (deep(13), "predicate_too_complex", ("arg",) * 12),
        (
            {"op": "or", "args": [there("exists", "threadId")] * 100},
            "predicate_too_complex",
            ("args", 99),
        ),
        (
            {"op": "or", "args": [{"spans": {"some": there("exists", "error")}}] * 9},
            "predicate_too_complex",
            ("args", 8),
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(where, code, path):
    sql = PredicateSql()
    sql.condition(where, Scope.TRACE, ())
    assert [(issue.code, issue.path) for issue in sql.issues] == [(code, path)]


def test_all_that_is_wrong_is_said_at_once():
    sql = PredicateSql()
    args = [there("exists", "nothing"), compared("lt", "entityName", "x"), deep(11)]
    sql.condition({"op": "and", "args": args}, Scope.TRACE, ())
    codes = [issue.code for issue in sql.issues]
    assert codes == ["field_not_allowed", "operator_not_allowed"]
