"""Answers have what Mastra applications have published, each span once, whatever came over OTLP."""

from dataclasses import replace
from datetime import timedelta

import pytest

from indexer.errors import CatalogUnreadable
from indexer.hot.view import DecodedRows
from indexer.mastra.otel_view import OtelSpans
from indexer.mastra.sync_store import SyncDuckDBStore
from indexer.query.attribute_facets import FacetQuery, list_attributes
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.query.find.span_conditions import SpanConditions
from indexer.query.find.span_query import SpanQuery
from indexer.query.operations import OperationsQuery, list_operations
from indexer.query.span import UNREADABLE
from indexer.query.sql_scope import Unindexed
from indexer.query.tiers.published_payload import PublishedColumns
from indexer.query.trace_search import search_traces
from tests.hot.servers import body, hot_requests
from tests.mastra.samples import START, span
from tests.support.catalogs import indexed
from tests.support.span_files import Span, write
from tests.support.sql_spans import asked
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

    yield OtelSpans(lambda: store.database)
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
    assert {one.name for one in listed} == {"published", "span " + TOOL, "other"}


def test_a_hot_trace_has_published_spans_first_whether_it_is_read_as_values_or_as_columns(
    tmp_path, published
):
    sent = [Span(trace=7, span=1, kind=1, name="sent"), Span(trace=7, span=3, name="other")]
    rows = hot_requests(body(*sent))
    assert rows.few(TRACE, may_wait=True) is not None
    table = DecodedRows(rows.table())
    with answers_over(tmp_path, {}, published=published) as answers:
        for held in (rows, table):
            view = replace(answers.hot(), rows=held)
            found = replace(answers, hot=lambda view=view: view).trace(TRACE).spans
            names = {one.span_id: one.name for one in found}
            assert names == {ROOT: "published", TOOL: "span " + TOOL, f"{3:016x}": "other"}


def test_lists_searches_and_counts_have_published_spans(tmp_path, published):
    """Of one that was sent both ways the published record, in whatever is asked."""
    in_file = [
        Span(trace=7, span=1, kind=1, name="sent", service="agents-otel"),
        Span(trace=7, span=3, name="other", service="agents-otel"),
    ]
    by_input = SpanQuery(where=AttributeCondition(owner="span", key="mastra.span.type"))
    with answers_over(tmp_path, {"a": in_file}, published=published) as answers:
        roots = answers.spans(SpanQuery(roots=True)).spans
        searched = answers.spans(by_input).spans
        sent = SpanQuery(conditions=SpanConditions(name="sent"))
        replaced = search_traces(answers, sent).traces
        (found,) = search_traces(answers, SpanQuery(service="agents")).traces
        services = {one.service_name: one.total_spans for one in answers.services().services}
        operations = list_operations(answers, OperationsQuery(service="agents")).operations
        keys = {one.key for one in list_attributes(answers, FacetQuery()).attributes}
        everything = answers.services().completeness
    assert [one.name for one in roots] == ["other", "published"]
    assert {one.span_id for one in searched} == {ROOT, TOOL}
    assert replaced == []
    assert (found.root_name, found.span_counts) == (
        "published",
        {"agents": 1, "agents-otel": 1, "mastra": 1},
    )
    assert found.error_counts == {"agents": 0, "agents-otel": 0, "mastra": 1}
    assert services == {"agents": 1, "agents-otel": 1, "mastra": 1}
    assert [(one.name, one.span_count) for one in operations] == [("published", 1)]
    assert {"mastra.attributes.model", "mastra.metadata.user tier"} <= keys
    assert everything.missing == ()


def test_a_trace_of_files_alone_is_as_it_was(tmp_path, published):
    with answers_over(tmp_path, {"a": [Span(trace=8, span=1)]}, published=published) as answers:
        assert len(answers.trace(f"{8:032x}").spans) == 1
        assert answers.trace(f"{9:032x}").spans == []


@pytest.fixture
def store():
    made = SyncDuckDBStore(threads=1)
    made.init()
    yield made
    made.close()


def test_the_next_question_has_what_was_published_and_deleted_meanwhile(tmp_path, store):
    spans = OtelSpans(lambda: store.database)
    with answers_over(tmp_path, {}, published=spans) as answers:
        assert answers.spans(SpanQuery()).spans == []
        store.observability.create_span(span(TRACE, ROOT, name="first"))
        first = answers.spans(SpanQuery()).spans
        store.observability.update_span(TRACE, ROOT, {"name": "second"})
        second = answers.spans(SpanQuery()).spans
        store.observability.batch_delete_traces([TRACE])
        assert answers.spans(SpanQuery()).spans == []
    assert [one.name for one in (*first, *second)] == ["first", "second"]


def test_a_view_is_kept_until_something_is_written(store):
    spans = OtelSpans(lambda: store.database)
    kept = spans.newest()
    assert spans.newest() is kept
    store.observability.create_span(span(TRACE, ROOT))
    assert spans.newest() is not kept


class Kept:
    """A store whose newest view is of before."""

    def __init__(self, view):
        self.newest = lambda: view


def test_payload_of_a_span_that_is_deleted_meanwhile_is_missing(tmp_path, store):
    store.observability.batch_create_spans([span(TRACE, ROOT), span(TRACE, TOOL, ROOT, input="x")])
    kept = Kept(OtelSpans(lambda: store.database).newest())
    store.observability.batch_delete_traces([TRACE])
    with answers_over(tmp_path, {}, published=kept) as answers:
        found = answers.spans(SpanQuery())
    assert [one.payload for one in found.spans] == [UNREADABLE] * 2
    assert "2 published spans" in str(found.completeness.missing)


def test_a_store_of_too_many_spans_is_looked_through_for_the_newest(tmp_path, store):
    store.observability.batch_create_spans(
        [span(f"{number:032x}", ROOT, start=number) for number in range(1, 6)]
    )
    spans = OtelSpans(lambda: store.database, spans_max=2)
    with answers_over(tmp_path, {}, published=spans) as answers:
        found = answers.spans(SpanQuery())
        whole = answers.trace(f"{1:032x}")
    assert [int(one.trace_id, 16) for one in found.spans] == [5, 4]
    (missing,) = found.completeness.missing
    assert (missing.reason.code, "3 older spans" in missing.detail) == ("PublishedNotRead", True)
    assert (len(whole.spans), whole.completeness.missing) == (1, ())


class Damaged:
    def trace(self, trace_id):
        raise CatalogUnreadable(f"damaged {trace_id}")

    def newest(self):
        raise CatalogUnreadable("damaged")


def test_a_store_that_cannot_be_read_makes_the_answer_incomplete(tmp_path):
    files = {"a": [Span(trace=8, span=1)]}
    with answers_over(tmp_path, files, published=Damaged()) as answers:
        for found in (answers.trace(f"{8:032x}"), answers.spans(SpanQuery())):
            assert len(found.spans) == 1
            assert "damaged" in str(found.completeness.missing)
        assert "damaged" in str(answers.services().completeness.missing)


def test_the_index_alone_says_that_it_lacks_published_spans(tmp_path, published):
    """And gives them to those who can add them."""
    with answers_over(tmp_path, {}, published=published) as answers:
        alone = answers.index_alone()
    (missing,) = alone.completeness.missing
    assert (missing.reason.code, "3 published spans" in missing.detail) == (
        "PublishedNotRead",
        True,
    )
    assert alone.with_unindexed.missing == ()
    assert alone.published is published.newest()


def test_sql_of_more_spans_than_it_may_have_says_so(tmp_path, published, monkeypatch):
    monkeypatch.setattr("indexer.query.index_alone.SQL_PUBLISHED_MAX", 1)
    with answers_over(tmp_path, {}, published=published) as answers:
        alone = answers.index_alone()
    assert alone.published.table.num_rows == 1
    (missing,) = alone.with_unindexed.missing
    assert "the newest 1 of 3" in missing.detail


def test_sql_has_published_spans_in_place_of_their_copies(tmp_path, published):
    columns = PublishedColumns(published.newest())
    beside = Unindexed(
        published=lambda names: columns.select(
            [name for name in names if name in columns.column_names]
        )
    )
    sent = [Span(trace=7, span=1, kind=1, name="sent"), Span(trace=7, span=3, name="other")]
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", sent)
        one.settle()
        one.catalog.checkpoint()
    rows, coverage = asked(
        tmp_path / "catalog.duckdb",
        "SELECT name, attributes->>'mastra.span.type' AS kind, file_path IS NULL AS is_published "
        "FROM otel_spans ORDER BY 1",
        beside,
    )
    assert [tuple(row.values()) for row in rows] == [
        ("other", None, False),
        ("published", "agent_run", True),
        ("span " + TOOL, "mcp_tool_call", True),
    ]
    assert coverage.missing == ()
