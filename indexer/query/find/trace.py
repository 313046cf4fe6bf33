"""Find one trace: metadata from the index, payload from exactly the files that hold it."""

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from indexer.catalog.trace_directory import TraceDirectory
from indexer.errors import InvalidId
from indexer.query.deadline import Deadline
from indexer.query.find.index_scan import span_row
from indexer.query.partial_spans import partial_spans
from indexer.query.payload import Cost, add_payload, files_of, within_budget
from indexer.query.span_cache import EncodedSpanCache
from indexer.spans.columns import SpanColumns
from indexer.spans.id_spellings import parse_span_id, parse_trace_id
from indexer.spans.identifiers import UInt64Array
from indexer.system.duckdb_rows import id_list, plain_rows, text_literal
from indexer.system.storage import LocalStorage

TRACE_SPANS_MAX = 200_000
"""Spans of one trace in an answer; a larger one is answered in part, and says so."""

_FILES_OF_TRACE = "SELECT file_id FROM trace_files WHERE trace_id = {trace_id}"

_SPANS_OF_TRACE = """
SELECT file_id, file_row_number, trace_id, span_id_uint64, parent_span_id_uint64, service_name,
       name, start_time_unix_nano, duration_ns, status_code, span_kind
FROM indexed_spans
WHERE file_id IN {file_ids} AND {where}
{rest}
"""
_FIRST = "ORDER BY start_time_unix_nano, span_id_uint64 LIMIT {limit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceQuery:
    """A trace, one span of it, or those of its spans that start in [since, until)."""

    trace_id: str
    span_id: str | None = None
    since_unix_nano: int | None = None
    until_unix_nano: int | None = None

    @classmethod
    def of(cls, trace_id: str, span_id: str | None = None, **bounds: int | None) -> "TraceQuery":
        """IDs in any spelling that is taken. Raises InvalidId for text that is none."""
        span = None if span_id is None else f"{span_word(span_id):016x}"
        return cls(trace_id=trace_text(trace_id), span_id=span, **bounds)

    def matches(self, span: dict[str, Any]) -> bool:
        """Whether a span of the trace is one of those."""
        start, since, until = (
            span["start_time_unix_nano"],
            self.since_unix_nano,
            self.until_unix_nano,
        )
        return (
            self.span_id in {None, span["span_id"]}
            and (since is None or start >= since)
            and (until is None or start < until)
        )

    @property
    def condition(self) -> str:
        """The same as SQL over ``indexed_spans``."""
        where = [f"trace_id = {text_literal(self.trace_id)}"]
        if self.span_id is not None:
            where.append(f"span_id_uint64 = {int(self.span_id, 16)}")
        if self.since_unix_nano is not None:
            where.append(f"start_time_unix_nano >= {self.since_unix_nano}")
        if self.until_unix_nano is not None:
            where.append(f"start_time_unix_nano < {self.until_unix_nano}")
        return " AND ".join(where)


def find_trace(
    cursor: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    asked: TraceQuery,
    *,
    directory: TraceDirectory | None = None,
    deadline: Deadline | None = None,
    form: EncodedSpanCache | None = None,
    cost: Cost | None = None,
) -> dict[str, Any]:
    """The spans of a trace in order of start, with what the answer rests on.

    ``directory`` is the writer's; without it ``trace_files`` is asked. An unknown trace has no
    spans. With a ``form`` each span has its ``shown``. Raises QueryTooLarge when its spans lie in
    too many files.
    """
    cost = cost or Cost()
    deadline = deadline or Deadline()
    found = _metadata(cursor, asked, directory)
    spans = found[:TRACE_SPANS_MAX]
    files = files_of(cursor, spans)
    to_read = spans if form is None else form.known(spans, files)
    within_budget(to_read, files_max=cost.limits.files)
    cost.indexed()
    with cost.reading():
        missing = add_payload(storage, to_read, files, cost, deadline)
    if form is not None:
        form.read(to_read, files, {one["file_path"] for one in missing})
    if len(found) > len(spans):
        missing.append({"error_type": "TraceTooLarge", "detail": f"first {TRACE_SPANS_MAX} spans"})
    for span in spans:
        span["file_path"] = files[span.pop("file_id")]["file_path"]
    missing += partial_spans(spans)
    return {
        "trace_id": asked.trace_id,
        "spans": spans,
        "complete": not missing,
        "missing": missing,
        "cost": cost.to_dict(),
    }


def trace_text(trace_id: str) -> str:
    """A trace ID as the index has it. Raises InvalidId for text that is none."""
    found = parse_trace_id(trace_id)
    if found is None:
        raise InvalidId(
            f"invalid trace ID {trace_id!r}",
            hint="Expected 32 hex digits, or up to 16 of a 64-bit ID; not all zero.",
        )
    return found


def trace_words(trace_id: str) -> tuple[UInt64Array, UInt64Array]:
    """The two words of a trace ID. Raises InvalidId for text that is none."""
    text = trace_text(trace_id)
    return np.array([int(text[:16], 16)], np.uint64), np.array([int(text[16:], 16)], np.uint64)


def span_word(span_id: str) -> int:
    """The word of a span ID. Raises InvalidId for text that is none."""
    found = parse_span_id(span_id)
    if found is None:
        raise InvalidId(
            f"invalid span ID {span_id!r}", hint="Expected 16 hex digits, not all zero."
        )
    return int(found, 16)


def _metadata(
    cursor: duckdb.DuckDBPyConnection, asked: TraceQuery, directory: TraceDirectory | None
) -> list[dict[str, Any]]:
    if directory is not None:
        _, held_by = directory.files(SpanColumns.key_of_trace(*trace_words(asked.trace_id)))
        candidates = sorted({int(file_id) for file_id in held_by})
    else:
        literal = text_literal(asked.trace_id)
        holders = cursor.execute(_FILES_OF_TRACE.format(trace_id=literal)).fetchall()
        candidates = sorted(file_id for (file_id,) in holders)
    return _spans(cursor, id_list(candidates), asked.condition) if candidates else []


def _spans(
    cursor: duckdb.DuckDBPyConnection, file_ids: str, condition: str
) -> list[dict[str, Any]]:
    """In order of start, and one more than an answer may have where there are more.

    Sorted here: for a usual trace sorting is half of DuckDB's time (measured).
    """

    def rows_where(rest: str) -> list[dict[str, Any]]:
        return plain_rows(
            cursor, _SPANS_OF_TRACE.format(file_ids=file_ids, where=condition, rest=rest)
        )

    limit = TRACE_SPANS_MAX + 1
    found = rows_where(f"LIMIT {limit}")
    if len(found) == limit:
        found = rows_where(_FIRST.format(limit=limit))
    found.sort(key=lambda span: (span["start_time_unix_nano"], span["span_id_uint64"]))
    return [span_row(span) for span in found]
