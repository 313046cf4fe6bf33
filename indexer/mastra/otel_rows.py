"""Spans of the store in OpenTelemetry's columns, for whoever reads spans of any origin.

What can be large is read by itself, of the spans that are asked for. Kinds and keys are those that
Mastra's own OpenTelemetry exporter gives, where it gives any; what it would lose is there under
``mastra.``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from indexer.mastra.columns import RECORD_COLUMNS, reader
from indexer.mastra.json_values import json_text
from indexer.mastra.otel_table import PAYLOAD
from indexer.mastra.records import SpanRecord
from indexer.mastra.span_keys import span_key
from indexer.system import arrow_compute as pc
from indexer.system.duckdb_rows import arrow_table

SERVICE_NAME = "mastra"
"""Of spans that name no service."""
_INTERNAL, _SERVER, _CLIENT = 1, 2, 3
_KINDS = {
    "model_inference": _CLIENT,
    "rag_embedding": _CLIENT,
    "mcp_tool_call": _CLIENT,
    "mcp_server_request": _SERVER,
}
_OK, _ERROR = 1, 2
_NAMED = {
    "mastra.span.type": "span_type",
    "mastra.entity.type": "entity_type",
    "mastra.entity.id": "entity_id",
    "mastra.entity.name": "entity_name",
    "mastra.input": "input",
    "mastra.output": "output",
    "mastra.tags": "tags",
    "gen_ai.conversation.id": "thread_id",
    "user.id": "user_id",
    "session.id": "session_id",
}
"""Attributes that have a field under a name of their own."""
_ELSEWHERE = frozenset(
    {
        *("trace_id", "span_id", "parent_span_id", "name", "service_name", "error"),
        *("started_at", "ended_at", "created_at", "updated_at", "attributes", "metadata"),
        *_NAMED.values(),
    }
)
"""Fields that are columns or attributes otherwise; any other is an attribute under its name."""
_NAMED_ALIKE = {f"mastra.{name}": name for name in RECORD_COLUMNS if name not in _ELSEWHERE}
_GROUPS = {"mastra.attributes.": "attributes", "mastra.metadata.": "metadata"}
_MICROSECONDS_MAX = 2**63 // 1_000 - 1
"""Of a time whose nanoseconds are counted in 63 bits: the year 2262."""
_TIMES = ("start_time", "end_time")


def _time(column: str) -> str:
    return f"least(greatest(epoch_us({column}), 0), {_MICROSECONDS_MAX})"


_METADATA = f"""
    trace_id, span_id, parent_span_id,
    coalesce(nullif(service_name, ''), '{SERVICE_NAME}') AS service_name,
    name,
    {_time("started_at")} AS start_time,
    {_time("coalesce(ended_at, started_at)")} AS end_time,
    CASE WHEN error IS NOT NULL THEN {_ERROR} WHEN ended_at IS NOT NULL THEN {_OK} ELSE 0
        END::TINYINT AS status_code,
    (CASE span_type {" ".join(f"WHEN '{name}' THEN {kind}" for name, kind in _KINDS.items())}
        ELSE {_INTERNAL} END)::TINYINT AS span_kind"""
_RECORDS = f"""
    SELECT asked.position, {", ".join(RECORD_COLUMNS)}
    FROM asked_records AS asked JOIN mastra_spans USING (span_key, trace_id, span_id)
    WHERE created_at IS NOT NULL
"""


def metadata_rows(
    cursor: duckdb.DuckDBPyConnection,
    where: str = "true",
    rest: str = "",
    values: Mapping[str, Any] | None = None,
) -> pa.Table:
    """What OpenTelemetry's columns say of spans without their payload, times in nanoseconds."""
    sql = f"SELECT {_METADATA} FROM mastra_spans WHERE created_at IS NOT NULL AND {where} {rest}"
    table = arrow_table(cursor, sql, None if values is None else dict(values))
    for name in _TIMES:
        at = table.schema.get_field_index(name)
        nanos = pc.multiply(table[name].cast(pa.int64()), 1_000)
        table = table.set_column(at, name, nanos.cast(pa.timestamp("ns", "UTC")))
    return table


def with_payload(cursor: duckdb.DuckDBPyConnection, metadata: pa.Table) -> pa.Table:
    """The same rows with their payload; attributes are NULL of spans that are gone meanwhile."""
    found = _records(cursor, metadata)
    columns = zip(*(_payload(found.get(at)) for at in range(metadata.num_rows)), strict=True)
    values = list(columns) or [()] * len(PAYLOAD)
    for name, column in zip(PAYLOAD, values, strict=True):
        metadata = metadata.append_column(name, pa.array(column, pa.string()))
    return metadata


def _records(cursor: duckdb.DuckDBPyConnection, asked: pa.Table) -> dict[int, SpanRecord]:
    """By place in the table."""
    keys = zip(asked["trace_id"].to_pylist(), asked["span_id"].to_pylist(), strict=True)
    table = asked.select(["trace_id", "span_id"])
    table = table.append_column("span_key", pa.array([span_key(*key) for key in keys], pa.int64()))
    table = table.append_column("position", pa.array(range(table.num_rows), pa.int64()))
    cursor.register("asked_records", table)
    try:
        rows = cursor.execute(_RECORDS).fetchall()
    finally:
        cursor.unregister("asked_records")
    record_of = reader(SpanRecord, RECORD_COLUMNS)
    return {position: record_of(row) for position, *row in rows}


def _payload(span: SpanRecord | None) -> Sequence[str | None]:
    if span is None:
        return (None,) * len(PAYLOAD)
    resource = json_text({"service.name": span.service_name or SERVICE_NAME})
    return _message(span.error), json_text(_attributes(span)), "[]", "[]", resource


def _attributes(span: SpanRecord) -> dict[str, Any]:
    found = {key: getattr(span, name) for key, name in (_NAMED | _NAMED_ALIKE).items()}
    found["mastra.is_event"] = span.is_event or None
    for prefix, name in _GROUPS.items():
        group: Mapping[str, Any] = getattr(span, name) or {}
        found |= {prefix + key: value for key, value in group.items()}
    if span.error is not None:
        found["mastra.error"] = span.error
    return {key: value for key, value in found.items() if value is not None}


def _message(error: Any) -> str | None:
    if isinstance(error, Mapping) and isinstance(error.get("message"), str):
        return str(error["message"])
    return error if isinstance(error, str) else None
