"""Encode the same spans with Datasette's exporter and with ours, in turns; spans a second as JSON.

Run by the Python of ``.venv-peers``, in a process of its own. Theirs is given its records, with
attributes as Python values; ours is given serialised requests, and decodes, sorts and encodes.

    python -m tests.benchmark.encoders ROUNDS
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.ingest.parquet import encode_spans
from indexer.otlp.spans import span_table
from tests.benchmark.export_bodies import SPANS, Bodies

REQUESTS = 20
"""10,240 spans: as many as that exporter puts into a file."""
KINDS = ("INTERNAL", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
"""OpenTelemetry's SDK has no unspecified kind."""
STATUSES = ("UNSET", "OK", "ERROR")


def main(rounds: int) -> None:
    """Print both sides' spans a second, a number a round."""
    from datasette_otel_file_exporter.exporter import encode_parquet  # type: ignore[import-not-found]  # noqa: PLC0415 - of the peers

    made = Bodies(7)
    bodies = [made.body(number, time.time_ns()) for number in range(REQUESTS)]
    found = [one for body in bodies for one in records(body)]
    assert len(found) == REQUESTS * SPANS
    rates: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(rounds + 1):
        rates["theirs"].append(_rate(lambda: encode_parquet(found)))
        rates["ours"].append(_rate(lambda: encode_spans([span_table(bodies)])))
    print(json.dumps({side: values[1:] for side, values in rates.items()}))  # the first one warms


def records(body: bytes) -> list[dict[str, Any]]:
    """What that exporter makes of the spans of an SDK, made of a request instead."""
    request = ExportTraceServiceRequest.FromString(body)
    return [
        _record(span, attribute_values(group.resource.attributes), scope.scope.name)
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _record(span: Span, resource: dict[str, Any], scope_name: str) -> dict[str, Any]:
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex() or None,
        "name": span.name,
        "kind": KINDS[span.kind],
        "start_time_unix_nano": span.start_time_unix_nano,
        "end_time_unix_nano": span.end_time_unix_nano,
        "duration_ns": span.end_time_unix_nano - span.start_time_unix_nano,
        "status_code": STATUSES[span.status.code],
        "status_message": span.status.message or None,
        "service_name": resource.get("service.name", ""),
        "scope_name": scope_name,
        "attributes": attribute_values(span.attributes),
        "resource": resource,
        "events": [],
        "links": [],
    }


def attribute_values(pairs: "list[KeyValue] | Any") -> dict[str, Any]:
    """Attributes as a dictionary of Python values."""
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(_value(one) for one in value.array_value.values)
    if kind == "bytes_value":
        return value.bytes_value.hex()
    return getattr(value, kind or "string_value")


def _rate(encode: Callable[[], object]) -> float:
    started = time.perf_counter()
    encode()
    return REQUESTS * SPANS / (time.perf_counter() - started)


if __name__ == "__main__":
    main(int(sys.argv[1]))
