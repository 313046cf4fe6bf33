"""How an answer joins the tiers: the index, recent files that it does not know yet, hot spans.

Hot is read first and cold after it, so that a span that is flushed in between is seen at least
once; what is seen twice is dropped here, cold wins. Hot spans pass through the same reading as
the rows of a file: an answer does not tell by its values which tier a span is from.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from indexer.errors import FileUnreadable, FileVanished, IndexerError
from indexer.hot.identity import SpanKeys
from indexer.model import ParquetFileInfo, SpanMetadata
from indexer.query.find.trace import trace_words
from indexer.read.dialect import Field, FieldType
from indexer.read.metadata import RawFile, batch, read_file
from indexer.read.payload import PAYLOAD_COLUMNS, read_payload, stored_values
from indexer.read.span_columns import span_columns
from indexer.read.span_payload import span_payload
from indexer.spans.columns import SpanColumns
from indexer.spans.identifiers import BoolArray
from indexer.spans.limits import SPAN_LIMITS
from indexer.system.duckdb_rows import id_list, text_literal
from indexer.system.storage import LocalStorage

RECENT_FILES_MAX = 64
"""Files that one answer reads because the index lags: 5 ms each at 20,000 spans."""
RECENT_ROWS_MAX = 1_000_000
"""Of one such file: a quarter of a second."""

_HOT_TYPES: dict[str, FieldType] = {
    "trace_id": "id",
    "span_id": "id",
    "parent_span_id": "id",
    "service_name": "text",
    "name": "text",
    "start_time": "timestamp",
    "end_time": "timestamp",
    "status_code": "status",
    "span_kind": "kind",
}
_HOT_FIELDS = tuple(
    Field(name=name, column=name, type=kind, optional=False) for name, kind in _HOT_TYPES.items()
)
"""The metadata columns of a hot table; a snapshot may lack the last two."""
_HOT_COLUMN = {name: "trace_flags" if name == "flags" else name for name in PAYLOAD_COLUMNS}
_NO_KEY = -1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_KNOWN_FILES = """
SELECT relative_path FROM parquet_files WHERE relative_path IN ({paths}) AND {given} = (
    SELECT count(*) FROM file_attributes
    WHERE file_attributes.file_id = parquet_files.file_id AND key_id IN {key_ids}
)
"""
_KNOWN_SPANS = """
SELECT DISTINCT asked.position FROM asked_spans AS asked
JOIN trace_files USING (trace_id)
JOIN indexed_spans AS held ON held.file_id = trace_files.file_id
  AND held.trace_id = asked.trace_id AND held.span_id_uint64 = asked.span_id_uint64
"""

Span = dict[str, Any]
Missing = dict[str, str]


def merged(
    cold: Sequence[Span], recent: Sequence[Span] = (), hot: Sequence[Span] = ()
) -> list[Span]:
    """Each (trace_id, span_id) once, in order of start and span id; the first that has it wins."""
    kept = first_of_each([*cold, *recent, *hot])
    return sorted(kept, key=lambda span: (span["start_time_unix_nano"], span["span_id"]))


def hot_spans(table: pa.Table, *, trace_id: str) -> list[Span]:
    """The hot spans of a trace as ``find_trace`` makes them, of no file."""
    high, low = trace_words(trace_id)
    text = f"{int(high[0]):016x}{int(low[0]):016x}"
    rows = table.filter(pc.equal(table["trace_id"], text))
    columns = hot_columns(rows)
    payload = hot_payload(rows, columns.row.tolist())
    return [
        {**metadata(span), "file_row_number": None, **values, "file_path": None}
        for span, values in zip(columns.rows(), payload, strict=True)
    ]


def hot_columns(table: pa.Table) -> SpanColumns:
    """A hot table read as the metadata columns of a file are: bounded, without doubles."""
    return span_columns(table, _HOT_FIELDS)


def services_merged(cold_rows: Sequence[dict[str, Any]], added: SpanColumns) -> list[Any]:
    """``list_services`` and what spans that are not in the index add to it, by name."""
    by_name = {row["service_name"]: dict(row) for row in cold_rows}
    for code in np.unique(added.service.codes):
        name, starts = added.service.values[code], added.start[added.service.codes == code]
        first, last = _time(int(starts.min())), _time(int(starts.max()))
        known = by_name.setdefault(
            name,
            {"service_name": name, "first_seen": first, "last_seen": last, "total_spans": 0},
        )
        known["first_seen"] = min(known["first_seen"], first)
        known["last_seen"] = max(known["last_seen"], last)
        known["total_spans"] += len(starts)
    return [by_name[name] for name in sorted(by_name, key=str.encode)]


def known_files(
    cursor: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    paths: Iterable[str],
    key_ids: Collection[int] = (),
) -> Callable[[str], bool]:
    """Which absolute paths the index has, by the transaction that the cold answer is from.

    With the numbers of promoted attributes: and has asked for these.

    Not by the writer's memory: a file that is registered after the transaction began is in
    neither the cold answer nor, were it called known, in the recent one.
    """
    relative = {path: storage.relative(path) for path in paths}
    asked = ", ".join(text_literal(one) for one in relative.values() if one is not None)
    sql = _KNOWN_FILES.format(
        paths=asked, given=len(key_ids), key_ids=id_list(key_ids or (_NO_KEY,))
    )
    held = {path for (path,) in cursor.execute(sql).fetchall()} if asked else set()
    return lambda path: relative.get(path) in held


def known_spans(cursor: duckdb.DuckDBPyConnection, keys: SpanKeys) -> BoolArray:
    """Which of the spans the index has."""
    known = np.zeros(len(keys), np.bool_)
    if len(keys):
        asked = keys.to_arrow().append_column("position", pa.array(np.arange(len(keys))))
        cursor.register("asked_spans", asked)
        try:
            positions = cursor.execute(_KNOWN_SPANS).fetchall()
        finally:
            cursor.unregister("asked_spans")
        known[[position for (position,) in positions]] = True
    return known


def recent_spans(
    storage: LocalStorage,
    paths: Sequence[str],
    trace_id: str,
    *,
    files_max: int = RECENT_FILES_MAX,
) -> tuple[list[Span], list[Missing]]:
    """The spans of a trace in files that the index does not know, and what is missing.

    ``paths`` are absolute, newest first. Of a span in several of them the smallest path counts.
    """
    high, low = trace_words(trace_id)
    files, missing = recent_files(storage, paths, files_max=files_max)
    found: list[Span] = []
    for raw, columns in files:
        chosen = columns.take((columns.trace_hi == high[0]) & (columns.trace_lo == low[0]))
        payload = [dict.fromkeys(PAYLOAD_COLUMNS) for _ in range(len(chosen))]
        try:
            payload = file_payload(storage, raw, chosen.row.tolist())
        except IndexerError as error:
            missing.append(missing_file(raw.info.path, error))
        found += [
            {**metadata(span), **values, "file_path": raw.info.path}
            for span, values in zip(chosen.rows(), payload, strict=True)
        ]
    found.sort(key=lambda span: (span["file_path"], span["file_row_number"]))
    return found, missing


def recent_files(
    storage: LocalStorage,
    paths: Sequence[str],
    *,
    files_max: int = RECENT_FILES_MAX,
) -> tuple[list[tuple[RawFile, SpanColumns]], list[Missing]]:
    """The metadata of files that the index does not know, and what is missing."""
    found: list[tuple[RawFile, SpanColumns]] = []
    missing: list[Missing] = []
    for path in paths[:files_max]:
        try:
            raw = read_file(storage, _located(storage, path), rows_max=RECENT_ROWS_MAX)
        except IndexerError as error:
            missing.append(missing_file(path, error))
        else:
            found.append((raw, batch([raw]).columns))
    if len(paths) > files_max:
        detail = f"{len(paths) - files_max} files that are not indexed yet are not read"
        missing.append({"error_type": "TooManyRecentFiles", "detail": detail})
    return found, missing


def _located(storage: LocalStorage, path: str) -> ParquetFileInfo:
    relative = storage.relative(path)
    if not relative:
        raise FileUnreadable("it is not below the storage root", path=path)
    entry = storage.stat(relative)
    if entry is None:
        raise FileVanished("the file is gone", path=path)
    if entry.is_folder or storage.is_protected(entry.info):
        raise FileUnreadable("not a data file", path=path)
    return entry.info


def file_payload(storage: LocalStorage, raw: RawFile, rows: list[int]) -> list[dict[str, Any]]:
    """The payload of rows of a recent file. Raises IndexerError."""
    if not rows:
        return []
    found = read_payload(storage, raw.info, raw.layout.dialect, rows)
    return [span_payload(values) for values in found]


def hot_payload(table: pa.Table, rows: list[int]) -> list[dict[str, Any]]:
    """The payload of rows of a hot table."""
    taken = table.take(pa.array(rows, pa.int64()))
    absent = [None] * len(rows)
    columns = {
        name: stored_values(taken[column], name, SPAN_LIMITS)
        if column in taken.column_names
        else absent
        for name, column in _HOT_COLUMN.items()
    }
    return [
        span_payload({name: values[at] for name, values in columns.items()})
        for at in range(len(rows))
    ]


def metadata(span: SpanMetadata) -> Span:
    """A span as ``find_trace`` makes it, without its payload."""
    return {
        "file_row_number": span.file_row_number,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "service_name": span.service_name,
        "name": span.name,
        "start_time_unix_nano": span.start_time_unix_nano,
        "end_time_unix_nano": span.end_time_unix_nano,
        "duration_ns": span.duration_ns,
        "status_code": span.status_code,
        "span_kind": span.span_kind,
    }


def first_of_each(spans: Iterable[Span]) -> list[Span]:
    """Each (trace_id, span_id) once: the first that has it."""
    kept: dict[tuple[str, str], Span] = {}
    for span in spans:
        kept.setdefault((span["trace_id"], span["span_id"]), span)
    return list(kept.values())


def missing_file(path: str, error: IndexerError) -> Missing:
    """What an answer lacks because of a file."""
    return {"file_path": path, "error_type": error.error_type, "detail": error.message}


def _time(unix_nano: int) -> datetime:
    return _EPOCH + timedelta(microseconds=unix_nano // 1_000)
