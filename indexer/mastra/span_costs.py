"""What single spans cost, as their metrics say."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from indexer.mastra.model_usage import USAGE_ROWS

SpanCosts = Mapping[tuple[str, str], dict[str, Any]]
"""By trace ID and span ID; a span without such metrics is not there."""
_SQL = f"""
    SELECT
        usage.trace_id,
        usage.span_id,
        sum(cost) FILTER (WHERE priced),
        min(unit) FILTER (WHERE priced),
        max(unit) FILTER (WHERE priced),
        bool_or(carries_cost AND NOT priced)
    FROM ({USAGE_ROWS} AND trace_id IN (SELECT trace_id FROM asked)) AS usage
    JOIN asked USING (trace_id, span_id)
    GROUP BY ALL
"""


def span_costs(cursor: duckdb.DuckDBPyConnection, spans: Sequence[tuple[str, str]]) -> SpanCosts:
    """Costs of the spans: an amount where every metric that carries one is priced in one unit."""
    if not spans:
        return {}
    asked = pa.table(
        {
            "trace_id": pa.array([trace_id for trace_id, _ in spans], pa.string()),
            "span_id": pa.array([span_id for _, span_id in spans], pa.string()),
        }
    )
    cursor.register("asked", asked)
    try:
        rows = cursor.execute(_SQL).fetchall()
    finally:
        cursor.unregister("asked")
    return {(trace_id, span_id): _cost(*cost) for trace_id, span_id, *cost in rows}


def _cost(
    amount: float | None,
    lowest: str | None,
    highest: str | None,
    has_unpriced: bool,  # noqa: FBT001 - a row, in its order
) -> dict[str, Any]:
    if amount is None or lowest != highest or has_unpriced:
        return {"state": "unavailable"}
    return {"state": "available", "amount": amount, "currency": lowest}
