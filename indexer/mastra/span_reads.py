"""Spans of one trace: one, some, its root, all of them, or a span with what is below it."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import Any

import duckdb

from indexer.mastra.columns import (
    LIGHT_COLUMNS,
    RECORD_COLUMNS,
    light_span_of,
    record_of,
    stored_text,
)
from indexer.mastra.database import Database
from indexer.mastra.records import LightSpan, LightTrace, SpanRecord, Trace
from indexer.mastra.span_keys import trace_keys

BY_START = "started_at, sequence"
"""The order of Mastra's stores; spans that start together are in the order of their creation."""
_OF_TRACE = (
    "span_key BETWEEN $first_key AND $last_key AND trace_id = $trace_id AND created_at IS NOT NULL"
)


def span(database: Database, trace_id: str, span_id: str) -> SpanRecord | None:
    """One span, None when there is none."""
    found = _records(database, f"{_OF_TRACE} AND span_id = $span_id", trace_id, span_id=span_id)
    return found[0] if found else None


def spans(database: Database, trace_id: str, span_ids: Sequence[str]) -> Trace:
    """Those of the spans that are there, by start."""
    where = f"{_OF_TRACE} AND list_contains($span_ids, span_id)"
    found = _records(database, where, trace_id, span_ids=list(span_ids))
    return Trace(trace_id=trace_id, spans=found)


def root_span(database: Database, trace_id: str) -> SpanRecord | None:
    """The first span without a parent; None of a trace that has none."""
    found = _records(database, f"{_OF_TRACE} AND parent_span_id IS NULL", trace_id)
    return found[0] if found else None


def trace(database: Database, trace_id: str) -> Trace | None:
    """All spans of a trace by start; None when there are none."""
    found = _records(database, _OF_TRACE, trace_id)
    return Trace(trace_id=trace_id, spans=found) if found else None


def light_trace(database: Database, trace_id: str) -> LightTrace | None:
    """The same without what can be large."""
    with database.reading() as cursor:
        rows = _rows(cursor, LIGHT_COLUMNS, _OF_TRACE, _trace_values(trace_id))
    found = [light_span_of(row) for row in rows]
    return LightTrace(trace_id=trace_id, spans=found) if found else None


def branch(database: Database, trace_id: str, span_id: str, depth: int | None) -> Trace | None:
    """A span with those below it, down to ``depth`` levels; None when the span is not there.

    Parents that form a cycle are gone through once.
    """
    with database.reading() as cursor:
        values = _trace_values(trace_id)
        light = _rows(cursor, LIGHT_COLUMNS, _OF_TRACE, values)
        wanted = _below([light_span_of(row) for row in light], span_id, depth)
        if not wanted:
            return None
        where = f"{_OF_TRACE} AND list_contains($span_ids, span_id)"
        rows = _rows(cursor, RECORD_COLUMNS, where, values | {"span_ids": wanted})
    return Trace(trace_id=trace_id, spans=[record_of(row) for row in rows])


def _below(spans: Iterable[LightSpan], span_id: str, depth: int | None) -> list[str]:
    """IDs of a span and of those below it; none when it is not there."""
    children: dict[str | None, list[str]] = defaultdict(list)
    found = set()
    for one in spans:
        children[one.parent_span_id].append(one.span_id)
        found.add(one.span_id)
    if span_id not in found:
        return []
    wanted = {span_id}
    queue = deque([(span_id, 0)])
    while queue:
        parent, level = queue.popleft()
        if depth is not None and level >= depth:
            continue
        for child in children[parent]:
            if child not in wanted:
                wanted.add(child)
                queue.append((child, level + 1))
    return sorted(wanted)


def _records(database: Database, where: str, trace_id: str, **more: Any) -> list[SpanRecord]:
    with database.reading() as cursor:
        rows = _rows(cursor, RECORD_COLUMNS, where, _trace_values(trace_id) | more)
    return [record_of(row) for row in rows]


def _trace_values(trace_id: str) -> dict[str, Any]:
    """Parameters of ``_OF_TRACE``."""
    first, last = trace_keys(stored_text(trace_id))
    return {"trace_id": trace_id, "first_key": first, "last_key": last}


def _rows(
    cursor: duckdb.DuckDBPyConnection, columns: Sequence[str], where: str, values: dict[str, Any]
) -> list[tuple[Any, ...]]:
    sql = f"SELECT {', '.join(columns)} FROM mastra_spans WHERE {where} ORDER BY {BY_START}"
    return cursor.execute(sql, values).fetchall()
