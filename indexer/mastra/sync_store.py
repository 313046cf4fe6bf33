"""The store for programs without an event loop: each call returns when it is done."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from indexer.errors import InvalidMastraCall
from indexer.mastra import deletion, discovery, error_ids, span_lists, span_reads
from indexer.mastra.aggregate_request import aggregate_request
from indexer.mastra.arguments import (
    BATCH_SPANS_MAX,
    SPAN_IDS_MAX,
    NewSpan,
    NewValues,
    Update,
    checked,
    checked_batch,
    created_values,
    invalid,
    updated_values,
)
from indexer.mastra.backup import back_up
from indexer.mastra.changes import merge
from indexer.mastra.database import MEMORY_LIMIT, THREADS, Database
from indexer.mastra.deletion import TRACE_IDS_MAX, Pruned
from indexer.mastra.list_arguments import ListBranches, ListTraces
from indexer.mastra.list_records import BranchList, LightTraceList, TraceList
from indexer.mastra.query_discovery import (
    FieldsQuery,
    QueryFields,
    QueryValues,
    ValuesQuery,
    query_fields,
    query_values,
)
from indexer.mastra.query_records import QueriedSpans, QueriedThreads
from indexer.mastra.query_requests import SpanQuery, TraceQuery, parsed, thread_query
from indexer.mastra.records import LightTrace, SpanRecord, Trace
from indexer.mastra.signals import Signal, insert_signals, prune_signals
from indexer.mastra.span_conditions import BRANCHES, ROOTS
from indexer.mastra.span_query import query_spans
from indexer.mastra.span_writes import write_changes
from indexer.mastra.strategy import STRATEGY, Strategy
from indexer.mastra.thread_query import query_threads
from indexer.mastra.trace_aggregate import aggregate_traces
from indexer.mastra.trace_query import TraceAnswer, query_traces

IN_MEMORY = ":memory:"


class SyncDuckDBStore:
    """A database file, or one in memory, and the domains that Mastra keeps in it.

    ``init`` opens it and makes its tables, ``close`` frees its lock; each may be called again.
    Threads may share it.
    """

    def __init__(
        self,
        path: str | Path = IN_MEMORY,
        *,
        memory_limit: str = MEMORY_LIMIT,
        threads: int = THREADS,
    ) -> None:
        self.path = None if str(path) == IN_MEMORY else Path(path)
        self.observability = SyncObservability(self)
        self._memory_limit = memory_limit
        self._threads = threads
        self._database: Database | None = None

    def init(self) -> None:
        """Open the database. Raises CatalogBusy, CatalogUnreadable, CatalogTooNew or OSError."""
        if self._database is None:
            self._database = Database.open(
                self.path, memory_limit=self._memory_limit, threads=self._threads
            )

    def close(self) -> None:
        """Close it; calls in hand have to be over."""
        database, self._database = self._database, None
        if database is not None:
            database.release()

    def backup(self, target: str | Path) -> None:
        """Write a copy as it is now to another path; writes wait for it.

        Raises InvalidMastraCall for a store in memory, CatalogWriteFailed when it fails.
        """
        back_up(self.database, Path(target))

    @property
    def database(self) -> Database:
        """The open database. Raises InvalidMastraCall before ``init`` and after ``close``."""
        if self._database is None:
            raise InvalidMastraCall(
                "the store is not open", error_id=error_ids.NOT_OPEN, hint="Call init() first."
            )
        return self._database


class SyncObservability:
    """Mastra's observability storage.

    Calls raise InvalidMastraCall for invalid arguments and CatalogWriteFailed for a write that
    did not happen.
    """

    def __init__(self, store: SyncDuckDBStore) -> None:
        self._store = store

    @property
    def observability_strategy(self) -> Strategy:
        """How exporters may send spans."""
        return STRATEGY

    @property
    def tracing_strategy(self) -> Strategy:
        """The older name of the same."""
        return STRATEGY

    def create_span(self, span: NewSpan) -> None:
        """Store a span. The same one may come again: values that updates have set stay."""
        changes = merge([created_values(span, "CREATE_SPAN")], [])
        write_changes(self._store.database, changes)

    def batch_create_spans(self, records: Sequence[NewSpan]) -> None:
        """The same for up to 10,000 spans, all or none of them."""
        operation = "BATCH_CREATE_SPANS"
        checked_batch(records, BATCH_SPANS_MAX, operation)
        changes = merge((created_values(record, operation) for record in records), [])
        write_changes(self._store.database, changes)

    def batch_create_valid_spans(self, records: Sequence[NewSpan]) -> list[str]:
        """Store those of up to 10,000 spans that are valid; why each of the others is not."""
        operation = "BATCH_CREATE_SPANS"
        checked_batch(records, BATCH_SPANS_MAX, operation)
        valid, reasons = [], []
        for record in records:
            try:
                valid.append(created_values(record, operation))
            except InvalidMastraCall as error:
                reasons.append(error.message)
        write_changes(self._store.database, merge(valid, []))
        return reasons

    def batch_create_signals(self, signal: Signal, records: Sequence[Mapping[str, Any]]) -> None:
        """Keep up to 10,000 logs, metrics, scores or feedback as they are."""
        insert_signals(self._store.database, signal, records)

    def update_span(self, trace_id: str, span_id: str, updates: NewValues) -> None:
        """Set fields of a span: None clears one, and what is absent stays.

        A span that is not there yet has the values once it is created.
        """
        update = {"trace_id": trace_id, "span_id": span_id, "updates": updates}
        changes = merge([], [updated_values(update, "UPDATE_SPAN")])
        write_changes(self._store.database, changes)

    def batch_update_spans(self, records: Sequence[Update]) -> None:
        """The same for up to 10,000 updates in their order, all or none of them."""
        operation = "BATCH_UPDATE_SPANS"
        checked_batch(records, BATCH_SPANS_MAX, operation)
        changes = merge([], (updated_values(record, operation) for record in records))
        write_changes(self._store.database, changes)

    def get_span(self, trace_id: str, span_id: str) -> SpanRecord | None:
        """One span, None when there is none."""
        return span_reads.span(self._store.database, trace_id, span_id)

    def get_spans(self, trace_id: str, span_ids: Sequence[str]) -> Trace:
        """Those of one to 10,000 spans of a trace that are there, by start."""
        if not span_ids:
            raise invalid("invalid spanIds: expected at least one", "GET_SPANS")
        checked_batch(span_ids, SPAN_IDS_MAX, "GET_SPANS")
        return span_reads.spans(self._store.database, trace_id, span_ids)

    def get_root_span(self, trace_id: str) -> SpanRecord | None:
        """The first span without a parent; None of a trace whose root has not come."""
        return span_reads.root_span(self._store.database, trace_id)

    def get_trace(self, trace_id: str) -> Trace | None:
        """All spans of a trace by start; None when there are none."""
        return span_reads.trace(self._store.database, trace_id)

    def get_trace_light(self, trace_id: str) -> LightTrace | None:
        """The same without input, output, attributes, metadata, tags and links."""
        return span_reads.light_trace(self._store.database, trace_id)

    def get_structure(self, trace_id: str) -> LightTrace | None:
        """The newer name of ``get_trace_light``."""
        return self.get_trace_light(trace_id)

    def get_branch(self, trace_id: str, span_id: str, depth: int | None = None) -> Trace | None:
        """A span with all below it, or ``depth`` levels of it; None when it is not there."""
        if depth is not None and depth < 0:
            raise invalid("invalid depth: expected 0 or more", "GET_BRANCH")
        return span_reads.branch(self._store.database, trace_id, span_id, depth)

    def list_traces(self, arguments: ListTraces | Mapping[str, Any] | None = None) -> TraceList:
        """Roots of traces, by filters, a page at a time or as they are newly listed."""
        wanted = checked(ListTraces, arguments or {}, "LIST_TRACES")
        found = span_lists.list_spans(self._store.database, ROOTS, wanted, span_lists.FULL)
        return TraceList(
            spans=span_lists.full_spans(found),
            pagination=found.pagination,
            delta=found.delta,
            delta_cursor=found.cursor,
        )

    def list_traces_light(
        self, arguments: ListTraces | Mapping[str, Any] | None = None
    ) -> LightTraceList:
        """The same without what can be large."""
        wanted = checked(ListTraces, arguments or {}, "LIST_TRACES_LIGHT")
        found = span_lists.list_spans(self._store.database, ROOTS, wanted, span_lists.LIGHT)
        return LightTraceList(
            spans=span_lists.light_spans(found),
            pagination=found.pagination,
            delta=found.delta,
            delta_cursor=found.cursor,
        )

    def list_branches(
        self, arguments: ListBranches | Mapping[str, Any] | None = None
    ) -> BranchList:
        """Spans that branches begin with, roots or not: runs, and calls of tools."""
        wanted = checked(ListBranches, arguments or {}, "LIST_BRANCHES")
        found = span_lists.list_spans(self._store.database, BRANCHES, wanted, span_lists.FULL)
        return BranchList(
            branches=span_lists.full_spans(found),
            pagination=found.pagination,
            delta=found.delta,
            delta_cursor=found.cursor,
        )

    def query_traces(self, request: TraceQuery | Mapping[str, Any]) -> TraceAnswer:
        """Traces whose root has ended, by Mastra's predicates, or the threads that they are of."""
        return query_traces(self._store.database, parsed(TraceQuery, request))

    def query_spans(self, request: SpanQuery | Mapping[str, Any]) -> QueriedSpans:
        """Spans that have ended, by Mastra's predicates, whatever trace they are of."""
        return query_spans(self._store.database, parsed(SpanQuery, request))

    def query_threads(self, request: Mapping[str, Any]) -> QueriedThreads:
        """Threads by predicates on their traces."""
        return query_threads(self._store.database, thread_query(request))

    def query_fields(self, request: Mapping[str, Any]) -> QueryFields:
        """Fields that predicates may name, and keys that metadata of traces has."""
        return query_fields(self._store.database, parsed(FieldsQuery, request))

    def query_values(self, request: Mapping[str, Any]) -> QueryValues:
        """The most frequent values of such a field."""
        return query_values(self._store.database, parsed(ValuesQuery, request))

    def aggregate_traces(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Counts, durations, errors, tokens and costs of groups of traces."""
        return aggregate_traces(self._store.database, aggregate_request(request))

    def batch_delete_traces(
        self,
        trace_ids: Sequence[str],
        organization_id: str | None = None,
        resource_id: str | None = None,
    ) -> None:
        """Delete up to 1,000 traces, or what of them is of the tenant if one is given."""
        checked_batch(trace_ids, TRACE_IDS_MAX, "BATCH_DELETE_TRACES")
        deletion.delete_traces(self._store.database, trace_ids, organization_id, resource_id)

    def dangerously_clear_all(self) -> None:
        """Delete everything."""
        deletion.delete_all(self._store.database)

    def values(self, field: discovery.Field, entity_type: str | None = None) -> list[str]:
        """The first 1,000 values that spans have in a field, of one type of entity or of all."""
        return discovery.values(self._store.database, field, entity_type)

    def tags(self, entity_type: str | None = None) -> list[str]:
        """The first 1,000 tags of spans, of one type of entity or of all."""
        return discovery.tags(self._store.database, entity_type)

    def prune(
        self,
        *,
        max_age: timedelta | None = None,
        max_bytes: int | None = None,
        signals_max_bytes: int | None = None,
    ) -> Pruned:
        """Delete traces without a change within ``max_age``, then the oldest ones.

        Of those as many as it takes until the spans use no more than ``max_bytes``. Other signals
        go by the same age and by their own bytes.
        """
        now = datetime.now(UTC)
        prune_signals(self._store.database, now, max_age, signals_max_bytes)
        return deletion.prune(self._store.database, now, max_age, max_bytes)
