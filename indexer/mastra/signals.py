"""Logs, metrics, scores and feedback as they were received, the newest of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pyarrow as pa

from indexer.mastra.arguments import BATCH_SPANS_MAX, checked_batch, invalid
from indexer.mastra.columns import stored_time
from indexer.mastra.database import Database
from indexer.mastra.json_values import json_text

Signal = Literal["logs", "metrics", "scores", "feedback"]
_OPERATION = "BATCH_CREATE_SIGNALS"


def insert_signals(
    database: Database, signal: Signal, records: Sequence[Mapping[str, Any]]
) -> None:
    """Keep records as they are. Raises InvalidMastraCall and CatalogWriteFailed."""
    if not records:
        return
    checked_batch(records, BATCH_SPANS_MAX, _OPERATION)
    try:
        texts = [json_text(record) for record in records]
    except (ValueError, RecursionError) as error:
        raise invalid(str(error), _OPERATION) from None
    traces = [_trace_id(record) for record in records]
    incoming = pa.table(
        {
            "trace_id": pa.array(
                [trace if isinstance(trace, str) and trace.isascii() else None for trace in traces],
                pa.string(),
            ),
            "record": pa.array(texts, pa.large_string()),
        }
    )
    with database.transaction() as connection:
        connection.register("incoming", incoming)
        try:
            connection.execute(
                "INSERT INTO mastra_signals SELECT $signal, $now, trace_id, record FROM incoming",
                {"signal": signal, "now": stored_time(datetime.now(UTC))},
            )
        finally:
            connection.unregister("incoming")


def _trace_id(record: Mapping[str, Any]) -> Any:
    """What the record says itself, or where exporters write it of metrics and logs."""
    context = record.get("correlationContext")
    nested = context.get("traceId") if isinstance(context, Mapping) else None
    return record.get("traceId") or nested


def prune_signals(
    database: Database, now: datetime, max_age: timedelta | None, max_bytes: int | None
) -> int:
    """Delete what is older than ``max_age``, then the oldest beyond ``max_bytes`` of text."""
    deleted = 0
    with database.transaction() as connection:
        if max_age is not None:
            deleted += connection.execute(
                "DELETE FROM mastra_signals WHERE received_at < $moment",
                {"moment": stored_time(now - max_age)},
            ).fetchall()[0][0]
        if max_bytes is not None:
            deleted += connection.execute(
                "DELETE FROM mastra_signals WHERE rowid IN (SELECT row_id FROM ("
                "SELECT rowid AS row_id, sum(strlen(record::VARCHAR)) OVER "
                "(ORDER BY received_at DESC, rowid DESC) AS size FROM mastra_signals) "
                "WHERE size > $max_bytes)",
                {"max_bytes": max_bytes},
            ).fetchall()[0][0]
    return deleted
