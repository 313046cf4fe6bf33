"""Traces that a query is about, as SQL: one row a trace, its root, which has ended."""

from indexer.mastra.columns import stored_time
from indexer.mastra.predicates import Path, PredicateSql
from indexer.mastra.query_fields import Scope
from indexer.mastra.query_issues import refusal
from indexer.mastra.query_requests import QueryRange, Request

IN_RANGE = (
    "{alias}.created_at IS NOT NULL AND {alias}.ended_at IS NOT NULL "
    "AND {alias}.started_at >= $range_from AND {alias}.started_at < $range_to"
)


def candidates(request: Request, columns: str, found: PredicateSql, path: Path = ("where",)) -> str:
    """SELECT of ``columns`` of ``r``, the roots that the request is about.

    ``path`` is where the whole request has its predicate.

    Of a trace with several roots the newest that the predicate holds for is taken. Raises
    InvalidMastraCall with what is wrong with the predicate.
    """
    where = found.condition(request.where, Scope.TRACE, path)
    if found.issues:
        raise refusal(found.issues)
    bind_range(request.time_range, found)
    return (
        f"SELECT {columns} FROM mastra_roots AS r "
        f"WHERE {IN_RANGE.format(alias='r')} AND ({where}) "
        "QUALIFY row_number() OVER (PARTITION BY r.trace_id ORDER BY r.sequence DESC) = 1"
    )


def bind_range(given: QueryRange, found: PredicateSql) -> None:
    """Set the parameters of ``IN_RANGE``."""
    found.parameters["range_from"] = stored_time(given.from_)
    found.parameters["range_to"] = stored_time(given.to)
