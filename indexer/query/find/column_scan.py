"""Which spans that are held as columns, and not in the index, a question is about. Pure.

What the index is asked in SQL is asked of them here, with the same answer.
"""

from collections.abc import Set as AbstractSet

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.query.find.condition_tree import IsRoot, MetadataCondition, ServiceIs
from indexer.query.find.span_conditions import ANY_SPAN, SpanConditions
from indexer.query.find.span_query import Position, SpanQuery
from indexer.query.find.trace_query import Place, TraceQuery
from indexer.query.window import Window
from indexer.spans.columns import SpanColumns
from indexer.spans.identifiers import BoolArray, UInt64Array, format_hex, parse_hex
from indexer.spans.identity import trace_keys

Rows = npt.NDArray[np.intp]
_ORDERED_WHOLE_MAX = 10_000
"""Spans that are put in order to have the first of them; of more, the others are left out first."""


def matching(columns: SpanColumns, query: TraceQuery | SpanQuery) -> BoolArray:
    """Which spans the question is about, but for what only attributes tell."""
    if isinstance(query, TraceQuery):
        return _of_trace(columns, query)
    return _of_list(columns, query)


def within(columns: SpanColumns, window: Window) -> BoolArray:
    """Which spans start in it."""
    held: BoolArray = np.ones(len(columns), np.bool_)
    if window.since_unix_nano is not None:
        held &= columns.start >= window.since_unix_nano
    if window.until_unix_nano is not None:
        held &= columns.start < window.until_unix_nano
    return held


def meeting(columns: SpanColumns, condition: MetadataCondition) -> BoolArray:
    """Which spans meet a condition that needs no payload."""
    if isinstance(condition, Window):
        return within(columns, condition)
    if isinstance(condition, ServiceIs):
        return of_service(columns, condition.service)
    if isinstance(condition, IsRoot):
        roots: BoolArray = columns.parent_span_id == 0
        return roots
    return _meeting(columns, condition)


def in_traces(columns: SpanColumns, trace_ids: AbstractSet[str]) -> BoolArray:
    """Which spans are of these traces."""
    words, _ = parse_hex(pa.array(sorted(trace_ids), pa.string()), digits=32)
    held: BoolArray = np.isin(columns.trace_key, trace_keys(*words))
    places = np.flatnonzero(held)
    texts = format_hex([columns.trace_hi[places], columns.trace_lo[places]]).to_pylist()
    held[places] = [text in trace_ids for text in texts]
    return held


def of_service(columns: SpanColumns, service: str) -> BoolArray:
    """Which spans are of the service."""
    codes = [at for at, name in enumerate(columns.service.values) if name == service]
    return np.isin(columns.service.codes, codes)


def trace_ids(high: UInt64Array, low: UInt64Array) -> set[str]:
    """The distinct ones, of their words."""
    found: list[str] = format_hex([high, low]).to_pylist()
    return set(found)


def first(columns: SpanColumns, chosen: BoolArray, query: TraceQuery | SpanQuery) -> SpanColumns:
    """Of the chosen spans as many as the answer can need, in its order where it needs not all."""
    if isinstance(query, TraceQuery):
        return columns.take(chosen) if query.limit is None else _page(columns, chosen, query.limit)
    lead = columns.duration if query.slowest else columns.start
    if np.count_nonzero(chosen) > _ORDERED_WHOLE_MAX + query.count:
        chosen = chosen & (lead >= np.partition(lead[chosen], -query.count)[-query.count])
    return in_order(columns.take(chosen), query).take(slice(query.count))


def _page(columns: SpanColumns, chosen: BoolArray, limit: int) -> SpanColumns:
    """The first of a trace, in its order, and one more: nothing is made of the others."""
    count = limit + 1
    if np.count_nonzero(chosen) > count:
        last = np.partition(columns.start[chosen], limit)[limit]
        chosen = chosen & (columns.start <= last)
    found = columns.take(chosen)
    return found.take(np.lexsort((found.kind, found.span_id, found.start))[:count])


def in_order(columns: SpanColumns, query: SpanQuery) -> SpanColumns:
    """All of them, in the order of the list."""
    newest = (columns.kind, columns.span_id, columns.trace_lo, columns.trace_hi, -columns.start)
    order = np.lexsort((*newest, -columns.duration) if query.slowest else newest)
    return columns.take(order)


def _of_trace(columns: SpanColumns, query: TraceQuery) -> BoolArray:
    high, low = (np.uint64(word) for word in query.words)
    wanted: BoolArray = (columns.trace_hi == high) & (columns.trace_lo == low)
    if query.span_id is not None:
        wanted &= columns.span_id == np.uint64(int(query.span_id, 16))
    if query.after is not None:
        wanted &= _after_place(columns, query.after)
    return wanted & within(columns, query.window)


def _after_place(columns: SpanColumns, place: Place) -> BoolArray:
    """Which spans of a trace are later than the last one of a page."""
    start, text, kind = place
    span_id = np.uint64(int(text, 16))
    later: BoolArray = (columns.span_id > span_id) | (
        (columns.span_id == span_id) & (columns.kind > kind)
    )
    later &= columns.start == start
    later |= columns.start > start
    return later


def _of_list(columns: SpanColumns, query: SpanQuery) -> BoolArray:
    """Which spans the list may hold by service, place in the trace and time."""
    wanted: BoolArray = np.ones(len(columns), np.bool_)
    if query.service is not None:
        wanted &= of_service(columns, query.service)
    if query.roots:
        wanted &= columns.parent_span_id == 0
    if query.trace_ids is not None:
        wanted &= in_traces(columns, query.trace_ids)
    wanted &= _meeting(columns, query.conditions) & within(columns, query.window)
    if query.after is not None:
        wanted &= ~_up_to(columns, query.after)
    return wanted


def _meeting(columns: SpanColumns, conditions: SpanConditions) -> BoolArray:
    """Which spans meet the conditions; a name that many have is looked at once."""
    met: BoolArray = np.ones(len(columns), np.bool_)
    if conditions == ANY_SPAN:
        return met
    names = [at for at, name in enumerate(columns.name.values) if conditions.is_name(name)]
    if len(names) < len(columns.name.values):
        met &= np.isin(columns.name.codes, names)
    if conditions.span_kind is not None:
        met &= columns.kind == conditions.span_kind
    if conditions.status_code is not None:
        met &= columns.status == conditions.status_code
    bounds = (conditions.min_duration_ns, conditions.max_duration_ns)
    if bounds != (None, None):
        met &= _lasts_within(columns, *bounds)
    return met


def _lasts_within(columns: SpanColumns, shortest: int | None, longest: int | None) -> BoolArray:
    """Which spans last so long; none without a known start or end, which are 0."""
    met: BoolArray = (columns.start != 0) & (columns.start + columns.duration != 0)
    if shortest is not None:
        met &= columns.duration >= shortest
    if longest is not None:
        met &= columns.duration <= longest
    return met


def _up_to(columns: SpanColumns, after: Position) -> BoolArray:
    """Which spans an earlier page has shown: those up to and with the position."""
    high, low, span_id = (
        np.uint64(int(after.trace_id[:16], 16)),
        np.uint64(int(after.trace_id[16:], 16)),
        np.uint64(int(after.span_id, 16)),
    )
    in_trace = (columns.trace_hi == high) & (columns.trace_lo == low)
    earlier = (columns.trace_hi < high) | ((columns.trace_hi == high) & (columns.trace_lo < low))
    same_start = columns.start == after.start_time_unix_nano
    shown: BoolArray = columns.start > after.start_time_unix_nano
    before = (columns.span_id < span_id) | (
        (columns.span_id == span_id) & (columns.kind <= after.span_kind)
    )
    shown |= same_start & (earlier | (in_trace & before))
    if after.duration_ns is None:
        return shown
    slower: BoolArray = columns.duration > after.duration_ns
    slower |= (columns.duration == after.duration_ns) & shown
    return slower
