"""Spans by Mastra's predicates, whatever trace they are of, a page by cursor."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from indexer.mastra.columns import stored_time
from indexer.mastra.database import Database
from indexer.mastra.predicates import PredicateSql
from indexer.mastra.query_cursors import binding, decode, encode
from indexer.mastra.query_fields import DURATION_SQL, STATUS_SQL, Scope, member_sql
from indexer.mastra.query_issues import refusal
from indexer.mastra.query_records import NextPage, QueriedSpan, QueriedSpans
from indexer.mastra.query_requests import SpanQuery
from indexer.mastra.rows_by_sequence import rows_by_sequence
from indexer.mastra.span_costs import SpanCosts, span_costs
from indexer.mastra.trace_candidates import IN_RANGE, bind_range
from indexer.mastra.trace_query import COLUMNS, cursor_moment

PREVIEW_CHARS_MAX = 256
"""Of an input and of an output, as Mastra defines it."""
_PLAIN = (
    "organization_id",
    "resource_id",
    "trace_id",
    "span_id",
    "parent_span_id",
    "name",
    "span_type",
    "entity_type",
    "entity_id",
    "entity_name",
)
_NAMES = (*_PLAIN, "status", "duration_ms", "model", "provider", "started_at", "ended_at")
_ROW = (
    *_PLAIN,
    STATUS_SQL.format(alias="span"),
    DURATION_SQL.format(alias="span"),
    member_sql("attributes", "model"),
    member_sql("attributes", "provider"),
    "started_at",
    "ended_at",
    f"left(input::VARCHAR, {PREVIEW_CHARS_MAX + 1})",
    f"left(output::VARCHAR, {PREVIEW_CHARS_MAX + 1})",
)


def query_spans(database: Database, request: SpanQuery) -> QueriedSpans:
    """Spans that have ended and began in the range, by a predicate on them.

    Raises InvalidMastraCall for a predicate or a cursor that is invalid.
    """
    found = PredicateSql()
    where = found.condition(request.where, Scope.SPANS, ("where",))
    if found.issues:
        raise refusal(found.issues)
    bind_range(request.time_range, found)
    (order,) = request.order_by
    column = f"s.{COLUMNS[order.field]}"
    limit = request.page.limit
    sql = (
        f"SELECT s.sequence, {column}, s.trace_id, s.span_id FROM mastra_spans AS s "
        f"WHERE {IN_RANGE.format(alias='s')} AND ({where}) AND ({_after(request, found)}) "
        f"ORDER BY {column} {order.direction}, s.trace_id, s.span_id LIMIT {limit + 1:d}"
    )
    with database.reading() as cursor:
        keys = cursor.execute(sql, found.parameters).fetchall()
        page = keys[:limit]
        rows = rows_by_sequence(cursor, [sequence for sequence, *_ in page], _ROW)
        costs = span_costs(cursor, [(trace_id, span_id) for *_, trace_id, span_id in page])
    spans = [_span(row, costs) for row in rows]
    following = span_cursor(request, spans[-1]) if len(keys) > limit else None
    return QueriedSpans(spans=spans, page=NextPage(next=following))


def span_cursor(request: SpanQuery, span: QueriedSpan) -> str:
    """The cursor after a span."""
    (order,) = request.order_by
    at = stored_time(getattr(span, COLUMNS[order.field]))
    return encode(_binding(request), at.isoformat(), span.trace_id, span.span_id)


def _binding(request: SpanQuery) -> str:
    (order,) = request.order_by
    return binding("spans", request.time_range.model_dump(), request.where, order.model_dump())


def _after(request: SpanQuery, found: PredicateSql) -> str:
    if request.page.after is None:
        return "true"
    (order,) = request.order_by
    moment_text, trace_id, span_id = decode(request.page.after, _binding(request), 3)
    at, of_trace = found.bind(cursor_moment(moment_text)), found.bind(trace_id)
    column = f"s.{COLUMNS[order.field]}"
    sign = ">" if order.direction == "asc" else "<"
    return (
        f"{column} {sign} {at} OR ({column} = {at} AND (s.trace_id > {of_trace} "
        f"OR (s.trace_id = {of_trace} AND s.span_id > {found.bind(span_id)})))"
    )


def _span(row: Sequence[Any], costs: SpanCosts) -> QueriedSpan:
    *plain, given, made = row
    values: dict[str, Any] = dict(zip(_NAMES, plain, strict=True))
    for name in ("started_at", "ended_at"):
        values[name] = values[name].replace(tzinfo=UTC)
    values |= _preview("input", given) | _preview("output", made)
    key = (values["trace_id"], values["span_id"])
    return QueriedSpan.model_construct(**values, cost=costs.get(key, {"state": "missing"}))


def _preview(name: str, text: str | None) -> dict[str, Any]:
    return {
        f"{name}_preview": None if text is None else text[:PREVIEW_CHARS_MAX],
        f"{name}_truncated": text is not None and len(text) > PREVIEW_CHARS_MAX,
    }
