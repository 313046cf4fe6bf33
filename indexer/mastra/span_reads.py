"""Spans of one trace: one, some, its root, all of them, or a span with what is below it."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

import duckdb
import pyarrow as pa

from indexer.mastra.changes import SpanKey
from indexer.mastra.columns import LIGHT_COLUMNS, RECORD_COLUMNS, R, reader, stored_text
from indexer.mastra.database import Database
from indexer.mastra.filled_columns import Filled, filled_among
from indexer.mastra.records import LightSpan, LightTrace, SpanRecord, Trace
from indexer.mastra.span_keys import span_key, trace_keys

_STORED = """
    SELECT trace_id, span_id FROM asked_keys
    JOIN mastra_spans USING (span_key, trace_id, span_id) WHERE created_at IS NOT NULL
"""
_AMONG = "list_contains($span_ids, span_id)"
_IN_TRACE = "SELECT sequence, {columns} FROM mastra_spans WHERE {where}"
_COLUMNS: dict[type[Any], tuple[str, ...]] = {
    SpanRecord: RECORD_COLUMNS,
    LightSpan: LIGHT_COLUMNS,
}
_OF_TRACE = "span_key BETWEEN {first:d} AND {last:d}"
"""Without parameters, which take DuckDB longer than to read a trace."""


def span(database: Database, trace_id: str, span_id: str) -> SpanRecord | None:
    """One span, None when there is none."""
    found = _records(database, trace_id, "span_id = $span_id", span_id=span_id)
    return found[0] if found else None


def spans(database: Database, trace_id: str, span_ids: Sequence[str]) -> Trace:
    """Those of the spans that are there, by start."""
    found = _records(database, trace_id, _AMONG, span_ids=list(span_ids))
    return Trace(trace_id=trace_id, spans=found)


def root_span(database: Database, trace_id: str) -> SpanRecord | None:
    """The first span without a parent; None of a trace that has none."""
    found = _records(database, trace_id, "parent_span_id IS NULL")
    return found[0] if found else None


def trace(database: Database, trace_id: str) -> Trace | None:
    """All spans of a trace by start; None when there are none."""
    found = _records(database, trace_id)
    return Trace(trace_id=trace_id, spans=found) if found else None


def light_trace(database: Database, trace_id: str) -> LightTrace | None:
    """The same without what can be large."""
    for filled in database.filled.turns():
        with database.cursor() as cursor:
            found = _read(cursor, filled, LightSpan, trace_id)
    return LightTrace(trace_id=trace_id, spans=found) if found else None


def branch(database: Database, trace_id: str, span_id: str, depth: int | None) -> Trace | None:
    """A span with those below it, down to ``depth`` levels; None when the span is not there.

    Parents that form a cycle are gone through once.
    """
    for filled in database.filled.turns():
        with database.reading() as cursor:
            wanted = below(_read(cursor, filled, LightSpan, trace_id), span_id, depth)
            if not wanted:
                return None
            found = _read(cursor, filled, SpanRecord, trace_id, _AMONG, span_ids=wanted)
    return Trace(trace_id=trace_id, spans=found)


def stored_keys(database: Database, keys: Sequence[SpanKey]) -> set[SpanKey]:
    """Those of the (trace ID, span ID) that there are spans of."""
    asked = pa.table(
        {
            "span_key": pa.array([span_key(*key) for key in keys], pa.int64()),
            "trace_id": pa.array([trace_id for trace_id, _ in keys], pa.string()),
            "span_id": pa.array([span_id for _, span_id in keys], pa.string()),
        }
    )
    with database.reading() as cursor:
        cursor.register("asked_keys", asked)
        found = set(cursor.execute(_STORED).fetchall())
        cursor.unregister("asked_keys")
        return found


def below(spans: Iterable[LightSpan | SpanRecord], span_id: str, depth: int | None) -> list[str]:
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


def _records(
    database: Database, trace_id: str, condition: str = "", **values: Any
) -> list[SpanRecord]:
    for filled in database.filled.turns():
        with database.cursor() as cursor:
            found = _read(cursor, filled, SpanRecord, trace_id, condition, **values)
    return found


def _read(
    cursor: duckdb.DuckDBPyConnection,
    filled: Filled,
    model: type[R],
    trace_id: str,
    condition: str = "",
    **values: Any,
) -> list[R]:
    """Spans of the trace in the order of Mastra's stores: by start, then by creation.

    Another trace may have the same range of keys, so the IDs are compared as well. What is done
    here with the rows of one trace takes DuckDB longer to plan.
    """
    stored = stored_text(trace_id)
    first, last = trace_keys(stored)
    columns = filled_among(_COLUMNS[model], filled)
    terms = [_OF_TRACE.format(first=first, last=last), *([condition] if condition else [])]
    sql = _IN_TRACE.format(columns=", ".join(columns), where=" AND ".join(terms))
    rows = cursor.execute(sql, values or None).fetchall()
    of_trace, created = 1 + columns.index("trace_id"), 1 + columns.index("created_at")
    found = [row for row in rows if row[of_trace] == stored and row[created] is not None]
    if not found:  # a store without a created span has no start of any either
        return []
    found.sort(key=itemgetter(1 + columns.index("started_at"), 0))
    read = reader(model, columns)
    return [read(row[1:]) for row in found]
