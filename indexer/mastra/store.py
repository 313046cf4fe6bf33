"""The store under Mastra's names, for asyncio: calls run on threads and never block the loop."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from indexer.mastra.arguments import NewSpan, NewValues, Update
from indexer.mastra.call_threads import CallThreads
from indexer.mastra.database import MEMORY_LIMIT, THREADS
from indexer.mastra.deletion import Pruned
from indexer.mastra.discovery import Field
from indexer.mastra.list_arguments import ListBranches, ListTraces
from indexer.mastra.list_records import BranchList, LightTraceList, TraceList
from indexer.mastra.query_discovery import QueryFields, QueryValues
from indexer.mastra.query_records import QueriedSpans, QueriedThreads
from indexer.mastra.query_requests import SpanQuery, TraceQuery
from indexer.mastra.records import LightTrace, SpanRecord, Trace
from indexer.mastra.signals import Signal
from indexer.mastra.strategy import Strategy
from indexer.mastra.sync_store import IN_MEMORY, SyncDuckDBStore, SyncObservability
from indexer.mastra.trace_query import TraceAnswer


class DuckDBStore:
    """A database file, or one in memory, and the domains that Mastra keeps in it.

    ``init`` opens it and makes its tables, ``close`` waits for calls in hand and frees its lock;
    each may be called again.
    """

    def __init__(
        self,
        path: str | Path = IN_MEMORY,
        *,
        memory_limit: str = MEMORY_LIMIT,
        threads: int = THREADS,
    ) -> None:
        self.sync = SyncDuckDBStore(path, memory_limit=memory_limit, threads=threads)
        """The same store for threads."""
        self._threads = CallThreads()
        self.observability = ObservabilityDuckDB(self.sync.observability, self._threads)

    async def init(self) -> None:
        """Open the database. Raises CatalogBusy, CatalogUnreadable, CatalogTooNew or OSError."""
        await self._threads.write(self.sync.init)

    async def close(self) -> None:
        """Close it once calls in hand are over."""
        await asyncio.to_thread(self._close)

    async def backup(self, target: str | Path) -> None:
        """Write a copy as it is now to another path; writes wait for it.

        Raises InvalidMastraCall for a store in memory, CatalogWriteFailed when it fails.
        """
        await self._threads.write(self.sync.backup, target)

    def _close(self) -> None:
        self._threads.end()
        self.sync.close()


class ObservabilityDuckDB:
    """Mastra's observability storage, each call as ``SyncObservability`` has it."""

    def __init__(self, spans: SyncObservability, threads: CallThreads) -> None:
        self._spans = spans
        self._threads = threads

    @property
    def observability_strategy(self) -> Strategy:
        """How exporters may send spans."""
        return self._spans.observability_strategy

    @property
    def tracing_strategy(self) -> Strategy:
        """The older name of the same."""
        return self._spans.tracing_strategy

    async def create_span(self, span: NewSpan) -> None:
        """Store a span. The same one may come again: values that updates have set stay."""
        await self._threads.write(self._spans.create_span, span)

    async def batch_create_spans(self, records: Sequence[NewSpan]) -> None:
        """The same for up to 10,000 spans, all or none of them."""
        await self._threads.write(self._spans.batch_create_spans, records)

    async def batch_create_valid_spans(self, records: Sequence[NewSpan]) -> list[str]:
        """Store those of up to 10,000 spans that are valid; why each of the others is not."""
        return await self._threads.write(self._spans.batch_create_valid_spans, records)

    async def batch_create_signals(
        self, signal: Signal, records: Sequence[Mapping[str, Any]]
    ) -> None:
        """Keep up to 10,000 logs, metrics, scores or feedback as they are."""
        await self._threads.write(self._spans.batch_create_signals, signal, records)

    async def update_span(self, trace_id: str, span_id: str, updates: NewValues) -> None:
        """Set fields of a span: None clears one, and what is absent stays."""
        await self._threads.write(self._spans.update_span, trace_id, span_id, updates)

    async def batch_update_spans(self, records: Sequence[Update]) -> None:
        """The same for up to 10,000 updates in their order, all or none of them."""
        await self._threads.write(self._spans.batch_update_spans, records)

    async def get_span(self, trace_id: str, span_id: str) -> SpanRecord | None:
        """One span, None when there is none."""
        return await self._threads.read(self._spans.get_span, trace_id, span_id)

    async def get_spans(self, trace_id: str, span_ids: Sequence[str]) -> Trace:
        """Those of one to 10,000 spans of a trace that are there, by start."""
        return await self._threads.read(self._spans.get_spans, trace_id, span_ids)

    async def get_root_span(self, trace_id: str) -> SpanRecord | None:
        """The first span without a parent; None of a trace whose root has not come."""
        return await self._threads.read(self._spans.get_root_span, trace_id)

    async def get_trace(self, trace_id: str) -> Trace | None:
        """All spans of a trace by start; None when there are none."""
        return await self._threads.read(self._spans.get_trace, trace_id)

    async def get_trace_light(self, trace_id: str) -> LightTrace | None:
        """The same without input, output, attributes, metadata, tags and links."""
        return await self._threads.read(self._spans.get_trace_light, trace_id)

    async def get_structure(self, trace_id: str) -> LightTrace | None:
        """The newer name of ``get_trace_light``."""
        return await self._threads.read(self._spans.get_structure, trace_id)

    async def get_branch(
        self, trace_id: str, span_id: str, depth: int | None = None
    ) -> Trace | None:
        """A span with all below it, or ``depth`` levels of it; None when it is not there."""
        return await self._threads.read(self._spans.get_branch, trace_id, span_id, depth)

    async def list_traces(
        self, arguments: ListTraces | Mapping[str, Any] | None = None
    ) -> TraceList:
        """Roots of traces, by filters, a page at a time or as they are newly listed."""
        return await self._threads.read(self._spans.list_traces, arguments)

    async def list_traces_light(
        self, arguments: ListTraces | Mapping[str, Any] | None = None
    ) -> LightTraceList:
        """The same without what can be large."""
        return await self._threads.read(self._spans.list_traces_light, arguments)

    async def list_branches(
        self, arguments: ListBranches | Mapping[str, Any] | None = None
    ) -> BranchList:
        """Spans that branches begin with, roots or not: runs, and calls of tools."""
        return await self._threads.read(self._spans.list_branches, arguments)

    async def query_traces(self, request: TraceQuery | Mapping[str, Any]) -> TraceAnswer:
        """Traces whose root has ended, by Mastra's predicates, or the threads that they are of."""
        return await self._threads.read(self._spans.query_traces, request)

    async def query_spans(self, request: SpanQuery | Mapping[str, Any]) -> QueriedSpans:
        """Spans that have ended, by Mastra's predicates, whatever trace they are of."""
        return await self._threads.read(self._spans.query_spans, request)

    async def query_threads(self, request: Mapping[str, Any]) -> QueriedThreads:
        """Threads by predicates on their traces."""
        return await self._threads.read(self._spans.query_threads, request)

    async def query_fields(self, request: Mapping[str, Any]) -> QueryFields:
        """Fields that predicates may name, and keys that metadata of traces has."""
        return await self._threads.read(self._spans.query_fields, request)

    async def query_values(self, request: Mapping[str, Any]) -> QueryValues:
        """The most frequent values of such a field."""
        return await self._threads.read(self._spans.query_values, request)

    async def aggregate_traces(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Counts, durations, errors, tokens and costs of groups of traces."""
        return await self._threads.read(self._spans.aggregate_traces, request)

    async def batch_delete_traces(
        self,
        trace_ids: Sequence[str],
        organization_id: str | None = None,
        resource_id: str | None = None,
    ) -> None:
        """Delete up to 1,000 traces, or what of them is of the tenant if one is given."""
        await self._threads.write(
            self._spans.batch_delete_traces, trace_ids, organization_id, resource_id
        )

    async def dangerously_clear_all(self) -> None:
        """Delete everything."""
        await self._threads.write(self._spans.dangerously_clear_all)

    async def values(self, field: Field, entity_type: str | None = None) -> list[str]:
        """The first 1,000 values that spans have in a field, of one type of entity or of all."""
        return await self._threads.read(self._spans.values, field, entity_type)

    async def tags(self, entity_type: str | None = None) -> list[str]:
        """The first 1,000 tags of spans, of one type of entity or of all."""
        return await self._threads.read(self._spans.tags, entity_type)

    async def prune(
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
        return await self._threads.write(
            self._spans.prune,
            max_age=max_age,
            max_bytes=max_bytes,
            signals_max_bytes=signals_max_bytes,
        )
