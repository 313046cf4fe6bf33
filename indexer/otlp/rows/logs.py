"""Log records as rows of ``read_otlp_logs``."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import pyarrow as pa
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs

from indexer.otlp.rows.origins import groups, origin_columns
from indexer.otlp.rows.schemas import TABLES
from indexer.otlp.rows.values import integers, span_id, times, trace_id
from indexer.otlp.values import attributes_text, json_text, json_value


def log_rows(resources: Sequence[ResourceLogs]) -> pa.RecordBatch:
    """The log records of the resources, in order."""
    found = groups(resources, "scope_logs", "log_records")
    records = list(chain.from_iterable(group.records for group in found))
    owners = origin_columns(
        [group.origin for group in found], [len(group.records) for group in found]
    )
    return TABLES["logs"].batch({**owners, **_columns(records)})


def log_time(record: LogRecord) -> int:
    """When it happened; where the source did not say so, when it was observed."""
    return record.time_unix_nano or record.observed_time_unix_nano


def _columns(records: Sequence[LogRecord]) -> dict[str, Any]:
    return {
        "time_unix_nano": times([log_time(record) for record in records]),
        "observed_time_unix_nano": times([record.observed_time_unix_nano for record in records]),
        "trace_id": [trace_id(record.trace_id) for record in records],
        "span_id": [span_id(record.span_id) for record in records],
        "severity_number": [record.severity_number or None for record in records],
        "severity_text": [record.severity_text or None for record in records],
        "event_name": [record.event_name or None for record in records],
        "body": [_body(record.body) for record in records],
        "log_attributes": [attributes_text(record.attributes) for record in records],
        "dropped_attributes_count": integers(r.dropped_attributes_count for r in records),
        "flags": integers(record.flags for record in records),
    }


def _body(body: AnyValue) -> str | None:
    """Text as it is, anything else as JSON; an empty value is NULL."""
    value = json_value(body)
    return value if isinstance(value, str | None) else json_text(value)
