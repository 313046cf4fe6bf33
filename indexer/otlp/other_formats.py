"""What a body at the traces endpoint is when it is not a trace request, so that the sender is told.

All signals have their resources in field 1 and their records two levels below, so logs and metrics
parse as spans that have no ids; and in JSON a name that is not known is passed over by rule.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACES_ALONE = "this endpoint accepts only traces"
LOGS = f"log records; {TRACES_ALONE}"
METRICS = f"metrics; {TRACES_ALONE}"

_KEYS = {
    "resourceLogs": LOGS,
    "resource_logs": LOGS,
    "resourceMetrics": METRICS,
    "resource_metrics": METRICS,
    "batches": "Tempo's answer to a query; OTLP's name is resourceSpans",
    "resource_spans": "resourceSpans in snake_case; names of OTLP/JSON are in lowerCamelCase",
}
_INNER_KEYS = {
    "scope_spans": "scopeSpans",
    "instrumentationLibrarySpans": "scopeSpans",
    "instrumentation_library_spans": "scopeSpans",
    "trace_id": "traceId",
    "span_id": "spanId",
}


def signal_of_records(records: Iterable[bytes]) -> str:
    """What spans that have no ids are instead, if that can be known of one of them; else empty."""
    for record in records:
        if _is_log_record(record):
            return LOGS
        if _is_metric(record):
            return METRICS
    return ""


def known_key(keys: Mapping[str, Any] | Iterable[str]) -> str:
    """What the first name of a JSON document that is a well-known wrong one stands for."""
    return next((f"{key} is {_KEYS[key]}" for key in keys if key in _KEYS), "")


def misspelt_key(keys: Iterable[str]) -> str:
    """The same inside of a resource, scope or span: which name is right."""
    wrong = (key for key in keys if key in _INNER_KEYS)
    return next((f"{key} must be spelt {_INNER_KEYS[key]}" for key in wrong), "")


def _is_log_record(record: bytes) -> bool:
    """A log record begins with a time of 8 bytes, where a span has a trace_id."""
    read = _read(LogRecord, record)
    return read is not None and bool(read.time_unix_nano or read.observed_time_unix_nano)


def _is_metric(record: bytes) -> bool:
    """A metric has data points where a span has its name, its end or events, and no times."""
    span, read = _read(Span, record), _read(Metric, record)
    if read is None or not read.name.isprintable():
        return False
    kind = read.WhichOneof("data")
    if kind is None or not getattr(read, kind).data_points:
        return False
    return span is None or not (span.start_time_unix_nano or span.end_time_unix_nano)


def _read(kind: type[Message], record: bytes) -> Any:
    try:
        return kind.FromString(record)
    except DecodeError:
        return None
