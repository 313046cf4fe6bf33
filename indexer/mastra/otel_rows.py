"""Spans of a Mastra trace in OpenTelemetry's columns, for whoever reads spans of any origin.

Kinds and keys are those that Mastra's own OpenTelemetry exporter gives, where it gives any; what
it would lose is there under ``mastra.``.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from indexer.mastra.json_values import json_text
from indexer.mastra.records import SpanRecord

SERVICE_NAME = "mastra"
"""Of spans that name no service."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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
    "mastra.scope": "scope",
    "mastra.request_context": "request_context",
    "gen_ai.conversation.id": "thread_id",
    "user.id": "user_id",
    "session.id": "session_id",
}
_GROUPS = {"mastra.attributes.": "attributes", "mastra.metadata.": "metadata"}


def otel_rows(spans: Sequence[SpanRecord], schema: pa.Schema) -> pa.Table:
    """The spans as rows of a schema of OpenTelemetry's columns; others of its columns are empty."""
    rows = [_row(span) for span in spans]
    empty = {field.name: _nothing(field) for field in schema}
    return pa.Table.from_pylist([{**empty, **row} for row in rows], schema=schema)


def _row(span: SpanRecord) -> dict[str, Any]:
    start = _unix_nano(span.started_at)
    end = start if span.ended_at is None else _unix_nano(span.ended_at)
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "service_name": span.service_name or SERVICE_NAME,
        "name": span.name,
        "span_kind": _KINDS.get(span.span_type, _INTERNAL),
        "start_time": start,
        "end_time": end,
        "duration_ns": end - start,
        "status_code": _status(span),
        "status_message": _message(span.error),
        "attributes": json_text(_attributes(span)),
        "events": "[]",
        "links": "[]",
        "resource_attributes": json_text({"service.name": span.service_name or SERVICE_NAME}),
    }


def _attributes(span: SpanRecord) -> dict[str, Any]:
    found = {key: getattr(span, name) for key, name in _NAMED.items()}
    for prefix, name in _GROUPS.items():
        group: Mapping[str, Any] = getattr(span, name) or {}
        found |= {prefix + key: value for key, value in group.items()}
    if span.error is not None:
        found["mastra.error"] = span.error
    return {key: value for key, value in found.items() if value is not None}


def _status(span: SpanRecord) -> int:
    if span.error is not None:
        return _ERROR
    return _OK if span.ended_at is not None else 0


def _message(error: Any) -> str | None:
    if isinstance(error, Mapping) and isinstance(error.get("message"), str):
        return str(error["message"])
    return error if isinstance(error, str) else None


def _unix_nano(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1_000


def _nothing(field: pa.Field) -> Any:
    if field.nullable:
        return None
    return 0 if pa.types.is_integer(field.type) else ""
