"""The sample files in ``tests/data/otlp``: the same spans, points and log records in JSON and protobuf.

    python -m tests.support.otlp_samples

writes them anew; a test says whether they are what this makes.
"""

from pathlib import Path
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.otlp_json import json_line

FOLDER = Path(__file__).parents[1] / "data" / "otlp"
START = 1_640_000_000_000_000_000
_TRACE = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")
_TIMES = {"start_time_unix_nano": START, "time_unix_nano": START + 60_000_000_001}
_SCOPE = {"name": "shop", "version": "1.2"}
_RESOURCE = {
    "attributes": [
        {"key": "service.name", "value": {"string_value": "test-service"}},
        {"key": "service.namespace", "value": {"string_value": "shop"}},
        {"key": "service.instance.id", "value": {"string_value": "pod-1"}},
    ]
}


def traces() -> ExportTraceServiceRequest:
    """One trace of three spans: a request, a query, and a failed publication."""
    spans = [
        {
            "trace_id": _TRACE,
            "span_id": bytes.fromhex("b7ad6b7169203331"),
            "name": "GET /users",
            "kind": 2,
            "start_time_unix_nano": START + 1,
            "end_time_unix_nano": START + 100_000_007,
            "attributes": [
                {"key": "http.request.method", "value": {"string_value": "GET"}},
                {"key": "http.response.status_code", "value": {"int_value": 200}},
                {"key": "sampled", "value": {"bool_value": True}},
            ],
            "status": {"code": 1},
        },
        {
            "trace_id": _TRACE,
            "span_id": bytes.fromhex("00f067aa0ba902b7"),
            "parent_span_id": bytes.fromhex("b7ad6b7169203331"),
            "name": "SELECT users",
            "kind": 3,
            "start_time_unix_nano": START + 10_000_000,
            "end_time_unix_nano": START + 60_000_000,
            "attributes": [{"key": "db.rows", "value": {"double_value": 12.5}}],
            "events": [
                {
                    "name": "row",
                    "time_unix_nano": START + 20_000_000,
                    "attributes": [{"key": "n", "value": {"int_value": 1}}],
                }
            ],
        },
        {
            "trace_id": _TRACE,
            "span_id": bytes.fromhex("53995c3f42cd8ad8"),
            "parent_span_id": bytes.fromhex("b7ad6b7169203331"),
            "name": "publish",
            "kind": 4,
            "start_time_unix_nano": START + 70_000_000,
            "end_time_unix_nano": START + 90_000_000,
            "links": [{"trace_id": _TRACE, "span_id": bytes.fromhex("00f067aa0ba902b7")}],
            "status": {"code": 2, "message": "queue is full"},
        },
    ]
    scopes = [{"scope": _SCOPE, "spans": spans}]
    return ExportTraceServiceRequest(
        resource_spans=[{"resource": _RESOURCE, "scope_spans": scopes}]
    )


def _distributions() -> list[dict[str, Any]]:
    return [
        {
            "name": "latency",
            "unit": "s",
            "histogram": {
                "aggregation_temporality": 2,
                "data_points": [
                    {
                        **_TIMES,
                        "count": 3,
                        "sum": 0.6,
                        "bucket_counts": [1, 2, 0],
                        "explicit_bounds": [0.1, 1.0],
                        "min": 0.05,
                        "max": 0.4,
                        "exemplars": [
                            {"time_unix_nano": START, "as_double": 0.4, "trace_id": _TRACE}
                        ],
                    }
                ],
            },
        },
        {
            "name": "sizes",
            "unit": "By",
            "exponential_histogram": {
                "aggregation_temporality": 1,
                "data_points": [
                    {
                        **_TIMES,
                        "count": 4,
                        "sum": 10.0,
                        "scale": -1,
                        "zero_count": 1,
                        "zero_threshold": 0.5,
                        "positive": {"offset": -2, "bucket_counts": [1, 2]},
                    }
                ],
            },
        },
        {
            "name": "pauses",
            "summary": {
                "data_points": [
                    {
                        **_TIMES,
                        "count": 2,
                        "sum": 3.0,
                        "quantile_values": [{"quantile": 0.5, "value": 1.0}],
                    }
                ]
            },
        },
    ]


def metrics() -> ExportMetricsServiceRequest:
    """A counter, a gauge, and one of each other type."""
    found = [
        {
            "name": "requests",
            "unit": "1",
            "sum": {
                "aggregation_temporality": 2,
                "is_monotonic": True,
                "data_points": [{**_TIMES, "as_int": 41}, {**_TIMES, "as_int": 42}],
            },
        },
        {"name": "load", "gauge": {"data_points": [{**_TIMES, "as_double": 0.25}]}},
        *_distributions(),
    ]
    scopes = [{"scope": _SCOPE, "metrics": found}]
    return ExportMetricsServiceRequest(
        resource_metrics=[{"resource": _RESOURCE, "scope_metrics": scopes}]
    )


def logs() -> ExportLogsServiceRequest:
    """A line of text, and a record that is only observed and has an object for its body."""
    records = [
        {
            "time_unix_nano": START + 5,
            "observed_time_unix_nano": START + 9,
            "severity_number": 9,
            "severity_text": "INFO",
            "body": {"string_value": "user logged in"},
            "attributes": [{"key": "user.id", "value": {"int_value": 7}}],
            "trace_id": _TRACE,
            "span_id": bytes.fromhex("b7ad6b7169203331"),
            "flags": 1,
        },
        {
            "observed_time_unix_nano": START + 11,
            "body": {
                "kvlist_value": {"values": [{"key": "a", "value": {"array_value": {}}}]},
            },
            "event_name": "checkout",
        },
    ]
    scopes = [{"scope": _SCOPE, "log_records": records}]
    return ExportLogsServiceRequest(resource_logs=[{"resource": _RESOURCE, "scope_logs": scopes}])


def samples() -> dict[str, bytes]:
    """Content by file name."""
    requests: dict[str, Message] = {"traces": traces(), "metrics": metrics(), "logs": logs()}
    found = {}
    for name, request in requests.items():
        found[f"{name}_simple.jsonl"] = json_line(request)
        found[f"{name}_simple.binpb"] = request.SerializeToString()
    line = found["traces_simple.jsonl"]
    broken = [b"not JSON\n", b'{"resourceSpans": [{"broken}\n', b'{"resourceSpans": 1}\n']
    found["malformed.jsonl"] = line + broken[0] + broken[1] + line + broken[2]
    return found


def main() -> None:
    """Write them."""
    FOLDER.mkdir(exist_ok=True)
    for name, content in samples().items():
        (FOLDER / name).write_bytes(content)


if __name__ == "__main__":
    main()
