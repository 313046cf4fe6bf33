"""Numbered pages over the store and over what was sent over OTLP alone, as one list.

The latter are put into a store in memory for the one answer, so that filters and orders are those
of the store.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from indexer.deferred_dataclass import dataclass
from indexer.mastra.list_arguments import (
    PAGE_SPANS_MAX,
    ListBranches,
    ListTraces,
    Pagination,
)
from indexer.mastra.list_records import BranchList, LightTraceList, PageInfo, TraceList
from indexer.mastra.query_records import NumberedTraces, QueriedTrace
from indexer.mastra.query_requests import TraceQuery
from indexer.mastra.records import SpanRecord
from indexer.mastra.sync_store import SyncDuckDBStore, SyncObservability

L = TypeVar("L", TraceList, LightTraceList, BranchList, NumberedTraces)
W = TypeVar("W", ListTraces, ListBranches, TraceQuery)
T = TypeVar("T", ListTraces, ListBranches)
_LATEST = datetime.max.replace(tzinfo=UTC)
_OF_STORE = ("created_at", "updated_at")
Order = tuple[str, bool]
"""The time by which rows are in order, startedAt or endedAt, and whether the latest is first."""


@contextmanager
def in_memory(records: Sequence[SpanRecord]) -> Iterator[SyncObservability]:
    """A store of these records alone."""
    store = SyncDuckDBStore(threads=1)
    store.init()
    try:
        given = [
            {name: value for name, value in vars(one).items() if name not in _OF_STORE}
            for one in records
        ]
        store.observability.batch_create_valid_spans(given)
        yield store.observability
    finally:
        store.close()


def merged_list(
    ask: Callable[[SyncObservability, T], L],
    store: SyncObservability,
    sent: Sequence[SpanRecord],
    wanted: T,
) -> L:
    """One page; ``sent`` are spans that the store has not, and what filters of roots ask for."""
    order = (wanted.order_by.field, wanted.order_by.direction == "DESC")
    return merged_page(ask, store, sent, wanted, wanted.pagination, order)


def merged_page(
    ask: Callable[[SyncObservability, W], L],
    store: SyncObservability,
    sent: Sequence[SpanRecord],
    wanted: W,
    asked: Pagination,
    order: Order,
) -> L:
    """The same of whatever has numbered pages.

    Of the store no more is read than can be on the page: what is before it moves no further than
    there are other roots.
    """
    with in_memory(sent) as memory:
        others: _Listed[L] = _listed(ask, memory, wanted, 0, len(sent))
    if not others.spans:
        return ask(store, wanted)
    first = asked.page * asked.per_page
    end = first + asked.per_page
    low = max(0, first - len(others.spans))
    stored: _Listed[L] = _listed(ask, store, wanted, low, end)
    every = in_order([*stored.spans, *dated(others.spans, sent)], order)
    total = stored.total + len(others.spans)
    return stored.answer.model_copy(
        update={
            _member(stored.answer): every[first - low : end - low],
            "pagination": PageInfo(
                total=total,
                page=asked.page,
                per_page=asked.per_page,
                has_more=end < total,
            ),
        }
    )


@dataclass(frozen=True, slots=True)
class _Listed(Generic[L]):
    answer: L
    """The last one that was asked for."""
    spans: Sequence[Any]
    total: int


def _listed(
    ask: Callable[[SyncObservability, W], L],
    spans: SyncObservability,
    wanted: W,
    first: int,
    end: int,
) -> _Listed[L]:
    """The spans from one place of a list to another."""
    number, begin = first // PAGE_SPANS_MAX, first // PAGE_SPANS_MAX * PAGE_SPANS_MAX
    found: list[Any] = []
    while True:
        page = Pagination(page=number, per_page=PAGE_SPANS_MAX)
        answer = ask(spans, wanted.model_copy(update={"pagination": page}))
        found += getattr(answer, _member(answer))
        info = answer.pagination
        if info is None or not info.has_more or begin + len(found) >= end:
            total = 0 if info is None else info.total
            return _Listed(answer, found[first - begin : end - begin], total)
        number += 1


def _member(answer: object) -> str:
    if isinstance(answer, NumberedTraces):
        return "traces"
    return "branches" if isinstance(answer, BranchList) else "spans"


def dated(rows: Sequence[Any], sent: Sequence[SpanRecord]) -> list[Any]:
    """Rows of a store in memory with the times at which their spans came."""
    arrived = {(one.trace_id, one.span_id): one.created_at for one in sent}
    return [
        row.model_copy(update={"created_at": arrived[row.trace_id, _span_id(row)]}) for row in rows
    ]


def _span_id(row: Any) -> Any:
    return row.root_span_id if isinstance(row, QueriedTrace) else row.span_id


def in_order(rows: Sequence[Any], order: Order) -> list[Any]:
    """By a time; what has not ended counts as ending last."""
    field, is_descending = order
    name = "started_at" if field == "startedAt" else "ended_at"
    return sorted(rows, key=lambda row: getattr(row, name) or _LATEST, reverse=is_descending)
