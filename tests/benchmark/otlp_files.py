"""Spans of OTLP files: ``read_otlp_traces`` beside the plain loops that anybody would write.

All sides make every column of every span on one core, in turns, from the same file, and processor
time is compared. The file is JSON lines or length-prefixed protobuf, a request of 512 spans each.

    python -m tests.benchmark.otlp_files FILE

reads one file and says how many spans it has: the peak of its memory is that of the reader.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.otlp import install
from tests.benchmark.encoders import attribute_values
from tests.benchmark.export_bodies import SPANS, Bodies
from tests.benchmark.plan import Plan, scratch
from tests.benchmark.processes import run
from tests.benchmark.report import Line
from tests.support.otlp_json import json_line

AT_LEAST = 1.5
"""Of the rate of the loop."""
MEMORY_MAX_MIB = 300
_TURNS_WITHOUT_BOUND = 2
"""The first is not counted. DuckDB's own JSON takes longer than all the others together."""
_MIB = 1 << 20
_ITSELF = ("-m", "tests.benchmark.otlp_files")
_START = 1_700_000_000_000_000_000
_READ = "SELECT count(name), count(span_attributes), count(trace_id) FROM read_otlp_traces(?)"
_READ_JSON = """
SELECT count(span->>'name'), count(attributes), count(span->>'traceId') FROM (
    SELECT span, (SELECT json_group_object(pair->>'key', pair->'value') FROM (
        SELECT unnest((span->'attributes')::JSON[]) AS pair)) AS attributes,
        to_json(resource) AS resource
    FROM (
        SELECT resource, unnest((scope->'spans')::JSON[]) AS span FROM (
            SELECT one->'resource' AS resource, unnest((one->'scopeSpans')::JSON[]) AS scope FROM (
                SELECT unnest("resourceSpans"::JSON[]) AS one FROM read_json(
                    ?, format = 'newline_delimited', columns = {"resourceSpans": 'JSON'},
                    maximum_object_size = 100000000)))))
"""


def measure(plan: Plan) -> list[Line]:
    """The rates of both formats, and the memory of a large file of each."""
    with scratch("otlp") as folder:
        files = _files(folder, plan.otlp_requests)
        return [
            *_of_format("protobuf", files["protobuf"], plan, {"a plain loop": _protobuf_loop}),
            *_of_format(
                "JSON",
                files["json"],
                plan,
                {"json.loads and a plain loop": _json_loop, "DuckDB's read_json": _read_json},
            ),
            *_memory(folder, plan.otlp_bytes),
        ]


def _files(folder: Path, requests: int) -> dict[str, Path]:
    made = Bodies(7)
    found = {"json": folder / "spans.jsonl", "protobuf": folder / "spans.binpb"}
    with found["json"].open("wb") as lines, found["protobuf"].open("wb") as frames:
        for number in range(requests):
            body = made.body(number, _START + number)
            lines.write(json_line(ExportTraceServiceRequest.FromString(body)))
            frames.write(len(body).to_bytes(4, "big") + body)
    return found


def _of_format(
    name: str, path: Path, plan: Plan, others: dict[str, Callable[[Path], None]]
) -> list[Line]:
    spans = plan.otlp_requests * SPANS
    sides = {"ours": _ours, **others}
    rates: dict[str, list[float]] = {side: [] for side in sides}
    for turn in range(plan.rounds + 1):
        for side, read in sides.items():
            if turn >= _TURNS_WITHOUT_BOUND and not _has_bound(side):
                continue
            started = time.process_time()
            read(path)
            rates[side].append(spans / (time.process_time() - started))
    middle = {side: statistics.median(values[1:]) for side, values in rates.items()}
    return [
        Line(
            name=f"read_otlp_traces from {name}, one core",
            measured=middle["ours"],
            unit="spans/s",
            compared=middle[side],
            compared_with=side,
            ratio=middle["ours"] / middle[side],
            at_least=AT_LEAST if _has_bound(side) else None,
            details={"spans": spans, "bytes": path.stat().st_size},
        )
        for side in others
    ]


def _has_bound(side: str) -> bool:
    return side == "ours" or "loop" in side


def _memory(folder: Path, size: int) -> list[Line]:
    """Of both at once: how long they take is another measurement."""
    files = _files(folder, 64)
    for path in files.values():
        content = path.read_bytes()
        with path.open("wb") as large:
            for _ in range(-(-size // len(content))):
                large.write(content)
    with ThreadPoolExecutor(len(files)) as pool:
        found = pool.map(lambda path: run([*_ITSELF, str(path)]), files.values())
        return [
            Line(
                name=f"peak memory, reading {path.stat().st_size / _MIB:.0f} MiB of {name}",
                measured=done.peak_bytes / _MIB,
                unit="MiB",
                at_most=MEMORY_MAX_MIB,
                details={"seconds": round(done.seconds, 2), **done.answer},
            )
            for (name, path), done in zip(files.items(), found, strict=True)
        ]


def _ours(path: Path) -> None:
    _asked(path, _READ)


def _read_json(path: Path) -> None:
    _asked(path, _READ_JSON)


def _asked(path: Path, sql: str) -> Any:
    with duckdb.connect(config={"threads": 1}) as connection:
        install(connection)
        return connection.execute(sql, [str(path)]).fetchone()


def _protobuf_loop(path: Path) -> None:
    content, at, rows = path.read_bytes(), 0, 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        request = ExportTraceServiceRequest.FromString(content[at + 4 : at + 4 + size])
        at += 4 + size
        for group in request.resource_spans:
            resource = json.dumps(attribute_values(group.resource.attributes))
            for scope in group.scope_spans:
                rows += len([_row(span, resource, scope.scope) for span in scope.spans])


def _row(span: Any, resource: str, scope: Any) -> tuple[Any, ...]:
    return (
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex() or None,
        span.trace_state,
        span.name,
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.end_time_unix_nano - span.start_time_unix_nano,
        span.status.code,
        span.status.message,
        resource,
        scope.name,
        scope.version,
        json.dumps(attribute_values(span.attributes)),
        json.dumps([event.name for event in span.events]),
        json.dumps([link.span_id.hex() for link in span.links]),
        span.dropped_attributes_count,
        span.flags,
    )


def _json_loop(path: Path) -> None:
    with path.open("rb") as lines:
        for line in lines:
            for group in json.loads(line)["resourceSpans"]:
                resource = json.dumps(_json_values(group["resource"]))
                for scope in group["scopeSpans"]:
                    for span in scope["spans"]:
                        _json_row(span, resource, scope["scope"])


def _json_row(span: dict[str, Any], resource: str, scope: dict[str, Any]) -> tuple[Any, ...]:
    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    return (
        span["traceId"],
        span["spanId"],
        span.get("parentSpanId"),
        span.get("traceState"),
        span["name"],
        span.get("kind"),
        start,
        end,
        end - start,
        span.get("status", {}).get("code"),
        span.get("status", {}).get("message"),
        resource,
        scope.get("name"),
        scope.get("version"),
        json.dumps(_json_values(span)),
        json.dumps(span.get("events", [])),
        json.dumps(span.get("links", [])),
        span.get("droppedAttributesCount"),
        span.get("flags"),
    )


def _json_values(owner: dict[str, Any]) -> dict[str, Any]:
    return {pair["key"]: _json_value(pair["value"]) for pair in owner.get("attributes", ())}


def _json_value(value: dict[str, Any]) -> Any:
    ((kind, found),) = value.items()
    if kind == "intValue":
        return int(found)
    return [_json_value(one) for one in found["values"]] if kind == "arrayValue" else found


if __name__ == "__main__":
    print(json.dumps({"spans": _asked(Path(sys.argv[1]), _READ)[0]}))
