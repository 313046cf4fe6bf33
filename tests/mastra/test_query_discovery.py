"""What queries may name is listed: fields, keys of metadata, and the most frequent values."""

import pytest

from indexer.errors import InvalidMastraCall
from indexer.mastra.query_fields import FIELDS, OPERATORS, Scope
from tests.mastra.samples import span

pytestmark = pytest.mark.duckdb
RANGE = {"from": "2034-01-01T00:00:00Z", "to": "2034-01-02T00:00:00Z"}
METADATA = [
    {"plan": "gold", "a/b~c": "x", "Team": "red", "count": 3, "a.b": "dotted"},
    {"plan": "gold", "blank": " ", "deep": {"plan": "no"}},
    {"plan": "free"},
]
TRACES = [f"discovery-{number}" for number in range(len(METADATA))]


@pytest.fixture(scope="module")
def spans(memory_store):
    made = memory_store.observability
    more = {"startedAt": RANGE["from"], "endedAt": RANGE["to"], "environment": "live"}
    for trace, metadata in zip(TRACES, METADATA, strict=True):
        made.create_span(span(trace, metadata=metadata, tags=["a", trace], **more))
    call = {"spanType": "model_generation", "attributes": {"model": "One"}}
    made.create_span(span(TRACES[0], "call", "root", **(more | call)))
    made.batch_create_signals("scores", [{"traceId": TRACES[0], "scorerId": "kind"}])
    yield made
    made.batch_delete_traces(TRACES)


def asked(scope, **more):
    return {"timeRange": RANGE, "predicateScope": scope, **more}


def values(spans, scope, path, **more):
    answer = spans.query_values(asked(scope, path=path, **more))
    return [(one.value, one.count) for one in answer.values], answer.values_truncated


def observed(spans, **more):
    answer = spans.query_fields(asked("trace", **more))
    found = [(one.path, one.occurrences) for one in answer.observed_fields]
    return found, answer.observed_fields_truncated


@pytest.mark.parametrize("scope", ["trace", "spans", "scores", "feedback"])
def test_each_field_is_listed_with_what_it_can_be_asked_with(spans, scope):
    fields = spans.query_fields(asked(scope)).canonical_fields
    assert {one.path for one in fields} == set(FIELDS[Scope(scope)])
    for one in fields:
        kind = FIELDS[Scope(scope)][one.path].kind
        assert (one.value_kind, set(one.operators)) == (kind, OPERATORS[kind])


def test_a_list_of_values_is_offered_where_it_is_answered(spans):
    for scope in ("trace", "spans", "scores", "feedback"):
        for one in spans.query_fields(asked(scope)).canonical_fields:
            if one.value_suggestions:
                values(spans, scope, one.path)
                continue
            with pytest.raises(InvalidMastraCall) as refused:
                values(spans, scope, one.path)
            assert [issue.path for issue in refused.value.issues] == [("path",)]


def test_keys_of_metadata_that_have_text_are_observed(spans):
    keys = [("metadata.plan", 3), ("metadata.Team", 1), ("metadata.a/b~c", 1)]
    assert observed(spans) == (keys, False)
    assert observed(spans, limit=1) == (keys[:1], True)
    assert observed(spans, search=" TEAM ") == ([("metadata.Team", 1)], False)
    assert spans.query_fields(asked("spans")).observed_fields == []


@pytest.mark.parametrize(
    ("scope", "path", "expected"),
    [
        ("trace", "metadata.plan", [("gold", 2), ("free", 1)]),
        ("trace", "${ metadata.a/b~c }", [("x", 1)]),
        ("trace", "tags", [("a", 3), *((trace, 1) for trace in TRACES)]),
        ("trace", "environment", [("live", 3)]),
        ("trace", "status", [("success", 3)]),
        ("spans", "spanType", [("agent_run", 3), ("model_generation", 1)]),
        ("spans", "model", [("One", 1)]),
        ("scores", "scorerId", [("kind", 1)]),
        ("feedback", "feedbackType", []),
    ],
)
def test_values_come_with_how_often_they_are_there(spans, scope, path, expected):
    assert values(spans, scope, path) == (expected, False)


def test_values_are_searched_and_cut(spans):
    assert values(spans, "trace", "tags", search="DISCOVERY-1") == ([(TRACES[1], 1)], False)
    assert values(spans, "trace", "tags", limit=2) == ([("a", 3), (TRACES[0], 1)], True)


@pytest.mark.parametrize(
    ("request_", "code", "path"),
    [
        (asked("odd"), "invalid_request", ("predicateScope",)),
        (asked("trace", limit=101), "invalid_request", ("limit",)),
        (asked("trace", search="x" * 257), "invalid_request", ("search",)),
        (
            asked("trace") | {"timeRange": RANGE | {"to": "2034-02-02T00:00:00Z"}},
            "time_range_too_large",
            ("timeRange",),
        ),
    ],
)
def test_what_is_wrong_with_a_question_is_said(spans, request_, code, path):
    with pytest.raises(InvalidMastraCall) as refused:
        spans.query_fields(request_)
    assert [(issue.code, issue.path) for issue in refused.value.issues] == [(code, path)]


def test_a_key_of_metadata_with_a_dot_is_refused_as_predicates_refuse_it(spans):
    with pytest.raises(InvalidMastraCall) as refused:
        values(spans, "trace", "metadata.a.b")
    assert [issue.code for issue in refused.value.issues] == ["invalid_metadata_key"]
