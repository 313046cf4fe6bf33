"""A trace has what its Mastra application has published, each span once, whatever came over OTLP."""

from datetime import timedelta

import pytest

from indexer.errors import CatalogUnreadable
from indexer.mastra.otel_rows import otel_rows
from indexer.mastra.sync_store import SyncDuckDBStore
from indexer.otlp.spans import SPAN_SCHEMA
from indexer.query.find.span_query import SpanQuery
from tests.mastra.samples import START, span
from tests.support.span_files import Span
from tests.support.tiers import answers_over

pytestmark = pytest.mark.duckdb
TRACE, ROOT, TOOL = f"{7:032x}", f"{1:016x}", f"{2:016x}"


@pytest.fixture(scope="module")
def published():
    store = SyncDuckDBStore(threads=1)
    store.init()
    store.observability.batch_create_spans(
        [
            span(
                TRACE,
                ROOT,
                name="published",
                endedAt=START + timedelta(seconds=2),
                input={"q": 1},
                attributes={"model": "m"},
                metadata={"user tier": "gold"},
                threadId="t1",
                serviceName="agents",
            ),
            span(TRACE, TOOL, ROOT, 1, spanType="mcp_tool_call", error={"message": "no"}),
            span(TRACE, "not an OpenTelemetry ID", ROOT, 1),
        ]
    )

    def ask(trace_id):
        found = store.observability.get_trace(trace_id)
        return None if found is None else otel_rows(found.spans, SPAN_SCHEMA)

    yield ask
    store.close()


def test_a_trace_has_published_spans_first_and_what_else_there_is(tmp_path, published):
    in_file = [Span(trace=7, span=1, kind=1, name="sent"), Span(trace=7, span=3, name="other")]
    with answers_over(tmp_path, {"a": in_file}, published=published) as answers:
        found = {one.span_id: one for one in answers.trace(TRACE).spans}
        listed = answers.spans(SpanQuery()).spans
    assert set(found) == {ROOT, TOOL, f"{3:016x}"}
    root, tool = found[ROOT], found[TOOL]
    assert (root.name, root.service_name, root.status_code) == ("published", "agents", 1)
    assert root.duration_ns == 2_000_000_000
    assert root.start_time_unix_nano == int(START.timestamp()) * 10**9
    assert root.payload.attributes == {
        "mastra.span.type": "agent_run",
        "mastra.input": {"q": 1},
        "gen_ai.conversation.id": "t1",
        "mastra.attributes.model": "m",
        "mastra.metadata.user tier": "gold",
    }
    assert (tool.parent_span_id, tool.span_kind, tool.service_name) == (ROOT, 3, "mastra")
    assert (tool.status_code, tool.payload.status_message) == (2, "no")
    assert {one.name for one in listed} == {"sent", "other"}


def test_a_trace_of_files_alone_is_as_it_was(tmp_path, published):
    with answers_over(tmp_path, {"a": [Span(trace=8, span=1)]}, published=published) as answers:
        assert len(answers.trace(f"{8:032x}").spans) == 1
        assert answers.trace(f"{9:032x}").spans == []


def test_a_store_that_cannot_be_read_makes_the_answer_incomplete(tmp_path):
    def fail(_):
        raise CatalogUnreadable("damaged")

    with answers_over(tmp_path, {"a": [Span(trace=8, span=1)]}, published=fail) as answers:
        found = answers.trace(f"{8:032x}")
    assert len(found.spans) == 1
    assert "damaged" in str(found.completeness.missing)


def test_only_an_answer_about_one_trace_is_complete_beside_a_store(tmp_path, published):
    with answers_over(tmp_path, {"a": [Span(trace=8, span=1)]}, published=published) as answers:
        whole = answers.trace(f"{8:032x}").completeness
        partial = [
            answers.spans(SpanQuery()).completeness,
            answers.services().completeness,
            answers.index_alone().completeness,
            answers.index_alone().with_unindexed,
        ]
    assert whole.missing == ()
    for one in partial:
        assert [missing.reason.code for missing in one.missing] == ["PublishedNotRead"]
