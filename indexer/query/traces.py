"""Find one trace: metadata from the index, payload from exactly the files that hold it."""

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from indexer.errors import IndexerError, QueryRefused
from indexer.model import ParquetFileInfo
from indexer.read.dialect import Dialect, dialects
from indexer.read.normalise import canonical
from indexer.read.payload import PAYLOAD_COLUMNS, read_payload
from indexer.register.trace_directory import TraceDirectory
from indexer.results import id_list, plain_rows, text_literal
from indexer.spans.columns import SpanColumns
from indexer.spans.identifiers import UInt64Array, parse_hex
from indexer.storage import LocalStorage

TRACE_SPANS_MAX = 200_000
"""Spans of one trace in an answer; a larger one is answered in part, and says so."""

_FILES_OF_TRACE = "SELECT file_id FROM trace_files WHERE trace_id = {trace_id}"

_SPANS_OF_TRACE = """
SELECT file_id, file_row_number, trace_id, span_id_uint64, parent_span_id_uint64, service_name,
       name, start_time_unix_nano, duration_ns, status_code, span_kind
FROM indexed_spans
WHERE file_id IN {file_ids} AND trace_id = {trace_id}
{rest}
"""
_FIRST = "ORDER BY start_time_unix_nano, span_id_uint64 LIMIT {limit}"

_FILES = """
SELECT file_id, file_path, relative_path, size_bytes, modified_unix_nano, device, inode, dialect
FROM parquet_files WHERE file_id IN {file_ids}
"""


def find_trace(
    cursor: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    trace_id: str,
    *,
    directory: TraceDirectory | None = None,
    payload: bool = True,
) -> dict[str, Any]:
    """The spans of a trace in order of start, with what the answer rests on.

    ``directory`` is the writer's; without it ``trace_files`` is asked. An unknown trace has no
    spans. Raises QueryRefused for text that is no trace id.
    """
    started = time.perf_counter()
    trace_id = trace_id.strip().lower()
    found = _metadata(cursor, trace_id, directory)
    spans = found[:TRACE_SPANS_MAX]
    files = _files(cursor, sorted({span["file_id"] for span in spans}))
    indexed = time.perf_counter()
    missing = _add_payload(storage, spans, files) if payload else []
    if len(found) > len(spans):
        missing.append({"error_type": "TraceTooLarge", "detail": f"first {TRACE_SPANS_MAX} spans"})
    for span in spans:
        span["file_path"] = files[span.pop("file_id")]["file_path"]
    return {
        "trace_id": trace_id,
        "spans": spans,
        "complete": not missing,
        "missing": missing,
        "cost": {
            "files_read": len(files) if payload else 0,
            "index_ms": round((indexed - started) * 1e3, 3),
            "payload_ms": round((time.perf_counter() - indexed) * 1e3, 3),
        },
    }


def trace_words(trace_id: str) -> tuple[UInt64Array, UInt64Array]:
    """The two words of a trace id. Raises QueryRefused for text that is none."""
    (high, low), valid = parse_hex(_one(trace_id.strip()), digits=32)
    if not valid[0]:
        raise QueryRefused(
            f"{trace_id!r} is no trace id", hint="A trace id has 32 hex digits, not all zero."
        )
    return high, low


def _metadata(
    cursor: duckdb.DuckDBPyConnection, trace_id: str, directory: TraceDirectory | None
) -> list[dict[str, Any]]:
    high, low = trace_words(trace_id)
    literal = text_literal(trace_id)
    if directory is not None:
        _, held_by = directory.files(SpanColumns.key_of_trace(high, low))
        candidates = sorted({int(file_id) for file_id in held_by})
    else:
        holders = cursor.execute(_FILES_OF_TRACE.format(trace_id=literal)).fetchall()
        candidates = sorted(file_id for (file_id,) in holders)
    return _spans(cursor, id_list(candidates), literal) if candidates else []


def _spans(cursor: duckdb.DuckDBPyConnection, file_ids: str, literal: str) -> list[dict[str, Any]]:
    """In order of start, and one more than an answer may have where there are more.

    Sorted here: for a usual trace sorting is half of DuckDB's time (measured).
    """

    def asked(rest: str) -> list[dict[str, Any]]:
        return plain_rows(
            cursor, _SPANS_OF_TRACE.format(file_ids=file_ids, trace_id=literal, rest=rest)
        )

    limit = TRACE_SPANS_MAX + 1
    found = asked(f"LIMIT {limit}")
    if len(found) == limit:
        found = asked(_FIRST.format(limit=limit))
    found.sort(key=lambda span: (span["start_time_unix_nano"], span["span_id_uint64"]))
    return [_canonical(span) for span in found]


def _canonical(stored: dict[str, Any]) -> dict[str, Any]:
    """A row of ``indexed_spans`` with the columns of ``span_metadata``."""
    parent, start = stored["parent_span_id_uint64"], stored["start_time_unix_nano"]
    return {
        "file_id": stored["file_id"],
        "file_row_number": stored["file_row_number"],
        "trace_id": stored["trace_id"],
        "span_id": f"{stored['span_id_uint64']:016x}",
        "parent_span_id": None if parent is None else f"{parent:016x}",
        "service_name": stored["service_name"],
        "name": stored["name"],
        "start_time_unix_nano": start,
        "end_time_unix_nano": start + stored["duration_ns"],
        "duration_ns": stored["duration_ns"],
        "status_code": stored["status_code"],
        "span_kind": stored["span_kind"],
    }


def _files(cursor: duckdb.DuckDBPyConnection, file_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    if not file_ids:
        return {}
    found = plain_rows(cursor, _FILES.format(file_ids=id_list(file_ids)))
    return {file["file_id"]: file for file in found}


def _add_payload(
    storage: LocalStorage,
    spans: list[dict[str, Any]],
    files: dict[int, dict[str, Any]],
) -> list[dict[str, str]]:
    """Put each span's payload beside its metadata; what could not be read, file by file."""
    known = {dialect.name: dialect for dialect in dialects()}
    by_file: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for span in spans:
        by_file[span["file_id"]].append(span)
    missing = []
    for file_id, members in by_file.items():
        file = files[file_id]
        try:
            _fill(storage, file, known[file["dialect"]], members)
        except IndexerError as error:
            for span in members:
                span.update(dict.fromkeys(PAYLOAD_COLUMNS))
            missing.append(
                {
                    "file_path": file["file_path"],
                    "error_type": error.error_type,
                    "detail": error.message,
                }
            )
    return missing


def _fill(
    storage: LocalStorage, file: dict[str, Any], dialect: Dialect, spans: list[dict[str, Any]]
) -> None:
    info = ParquetFileInfo(
        path=storage.absolute(file["relative_path"]),
        relative_path=file["relative_path"],
        size_bytes=file["size_bytes"],
        modified_unix_nano=file["modified_unix_nano"],
        device=file["device"],
        inode=file["inode"],
    )
    rows_wanted = [span["file_row_number"] for span in spans]
    payload = read_payload(storage, info, dialect, rows_wanted)
    for span, values in zip(spans, payload, strict=True):
        span.update({name: canonical(name, value) for name, value in values.items()})


def _one(text: str) -> Any:
    return pa.array([text], pa.string())
