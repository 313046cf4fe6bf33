"""Find one trace: metadata from the index, payload from exactly the files that hold it."""

import json
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from indexer.errors import IndexerError, QueryRefused
from indexer.model import ParquetFileInfo
from indexer.read.dialect import Dialect, dialects
from indexer.read.payload import PAYLOAD_COLUMNS, read_payload
from indexer.register.trace_directory import TraceDirectory
from indexer.results import id_list, rows
from indexer.spans.columns import SpanColumns
from indexer.spans.identifiers import UInt64Array, parse_hex
from indexer.storage import LocalStorage

TRACE_SPANS_MAX = 200_000
"""Spans of one trace in an answer; a larger one is answered in part, and says so."""

_JSON_COLUMNS = ("attributes", "events", "links", "resource_attributes")

_FILES_OF_TRACE = "SELECT file_id FROM trace_files WHERE trace_id = $trace_id"

_SPANS_OF_TRACE = """
SELECT file_id, file_row_number, trace_id, span_id, parent_span_id, service_name, name,
       start_time_unix_nano, end_time_unix_nano, duration_ns, status_code, span_kind
FROM span_metadata
WHERE file_id IN {file_ids} AND trace_id = $trace_id
ORDER BY start_time_unix_nano, span_id
LIMIT $limit
"""

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
    spans, file_ids = _metadata(cursor, trace_id, directory)
    files = _files(cursor, file_ids)
    indexed = time.perf_counter()
    missing = _add_payload(cursor, storage, spans, files) if payload else []
    if len(spans) >= TRACE_SPANS_MAX:
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
) -> tuple[list[dict[str, Any]], list[int]]:
    high, low = trace_words(trace_id)
    if directory is not None:
        _, held_by = directory.files(SpanColumns.key_of_trace(high, low))
        candidates = sorted({int(file_id) for file_id in held_by})
    else:
        holders = cursor.execute(_FILES_OF_TRACE, {"trace_id": trace_id}).fetchall()
        candidates = sorted(file_id for (file_id,) in holders)
    if not candidates:
        return [], []
    spans = rows(
        cursor,
        _SPANS_OF_TRACE.format(file_ids=id_list(candidates)),
        {"trace_id": trace_id, "limit": TRACE_SPANS_MAX},
    )
    return spans, sorted({span["file_id"] for span in spans})


def _files(cursor: duckdb.DuckDBPyConnection, file_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    if not file_ids:
        return {}
    found = rows(cursor, _FILES.format(file_ids=id_list(file_ids)))
    return {file["file_id"]: file for file in found}


def _add_payload(
    cursor: duckdb.DuckDBPyConnection,
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
            _fill(cursor, storage, file, known[file["dialect"]], members)
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
    cursor: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    file: dict[str, Any],
    dialect: Dialect,
    spans: list[dict[str, Any]],
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
    payload = read_payload(cursor, storage, info, dialect, rows_wanted)
    for span, values in zip(spans, payload, strict=True):
        for column in _JSON_COLUMNS:
            values[column] = _parsed(values[column])
        span.update(values)


def _parsed(text: str | None) -> Any:
    """A JSON value, or the text as it stands when it is not JSON."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _one(text: str) -> Any:
    return pa.array([text], pa.string())
