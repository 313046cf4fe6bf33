"""What Mastra's storage promises of single spans and traces, in memory and in a file, sent one by
one and in batches.
"""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from indexer.errors import InvalidMastraCall
from indexer.mastra.sync_store import SyncDuckDBStore
from tests.mastra.samples import at, new_trace, span

pytestmark = pytest.mark.duckdb

ODD_TEXTS = ['it\'s "quoted"', "a; DROP TABLE mastra_spans; --", "🦊 ünïcode", "nul \0 inside"]
JSON_VALUES = [
    {"text": "nul \0 and 🦊", "nested": [{"deep": [1, 2.5, None, True]}], "": {"a.b": '"'}},
    "only text",
    "",
    0,
    False,
    [],
    {},
    12345678901234567890123,
    [1e300, -0.5],
]


def ids(found):
    return [one.span_id for one in found.spans]


def test_a_created_span_is_read_back_with_every_field(sender):
    trace = new_trace()
    given = span(
        trace,
        endedAt="2026-11-01T12:00:05.250Z",
        entityType="agent",
        entityId="a1",
        parentEntityName="p",
        rootEntityVersionId="v3",
        threadId="t",
        experimentId="e",
        serviceName="svc",
        scope={"version": 1},
        metadata={"k": [1]},
        tags=["a", "b"],
        attributes={"model": "m"},
        links=[{"traceId": "x"}],
        input="q",
        output={"a": 1},
        error={"message": "no"},
        requestContext={"r": None},
    )
    sender.create(given)
    found = sender.spans.get_span(trace, "root").model_dump(by_alias=True)
    assert {name: found[name] for name in given} == given | {"endedAt": at(5.25)}
    assert found["updatedAt"] is None
    assert abs(found["createdAt"] - datetime.now(UTC)) < timedelta(minutes=5)
    assert found["runId"] is None


def test_pythons_names_are_taken_like_mastras(sender):
    trace = new_trace()
    record = {
        "trace_id": trace,
        "span_id": "root",
        "name": "n",
        "span_type": "generic",
        "started_at": at(0),
        "entity_id": "e",
    }
    sender.create(record)
    sender.update((trace, "root", {"ended_at": at(1)}))
    found = sender.spans.get_span(trace, "root")
    assert (found.entity_id, found.ended_at, found.is_event) == ("e", at(1), False)


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_any_text_survives(sender, text):
    trace = new_trace()
    sender.create(span(trace, name=text, tags=[text], threadId=text, metadata={text: text}))
    found = sender.spans.get_span(trace, "root")
    assert (found.name, found.tags, found.thread_id, found.metadata) == (
        text,
        [text],
        text,
        {text: text},
    )


def test_any_json_survives(sender):
    trace = new_trace()
    sender.create(
        *(span(trace, str(number), input=value) for number, value in enumerate(JSON_VALUES))
    )
    found = {one.span_id: one.input for one in sender.spans.get_trace(trace).spans}
    assert [found[str(number)] for number in range(len(JSON_VALUES))] == JSON_VALUES
    assert type(found["4"]) is bool


def test_what_json_cannot_say_is_stored_as_javascript_would(sender):
    trace = new_trace()
    sender.create(span(trace, input={"nan": float("nan"), "half": "\ud83d"}, name="half \ude00"))
    found = sender.spans.get_span(trace, "root")
    assert (found.input, found.name) == ({"nan": None, "half": "\ufffd"}, "half \ufffd")


def test_an_input_of_megabytes_survives(memory_store):
    trace = new_trace()
    text = "é" * 2_500_000
    memory_store.observability.create_span(span(trace, input={"text": text}))
    assert memory_store.observability.get_span(trace, "root").input == {"text": text}


def test_times_are_moments_whatever_their_zone(sender):
    trace = new_trace()
    east = timezone(timedelta(hours=5))
    sender.create(
        span(trace, "zone", startedAt=at(0).astimezone(east)),
        span(trace, "naive", startedAt=at(1).replace(tzinfo=None)),
        span(trace, "text", startedAt="2026-11-01T13:00:02+01:00"),
        span(trace, "number", startedAt=int(at(3).timestamp() * 1000)),
    )
    assert [one.started_at for one in sender.spans.get_trace(trace).spans] == [
        at(0),
        at(1),
        at(2),
        at(3),
    ]


def test_an_update_sets_what_it_has_clears_null_and_leaves_the_rest(sender):
    trace = new_trace()
    sender.create(span(trace, scope={"a": 1}, metadata={"m": 1}, input="in", threadId="t"))
    sender.update(
        (trace, "root", {"scope": None, "output": "out", "endedAt": at(9), "tags": ["x"]})
    )
    found = sender.spans.get_span(trace, "root")
    assert (found.scope, found.metadata, found.input, found.thread_id) == (
        None,
        {"m": 1},
        "in",
        "t",
    )
    assert (found.output, found.ended_at, found.tags) == ("out", at(9), ["x"])
    assert found.updated_at >= found.created_at


def test_an_update_that_comes_before_its_create_is_not_lost(sender):
    trace = new_trace()
    sender.update((trace, "root", {"output": "out", "metadata": None}))
    assert sender.spans.get_span(trace, "root") is None
    assert sender.spans.get_trace(trace) is None
    sender.create(span(trace, metadata={"m": 1}, input="in"))
    found = sender.spans.get_span(trace, "root")
    assert (found.output, found.metadata, found.input) == ("out", None, "in")


def test_a_batch_that_is_sent_again_undoes_no_update_and_doubles_nothing(sender):
    trace = new_trace()
    created = [span(trace), span(trace, "child", "root", start=1)]
    updates = [(trace, "root", {"endedAt": at(3), "output": "o"}), (trace, "child", {"output": 2})]
    sender.create(*created)
    sender.update(*updates)
    before = sender.spans.get_trace(trace)
    sender.create(*created)
    assert sender.spans.get_trace(trace) == before
    sender.update(*updates)
    again = sender.spans.get_trace(trace)
    assert [one.model_copy(update={"updated_at": None}) for one in again.spans] == [
        one.model_copy(update={"updated_at": None}) for one in before.spans
    ]


def test_a_second_create_takes_the_place_of_the_first_unless_it_has_not_ended(sender):
    """As of exporters that send a span when it starts and again when it ends."""
    trace = new_trace()
    started, ended = span(trace, input="i"), span(trace, input="i", output="o", endedAt=at(1))
    sender.create(started)
    sender.create(ended)
    sender.create(started)
    found = sender.spans.get_span(trace, "root")
    assert (found.output, found.ended_at) == ("o", at(1))


def test_the_last_of_two_in_one_batch_counts(memory_store):
    spans, trace = memory_store.observability, new_trace()
    spans.batch_create_spans([span(trace, name="a"), span(trace, name="b")])
    spans.batch_update_spans(
        [
            {"traceId": trace, "spanId": "root", "updates": {"output": 1, "input": 1}},
            {"traceId": trace, "spanId": "root", "updates": {"output": 2}},
        ]
    )
    found = spans.get_span(trace, "root")
    assert (found.name, found.input, found.output) == ("b", 1, 2)


def test_a_span_id_may_be_in_two_traces(sender):
    one, two = new_trace(), new_trace()
    sender.create(span(one, name="one"), span(two, name="two"))
    sender.update((two, "root", {"output": "two"}))
    assert [sender.spans.get_span(each, "root").name for each in (one, two)] == ["one", "two"]
    assert sender.spans.get_span(one, "root").output is None


def test_an_event_and_an_error_without_an_end_keep_what_they_have(sender):
    trace = new_trace()
    sender.create(
        span(trace, "event", isEvent=True, output="kept"),
        span(trace, "failed", start=1, error={"message": "no"}),
    )
    event, failed = sender.spans.get_trace(trace).spans
    assert (event.is_event, event.output, failed.error) == (True, "kept", {"message": "no"})


def test_a_trace_is_in_the_order_of_starts_and_then_of_creation(sender):
    trace = new_trace()
    sender.create(
        span(trace, "late", start=2),
        span(trace, "b", start=1),
        span(trace, "a", start=1),
        span(trace),
    )
    found = sender.spans.get_trace(trace)
    assert (found.trace_id, ids(found)) == (trace, ["root", "b", "a", "late"])
    assert ids(sender.spans.get_spans(trace, ["late", "missing", "root"])) == ["root", "late"]


def test_a_light_trace_has_nothing_that_is_large(sender):
    trace = new_trace()
    sender.create(span(trace, input="i", error={"message": "no"}, entityName="n"))
    light = sender.spans.get_trace_light(trace)
    assert light == sender.spans.get_structure(trace)
    row = light.spans[0].model_dump(by_alias=True)
    assert (row["error"], row["entityName"]) == ({"message": "no"}, "n")
    assert not {"input", "output", "attributes", "metadata", "tags", "links"} & set(row)


def test_what_is_not_there_is_none_and_some_of_it_is_empty(sender):
    spans, trace = sender.spans, new_trace()
    assert spans.get_span(trace, "root") is None
    assert spans.get_root_span(trace) is None
    assert spans.get_trace(trace) is None
    assert spans.get_trace_light(trace) is None
    assert spans.get_branch(trace, "root") is None
    assert spans.get_spans(trace, ["root"]).spans == []


def test_a_trace_whose_root_never_comes_has_spans_and_no_root(sender):
    trace = new_trace()
    sender.create(span(trace, "orphan", "never"))
    assert sender.spans.get_root_span(trace) is None
    assert ids(sender.spans.get_trace(trace)) == ["orphan"]
    sender.create(span(trace, "never"))
    assert sender.spans.get_root_span(trace).span_id == "never"


@pytest.mark.parametrize(
    ("anchor", "depth", "expected"),
    [
        ("a", None, ["a", "b", "c"]),
        ("a", 0, ["a"]),
        ("a", 1, ["a", "b"]),
        ("root", None, ["root", "a", "b", "c", "other"]),
        ("missing", None, None),
    ],
)
def test_a_branch_is_a_span_with_levels_below_it(memory_store, anchor, depth, expected):
    spans, trace = memory_store.observability, new_trace()
    spans.batch_create_spans(
        [
            span(trace),
            span(trace, "a", "root", 1),
            span(trace, "b", "a", 2),
            span(trace, "c", "b", 3),
            span(trace, "other", "root", 4),
        ]
    )
    found = spans.get_branch(trace, anchor, depth)
    assert (ids(found) if found else None) == expected


def test_a_branch_whose_parents_form_a_cycle_ends(memory_store):
    spans, trace = memory_store.observability, new_trace()
    spans.batch_create_spans([span(trace, "a", "b"), span(trace, "b", "a", 1)])
    assert ids(spans.get_branch(trace, "b")) == ["a", "b"]


def test_empty_batches_do_nothing(memory_store):
    before = memory_store.observability.list_traces().pagination
    memory_store.observability.batch_create_spans([])
    memory_store.observability.batch_update_spans([])
    assert memory_store.observability.list_traces().pagination == before


@pytest.mark.parametrize(
    ("change", "error_id"),
    [
        ({"traceId": ""}, "OBSERVABILITY_TRACE_ID_REQUIRED"),
        ({"spanId": None}, "OBSERVABILITY_SPAN_ID_REQUIRED"),
        ({"name": None}, "MASTRA_STORAGE_DUCKDB_BATCH_CREATE_SPANS_INVALID_ARGUMENTS"),
        ({"startedAt": "soon"}, "MASTRA_STORAGE_DUCKDB_BATCH_CREATE_SPANS_INVALID_ARGUMENTS"),
        (
            {"startedAt": "0001-01-01T00:00:00+05:00"},
            "MASTRA_STORAGE_DUCKDB_BATCH_CREATE_SPANS_INVALID_ARGUMENTS",
        ),
        ({"metadata": [1]}, "MASTRA_STORAGE_DUCKDB_BATCH_CREATE_SPANS_INVALID_ARGUMENTS"),
    ],
)
def test_an_invalid_span_is_refused_with_mastras_id_and_nothing_of_its_batch_is_stored(
    memory_store, change, error_id
):
    trace = new_trace()
    with pytest.raises(InvalidMastraCall) as refused:
        memory_store.observability.batch_create_spans([span(trace, "good"), span(trace) | change])
    assert refused.value.error_id == error_id
    assert memory_store.observability.get_trace(trace) is None


def test_json_nested_beyond_reason_is_refused(memory_store):
    value: list = []
    for _ in range(2_000):
        value = [value]
    with pytest.raises(InvalidMastraCall):
        memory_store.observability.create_span(span(new_trace(), input=value))


def test_json_nested_as_deep_as_it_may_be_is_read_back(memory_store):
    spans, trace = memory_store.observability, new_trace()
    value: list = []
    for _ in range(240):
        value = [value]
    spans.create_span(span(trace, input=value))
    assert spans.get_span(trace, "root").input == value


def test_a_store_that_is_not_open_says_so():
    store = SyncDuckDBStore()
    with pytest.raises(InvalidMastraCall, match="not open"):
        store.observability.get_trace("t")
    store.close()


def test_the_strategy_is_that_of_stores_with_updates(memory_store):
    strategy = memory_store.observability.observability_strategy
    assert memory_store.observability.tracing_strategy == strategy
    assert strategy.preferred == "batch-with-updates"
    assert strategy.supported == ("realtime", "batch-with-updates", "insert-only")
