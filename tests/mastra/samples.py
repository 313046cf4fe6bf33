"""Spans as Mastra's exporters send them, and the four ways in which tests send them to a store."""

from datetime import UTC, datetime, timedelta
from itertools import count

from indexer.mastra.sync_store import SyncDuckDBStore

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
_numbers = count()


def at(seconds):
    return START + timedelta(seconds=seconds)


def new_trace():
    return f"{next(_numbers):032x}"


def span(trace_id, span_id="root", parent=None, start=0, **more):
    return {
        "traceId": trace_id,
        "spanId": span_id,
        "parentSpanId": parent,
        "name": f"span {span_id}",
        "spanType": "agent_run",
        "isEvent": False,
        "startedAt": at(start),
        **more,
    }


class Sender:
    """Sends creates and updates one by one, or as batches."""

    def __init__(self, store: SyncDuckDBStore, *, by_batch: bool) -> None:
        self.spans = store.observability
        self.by_batch = by_batch

    def create(self, *records):
        if self.by_batch:
            self.spans.batch_create_spans(records)
            return
        for record in records:
            self.spans.create_span(record)

    def update(self, *changes):
        """Each of them (trace ID, span ID, updates)."""
        if self.by_batch:
            names = ("traceId", "spanId", "updates")
            self.spans.batch_update_spans([dict(zip(names, one, strict=True)) for one in changes])
            return
        for trace_id, span_id, updates in changes:
            self.spans.update_span(trace_id, span_id, updates)
