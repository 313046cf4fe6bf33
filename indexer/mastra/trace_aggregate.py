"""Aggregates of traces: counts, durations, errors, tokens and costs of groups of them.

A group is what traces have in common in up to two dimensions. Groups are chosen and ordered by
what is measured of their whole range; a group that is chosen has a row for each bucket of time in
which it has traces.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from indexer.mastra.aggregate_request import (
    DIMENSIONS,
    DISTINCT,
    INTERVALS,
    TraceAggregate,
    is_dimension,
)
from indexer.mastra.database import Database
from indexer.mastra.measures import COST_ATTACHMENTS, FIXED, HavingSql, group_fields, uses_metrics
from indexer.mastra.model_usage import TOKENS, USAGE_ROWS
from indexer.mastra.predicates import PredicateSql
from indexer.mastra.query_fields import DURATION_SQL, Scope
from indexer.mastra.query_issues import CallIssue, refusal
from indexer.mastra.trace_candidates import candidates

Row = dict[str, Any]
_TOKEN_SUMS = ", ".join(
    f"coalesce(sum(value) FILTER (WHERE name = '{name}'), 0) AS tokens_{kind}"
    for kind, name in TOKENS.items()
)
_USAGE = f"""usage AS (
    SELECT
        trace_id,
        {_TOKEN_SUMS},
        sum(cost) FILTER (WHERE priced) AS trace_cost,
        min(unit) FILTER (WHERE priced) AS unit_min,
        max(unit) FILTER (WHERE priced) AS unit_max,
        bool_or(priced) AND NOT bool_or(
            carries_cost AND (failed OR (cost IS NOT NULL AND unit IS NULL))
        ) AS is_covered
    FROM ({USAGE_ROWS} AND trace_id IN (SELECT trace_id FROM roots))
    GROUP BY trace_id
)"""
_COUNT = {"count": FIXED["count"]}
"""Groups are chosen and ordered by it whether it is asked for or not."""
_FACTS = "facts AS (SELECT * FROM roots)"
_FACTS_WITH_USAGE = (
    "facts AS (SELECT roots.*, usage.* EXCLUDE (trace_id), usage.trace_id IS NOT NULL AS has_usage "
    "FROM roots LEFT JOIN usage USING (trace_id))"
)


def aggregate_traces(database: Database, request: TraceAggregate) -> Row:
    """``rows`` of groups, in order, and whether there are more groups (``truncated``).

    Raises InvalidMastraCall with all that is wrong with the measures and predicates.
    """
    found = PredicateSql()
    roots = candidates(request, _root_columns(request, found), found)
    measures = _measures(request)
    known = {**_COUNT, **measures}
    groups = HavingSql(parameters=found.parameters, fields=group_fields(known))
    having = groups.condition(request.having, Scope.GROUPS, ("having",))
    if groups.issues:
        raise refusal(groups.issues)
    order = _order(request, known)
    if any(name.startswith("cost.") for name in measures):
        measures = {**measures, **COST_ATTACHMENTS}
    sql = _sql(request, roots, measures, having, order)
    with database.reading() as cursor:
        rows = cursor.execute(sql, found.parameters).fetchall()
    return {
        "rows": [_row(request, list(measures), row) for row in rows],
        "truncated": bool(rows and rows[0][0]),
    }


def _measures(request: TraceAggregate) -> dict[str, str]:
    """SQL of what is asked for. Raises InvalidMastraCall."""
    found, issues = {}, []
    for number, name in enumerate(request.measures):
        field = name.removeprefix(DISTINCT)
        if name in FIXED:
            found[name] = FIXED[name]
        elif name.startswith(DISTINCT) and (field == "traceId" or is_dimension(field)):
            found[name] = f"count(DISTINCT distinct_{number})::DOUBLE"
        else:
            message = f"invalid measure {name[:50]!r}"
            issues.append(CallIssue("field_not_allowed", ("measures", number), message))
    if issues:
        raise refusal(issues)
    return found


def _root_columns(request: TraceAggregate, found: PredicateSql) -> str:
    """What is known of each trace by its root."""
    columns = {
        "trace_id": "r.trace_id",
        "whole": "true",
        "duration": DURATION_SQL.format(alias="r"),
        "is_error": "r.error IS NOT NULL",
        "bucket": _bucket(request.interval),
    }
    for number, name in enumerate(request.group_by):
        columns[f"dimension_{number}"] = _dimension(name, found)
    for number, name in enumerate(request.measures):
        field = name.removeprefix(DISTINCT)
        if name.startswith(DISTINCT) and (field == "traceId" or is_dimension(field)):
            columns[f"distinct_{number}"] = _dimension(field, found)
    return ", ".join(f"{sql} AS {name}" for name, sql in columns.items())


def _dimension(name: str, found: PredicateSql) -> str:
    if name == "traceId":
        return "r.trace_id"
    return DIMENSIONS.get(name) or found.metadata(name, ())


def _bucket(interval: str | None) -> str:
    if interval is None:
        return "NULL::TIMESTAMP"
    width = int(INTERVALS[interval].total_seconds() * 1_000_000)
    return f"make_timestamp(epoch_us(r.started_at) // {width} * {width})"


def _order(request: TraceAggregate, measures: Mapping[str, str]) -> str:
    """Raises InvalidMastraCall for an order by what is not asked for."""
    wanted = request.order_by
    names = [f"dimension_{number}" for number in range(len(request.group_by))]
    if wanted.field in measures:
        first = measures[wanted.field]
    elif wanted.field in request.group_by:
        first = names[request.group_by.index(wanted.field)]
    else:
        message = "expected count, a measure or a dimension that is asked for"
        raise refusal([CallIssue("field_not_allowed", ("orderBy", "field"), message)])
    terms = [f"{first} {wanted.direction}", *names]
    return ", ".join(f"{term} NULLS LAST" for term in terms)


def _sql(
    request: TraceAggregate, roots: str, measures: Mapping[str, str], having: str, order: str
) -> str:
    names = ["whole", *(f"dimension_{number}" for number in range(len(request.group_by)))]
    listed = ", ".join(names)
    same = " AND ".join(f"facts.{name} IS NOT DISTINCT FROM chosen.{name}" for name in names)
    with_usage = uses_metrics(request.measures)
    facts = [_USAGE, _FACTS_WITH_USAGE] if with_usage else [_FACTS]
    selected = ", ".join(
        [*(f"facts.{name}" for name in names[1:]), "facts.bucket", *measures.values()]
    )
    grouped = ", ".join(["place", *(f"facts.{name}" for name in names), "facts.bucket"])
    return f"""
        WITH roots AS MATERIALIZED ({roots}), {", ".join(facts)},
        chosen AS (
            SELECT {listed}, row_number() OVER (ORDER BY {order}) AS place
            FROM facts GROUP BY {listed} HAVING {having}
            ORDER BY place LIMIT {request.limit + 1:d}
        )
        SELECT (SELECT count(*) FROM chosen) > {request.limit:d}, {selected}
        FROM facts JOIN chosen ON {same}
        WHERE place <= {request.limit:d}
        GROUP BY {grouped} ORDER BY place, facts.bucket
    """


def _row(request: TraceAggregate, measures: Sequence[str], row: Sequence[Any]) -> Row:
    values = list(row[1:])
    count = len(request.group_by)
    answered: Row = {}
    if request.group_by:
        answered["dimensions"] = dict(zip(request.group_by, values[:count], strict=True))
    if request.interval is not None:
        answered["bucket"] = values[count].replace(tzinfo=UTC)
    answered["measures"] = dict(zip(measures, values[count + 1 :], strict=True))
    return answered
