"""Export requests from one-line descriptions, and what a log or its files hold of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from indexer.ingest.wal import Wal
from indexer.otlp.spans import span_table
from tests.support.span_files import T0

UNDECODABLE = b"\xff\xff\xff not protobuf"


def body(number: int, spans: int = 1, *, service: str = "shop") -> bytes:
    """A request whose spans all carry its number: in their trace id, in order in their span id."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    if service:
        value = AnyValue(string_value=service)
        group.resource.attributes.append(KeyValue(key="service.name", value=value))
    scope = group.scope_spans.add()
    for ordinal in range(spans):
        scope.spans.add(
            trace_id=(number + 1).to_bytes(16, "big"),
            span_id=(ordinal + 1).to_bytes(8, "big"),
            name=f"span {ordinal}",
            start_time_unix_nano=T0 + number * 1000 + ordinal,
            end_time_unix_nano=T0 + number * 1000 + ordinal + 500,
        )
    return request.SerializeToString()


def append(wal: Wal, *bodies: bytes, span_count: int = 1) -> list[bytes]:
    """Keys of acknowledged requests."""
    return [wal.append(one, span_count).result(100) for one in bodies]


def pending(wal: Wal) -> list[tuple[bytes, bytes]]:
    """(key, body) of all that is in the log."""
    return [(one.key, one.body) for one in wal.read_after(b"", rows_max=10**6, bytes_max=2**40)]


def files_below(root: Path) -> list[Path]:
    """Every file, finished or not."""
    return sorted(path for path in root.rglob("*") if path.is_file())


def numbers_in(path: Path) -> list[int]:
    """Of the requests whose spans a file has, once a span."""
    ids = pq.read_table(path, columns=["trace_id"])["trace_id"].to_pylist()
    return [int(one, 16) - 1 for one in ids]


def deadly(bodies: Iterable[bytes]) -> pa.Table:
    """A decoder that kills its process the first time, and leaves a mark that it did."""
    found = list(bodies)
    mark = Path(os.environ["SPAN_TEST_MARK"])
    if not mark.exists():
        mark.touch()
        os._exit(9)
    return span_table(found)


POISON = "poison"
"""The service of a request that kills the process which decodes it."""


def poisoned(bodies: Iterable[bytes]) -> pa.Table:
    """A decoder that dies of such a request, as of a native crash."""
    found = list(bodies)
    if any(POISON.encode() in one for one in found):
        os._exit(9)
    return span_table(found)


def fragile(bodies: Iterable[bytes]) -> pa.Table:
    """A decoder that dies of three requests at once, as for memory."""
    found = list(bodies)
    if len(found) > 2:
        os._exit(9)
    return span_table(found)
