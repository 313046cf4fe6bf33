"""A record as a dictionary is what its model makes of it, without what was not given."""

import pytest
from pydantic import BaseModel, ValidationError

from indexer.mastra.record_values import checked_values
from indexer.mastra.records import CreateSpan, SpanUpdate, SpanUpdates
from tests.mastra.samples import at, new_trace, span

pytestmark = pytest.mark.duckdb
GIVEN = span("t", "s", tags=["a"], metadata={"k": 1}, endedAt=None, threadId="x", odd=1)


@pytest.mark.parametrize(
    "given",
    [GIVEN, {"trace_id": "t", **GIVEN}, CreateSpan.model_validate(GIVEN)],
    ids=["camel case", "both spellings", "a record"],
)
def test_a_record_has_what_was_given(given):
    record = CreateSpan.model_validate(GIVEN)
    expected = {name: getattr(record, name) for name in record.model_fields_set}
    assert checked_values(CreateSpan, given) == expected
    assert "odd" not in expected


def test_updates_have_nulls_and_nothing_else_that_was_not_given():
    updates = {"output": None, "ended_at": "2026-11-01T12:00:05Z"}
    given = {"traceId": "t", "spanId": "s", "updates": updates}
    expected = {"trace_id": "t", "span_id": "s", "updates": {"output": None, "ended_at": at(5)}}
    assert checked_values(SpanUpdate, given) == expected
    record = SpanUpdate(trace_id="t", span_id="s", updates=SpanUpdates(output=None, ended_at=at(5)))
    assert checked_values(SpanUpdate, record) == expected


def test_a_model_of_another_kind_is_read_by_its_names():
    class Another(BaseModel):
        traceId: str = "t"  # noqa: N815 - as Mastra spells it

    with pytest.raises(ValidationError) as refused:
        checked_values(CreateSpan, Another(traceId=""))
    wheres = {error["loc"] for error in refused.value.errors()}
    assert wheres == {("traceId",), ("spanId",), ("name",), ("spanType",), ("startedAt",)}


@pytest.mark.parametrize("given", [None, [], "text", 5])
def test_what_is_no_object_is_refused(given):
    with pytest.raises(ValidationError):
        checked_values(CreateSpan, given)


def test_halves_of_surrogate_pairs_are_replaced_in_texts_and_tags(memory_store):
    trace = new_trace()
    half = "a\ud83d"
    memory_store.observability.create_span(
        span(trace, name=half, tags=[half, "b"], input={half: half}, threadId="plain")
    )
    (found,) = memory_store.observability.get_trace(trace).spans
    assert (found.name, found.tags, found.thread_id) == ("a\ufffd", ["a\ufffd", "b"], "plain")
    assert found.input == {"a\ufffd": "a\ufffd"}
