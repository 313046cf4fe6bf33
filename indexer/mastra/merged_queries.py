"""Answers to queries over the store and over what was sent over OTLP alone, as one answer.

Both are asked for the same page. A cursor says after which row in the order of all rows, whichever
of the two has that row, so the page is what comes first in both answers.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TypeVar, cast

from indexer.mastra.merged_lists import dated, in_memory, in_order, merged_page
from indexer.mastra.query_records import (
    GroupedThreads,
    NextPage,
    NumberedTraces,
    QueriedSpan,
    QueriedSpans,
    QueriedTrace,
    QueriedTraces,
    ThreadId,
)
from indexer.mastra.query_requests import QueryPage, SpanQuery, TraceQuery, trace_query_issues
from indexer.mastra.records import SpanRecord
from indexer.mastra.span_query import span_cursor
from indexer.mastra.sync_store import SyncObservability
from indexer.mastra.trace_query import TraceAnswer, thread_cursor, trace_cursor, trace_order

A = TypeVar("A")
R = TypeVar("R")
Paged = QueriedSpans | QueriedTraces | GroupedThreads


def merged_spans(
    store: SyncObservability, sent: Sequence[SpanRecord], wanted: SpanQuery
) -> QueriedSpans:
    """One page of spans; ``sent`` are those that the store has not."""
    stored, others = _both(store, sent, lambda spans: spans.query_spans(wanted))
    (order,) = wanted.order_by
    rows: list[QueriedSpan] = sorted(
        [*stored.spans, *others.spans], key=attrgetter("trace_id", "span_id")
    )
    rows = in_order(rows, (order.field, order.direction == "desc"))
    page, following = _page(
        rows, wanted.page, (stored, others), lambda row: span_cursor(wanted, row)
    )
    return QueriedSpans(spans=page, page=following)


def merged_traces(
    store: SyncObservability, sent: Sequence[SpanRecord], wanted: TraceQuery
) -> TraceAnswer:
    """The same of traces, or of threads that they are of; a delta is of the store alone."""
    if wanted.mode == "delta" or trace_query_issues(wanted):
        return store.query_traces(wanted)
    order = trace_order(wanted)
    by_time = (order.field, order.direction == "desc")
    if wanted.pagination is not None:
        return merged_page(_numbered, store, sent, wanted, wanted.pagination, by_time)
    stored, others = _both(store, sent, lambda spans: spans.query_traces(wanted))
    if isinstance(stored, GroupedThreads) and isinstance(others, GroupedThreads):
        return _threads(stored, others, wanted)
    return _traces(cast("QueriedTraces", stored), cast("QueriedTraces", others), sent, wanted)


def _traces(
    stored: QueriedTraces, others: QueriedTraces, sent: Sequence[SpanRecord], wanted: TraceQuery
) -> QueriedTraces:
    order = trace_order(wanted)
    rows: list[QueriedTrace] = sorted(
        [*stored.traces, *dated(others.traces, sent)], key=attrgetter("trace_id")
    )
    rows = in_order(rows, (order.field, order.direction == "desc"))
    asked = wanted.page or QueryPage()
    page, following = _page(rows, asked, (stored, others), lambda row: trace_cursor(wanted, row))
    return QueriedTraces(traces=page, page=following)


def _threads(stored: GroupedThreads, others: GroupedThreads, wanted: TraceQuery) -> GroupedThreads:
    names = {one.thread_id for one in [*stored.groups, *others.groups]}
    asked = wanted.page or QueryPage()
    page, following = _page(
        sorted(names), asked, (stored, others), lambda name: thread_cursor(wanted, name)
    )
    return GroupedThreads(groups=[ThreadId(thread_id=name) for name in page], page=following)


def _page(
    rows: Sequence[A], asked: QueryPage, answers: Sequence[Paged], cursor: Callable[[A], str]
) -> tuple[list[A], NextPage]:
    """The first of the rows of both answers, and where to go on if there are others."""
    page = list(rows[: asked.limit])
    has_more = len(page) < len(rows) or any(one.page.next is not None for one in answers)
    return page, NextPage(next=cursor(page[-1]) if has_more else None)


def _numbered(spans: SyncObservability, wanted: TraceQuery) -> NumberedTraces:
    return cast("NumberedTraces", spans.query_traces(wanted))


def _both(
    store: SyncObservability, sent: Sequence[SpanRecord], ask: Callable[[SyncObservability], R]
) -> tuple[R, R]:
    """The store's answer, and that of the spans that it has not."""
    stored = ask(store)
    with in_memory(sent) as memory:
        return stored, ask(memory)
