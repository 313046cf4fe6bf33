"""Traces by Mastra's predicates: a page by cursor or by number, or the threads that they are of."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb

from indexer.errors import InvalidMastraCall
from indexer.mastra import error_ids
from indexer.mastra.columns import stored_time
from indexer.mastra.database import Database
from indexer.mastra.input_preview import input_preview
from indexer.mastra.json_values import json_value
from indexer.mastra.list_arguments import Pagination
from indexer.mastra.list_records import DeltaInfo, PageInfo
from indexer.mastra.predicates import PredicateSql
from indexer.mastra.query_cursors import binding, decode, encode
from indexer.mastra.query_fields import STATUS_SQL, moment
from indexer.mastra.query_issues import refusal
from indexer.mastra.query_records import (
    DeltaTraces,
    GroupedThreads,
    NextPage,
    NumberedTraces,
    QueriedTrace,
    QueriedTraces,
    ThreadId,
)
from indexer.mastra.query_requests import (
    DELTA_DEFAULT,
    QueryOrder,
    QueryPage,
    TraceQuery,
    trace_query_issues,
)
from indexer.mastra.rows_by_sequence import rows_by_sequence
from indexer.mastra.trace_candidates import candidates

TraceAnswer = QueriedTraces | NumberedTraces | DeltaTraces | GroupedThreads
COLUMNS = {"startedAt": "started_at", "endedAt": "ended_at"}
_CHANGED = "greatest(r.created_at, r.updated_at)"
_NEVER = datetime(1970, 1, 1)  # noqa: DTZ001 - as columns hold times, without a zone
_KEYS = "r.sequence, r.trace_id, r.started_at, r.ended_at"
_PLAIN = (
    "trace_id",
    "span_id",
    "name",
    "entity_id",
    "parent_span_id",
    "thread_id",
    "resource_id",
    "entity_name",
    "entity_type",
    "environment",
)
_DERIVED = ("status", "started_at", "ended_at", "created_at", "metadata", "input_preview")
_NAMES = ("trace_id", "root_span_id", *_PLAIN[2:], *_DERIVED)
_ROW = (
    *_PLAIN,
    STATUS_SQL.format(alias="span"),
    "started_at",
    "ended_at",
    "created_at",
    "metadata",
    "input",
)


def query_traces(database: Database, request: TraceQuery) -> TraceAnswer:
    """Traces whose root has ended and began in the range, by a predicate on them.

    Raises InvalidMastraCall for a predicate or a cursor that is invalid.
    """
    if issues := trace_query_issues(request):
        raise refusal(issues)
    found = PredicateSql()
    if request.mode == "delta":
        return _delta(database, request, found)
    if request.group is not None:
        return _threads(database, request, found)
    order = trace_order(request)
    chosen = candidates(request, _KEYS, found)
    with database.reading() as cursor:
        if request.pagination is not None:
            return _numbered(cursor, chosen, found, order, request)
        return _page(cursor, chosen, found, order, request)


def _page(
    cursor: duckdb.DuckDBPyConnection,
    chosen: str,
    found: PredicateSql,
    order: QueryOrder,
    request: TraceQuery,
) -> QueriedTraces:
    page = request.page or QueryPage()
    column = COLUMNS[order.field]
    after = "true"
    if page.after is not None:
        moment_text, trace_id = decode(page.after, _binding(request), 2)
        at = found.bind(cursor_moment(moment_text))
        sign = ">" if order.direction == "asc" else "<"
        after = f"{column} {sign} {at} OR ({column} = {at} AND trace_id > {found.bind(trace_id)})"
    rows = cursor.execute(
        f"SELECT sequence FROM ({chosen}) WHERE {after} "
        f"ORDER BY {column} {order.direction}, trace_id LIMIT {page.limit + 1:d}",
        found.parameters,
    ).fetchall()
    traces = _traces(cursor, [sequence for (sequence,) in rows[: page.limit]])
    following = trace_cursor(request, traces[-1]) if len(rows) > page.limit else None
    return QueriedTraces(traces=traces, page=NextPage(next=following))


def trace_order(request: TraceQuery) -> QueryOrder:
    """The order of the traces."""
    return request.order_by[0] if request.order_by else QueryOrder()


def trace_cursor(request: TraceQuery, trace: QueriedTrace) -> str:
    """The cursor after a trace."""
    at = stored_time(getattr(trace, COLUMNS[trace_order(request).field]))
    return encode(_binding(request), at.isoformat(), trace.trace_id)


def thread_cursor(request: TraceQuery, thread_id: str) -> str:
    """The cursor after a thread that traces are grouped by."""
    return encode(_group_binding(request), thread_id)


def _binding(request: TraceQuery) -> str:
    order = trace_order(request)
    return binding("traces", request.time_range.model_dump(), request.where, order.model_dump())


def _group_binding(request: TraceQuery) -> str:
    return binding("groups", request.time_range.model_dump(), request.where)


def cursor_moment(text: str) -> Any:
    """The time in a cursor, as its column takes it. Raises InvalidMastraCall."""
    try:
        return stored_time(moment(text + "Z"))
    except ValueError as error:
        message = f"invalid cursor: {error}"
        raise InvalidMastraCall(message, error_id=error_ids.CURSOR_MALFORMED) from None


def _numbered(
    cursor: duckdb.DuckDBPyConnection,
    chosen: str,
    found: PredicateSql,
    order: QueryOrder,
    request: TraceQuery,
) -> NumberedTraces:
    wanted = request.pagination or Pagination()
    first = wanted.page * wanted.per_page
    rows = cursor.execute(
        f"SELECT sequence, count(*) OVER () FROM ({chosen}) "
        f"ORDER BY {COLUMNS[order.field]} {order.direction}, trace_id "
        f"LIMIT {wanted.per_page:d} OFFSET {first:d}",
        found.parameters,
    ).fetchall()
    total = rows[0][1] if rows else _count(cursor, chosen, found)
    return NumberedTraces(
        traces=_traces(cursor, [sequence for sequence, _ in rows]),
        pagination=PageInfo(
            total=total,
            page=wanted.page,
            per_page=wanted.per_page,
            has_more=first + wanted.per_page < total,
        ),
        delta_cursor=_head(cursor, request),
    )


def _count(cursor: duckdb.DuckDBPyConnection, chosen: str, found: PredicateSql) -> int:
    sql = f"SELECT count(*) FROM ({chosen})"
    ((total,),) = cursor.execute(sql, found.parameters).fetchall()
    return int(total)


def _delta(database: Database, request: TraceQuery, found: PredicateSql) -> DeltaTraces:
    """What was created or updated after a cursor, the oldest first.

    The time of a change is that of its commit, because writers wait for each other.
    """
    limit = request.limit or DELTA_DEFAULT
    chosen = candidates(request, f"{_KEYS}, {_CHANGED} AS changed_at", found)
    with database.reading() as cursor:
        if request.after is None:
            info = DeltaInfo(limit=limit, has_more=False)
            return DeltaTraces(traces=[], delta=info, delta_cursor=_head(cursor, request))
        moment_text, trace_id = decode(request.after, _delta_binding(request), 2)
        at, of_trace = found.bind(cursor_moment(moment_text)), found.bind(trace_id)
        rows = cursor.execute(
            f"SELECT sequence, changed_at, trace_id FROM ({chosen}) WHERE changed_at > {at} "
            f"OR (changed_at = {at} AND {of_trace} <> '' AND trace_id > {of_trace}) "
            f"ORDER BY changed_at, trace_id LIMIT {limit + 1:d}",
            found.parameters,
        ).fetchall()
        page = rows[:limit]
        following = request.after
        if page:
            following = encode(_delta_binding(request), page[-1][1].isoformat(), page[-1][2])
        return DeltaTraces(
            traces=_traces(cursor, [row[0] for row in page]),
            delta=DeltaInfo(limit=limit, has_more=len(rows) > limit),
            delta_cursor=following,
        )


def _delta_binding(request: TraceQuery) -> str:
    return binding("delta", request.time_range.model_dump(), request.where)


def _head(cursor: duckdb.DuckDBPyConnection, request: TraceQuery) -> str:
    """The cursor after all changes so far."""
    sql = f"SELECT max({_CHANGED}) FROM mastra_roots AS r"
    ((newest,),) = cursor.execute(sql).fetchall()
    return encode(_delta_binding(request), (newest or _NEVER).isoformat(), "")


def _threads(database: Database, request: TraceQuery, found: PredicateSql) -> GroupedThreads:
    page = request.page or QueryPage()
    chosen = candidates(request, "r.thread_id", found)
    after = "true"
    if page.after is not None:
        (thread_id,) = decode(page.after, _group_binding(request), 1)
        after = f"thread_id > {found.bind(thread_id)}"
    with database.reading() as cursor:
        rows = cursor.execute(
            f"SELECT DISTINCT thread_id FROM ({chosen}) WHERE thread_id IS NOT NULL AND {after} "
            f"ORDER BY thread_id LIMIT {page.limit + 1:d}",
            found.parameters,
        ).fetchall()
    threads = [thread_id for (thread_id,) in rows[: page.limit]]
    return GroupedThreads(
        groups=[ThreadId(thread_id=one) for one in threads],
        page=NextPage(next=thread_cursor(request, threads[-1]) if len(rows) > page.limit else None),
    )


def _traces(cursor: duckdb.DuckDBPyConnection, sequences: Sequence[int]) -> list[QueriedTrace]:
    return [_trace(row) for row in rows_by_sequence(cursor, sequences, _ROW)]


def _trace(row: Sequence[Any]) -> QueriedTrace:
    *plain, started_at, ended_at, created_at, metadata, given = row
    values = [
        *plain,
        started_at.replace(tzinfo=UTC),
        ended_at.replace(tzinfo=UTC),
        created_at.replace(tzinfo=UTC),
        None if metadata is None else json_value(metadata),
        None if given is None else input_preview(json_value(given)),
    ]
    return QueriedTrace.model_construct(**dict(zip(_NAMES, values, strict=True)))
