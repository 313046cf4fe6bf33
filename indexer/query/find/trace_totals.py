"""What whole traces are, whatever of them was searched for: of the index and of spans beside it."""

from collections.abc import Collection, Iterable
from dataclasses import field

import duckdb
import numpy as np
import pyarrow as pa

from indexer.catalog.trace_directory import TraceDirectory
from indexer.deferred_dataclass import dataclass
from indexer.query.find.already_indexed import REPLACED_SPANS, registered_replaced
from indexer.query.find.column_scan import in_traces
from indexer.spans.columns import STATUS_CODE_ERROR, SpanColumns
from indexer.spans.identifiers import parse_hex
from indexer.spans.identity import SpanKeys, trace_keys
from indexer.spans.schema import same_span
from indexer.system.duckdb_rows import id_list, text_literal

_TOTALS = f"""
SELECT trace_id, service_name, count(*)::BIGINT AS spans,
       count(*) FILTER (WHERE status_code = {STATUS_CODE_ERROR})::BIGINT AS errors,
       min(start_time_unix_nano) FILTER (WHERE start_time_unix_nano <> 0) AS first_start,
       max(start_time_unix_nano + duration_ns) FILTER (
           WHERE start_time_unix_nano <> 0 AND start_time_unix_nano + duration_ns <> 0
       ) AS last_end,
       min(ROW(start_time_unix_nano, span_id_uint64, span_kind, name)) FILTER (
           WHERE parent_span_id_uint64 IS NULL
       ) AS root
FROM indexed_spans AS held {{without}}
WHERE {{in_files}} AND trace_id IN ({{trace_ids}})
GROUP BY trace_id, service_name ORDER BY trace_id, service_name
"""
_HOLDING = "file_id IN (SELECT file_id FROM trace_files WHERE trace_id IN ({trace_ids}))"
_REPLACED = f"ANTI JOIN {REPLACED_SPANS} AS asked ON {same_span('held', 'asked')}"
_Root = tuple[int, int, int, str]
"""Start, span ID, kind and name, in this order of what is the root."""


@dataclass(slots=True)
class TraceTotals:
    """One trace while its spans are counted."""

    trace_id: str
    start_time_unix_nano: int | None = None
    """Of spans whose start is known."""
    end_time_unix_nano: int | None = None
    span_counts: dict[str, int] = field(default_factory=dict)
    """By service."""
    error_counts: dict[str, int] = field(default_factory=dict)
    root: tuple[_Root, str] | None = None
    """The earliest span without a parent, and its service."""

    def add(
        self,
        service: str,
        *,
        spans: int,
        errors: int,
        start: int | None,
        end: int | None,
        root: _Root | None,
    ) -> None:
        """Count spans of a service."""
        self.span_counts[service] = self.span_counts.get(service, 0) + spans
        self.error_counts[service] = self.error_counts.get(service, 0) + errors
        if start is not None:
            known = self.start_time_unix_nano
            self.start_time_unix_nano = start if known is None else min(known, start)
        if end is not None:
            known = self.end_time_unix_nano
            self.end_time_unix_nano = end if known is None else max(known, end)
        if root is not None and (self.root is None or root < self.root[0]):
            self.root = root, service


def count_traces(
    cursor: duckdb.DuckDBPyConnection,
    directory: TraceDirectory | None,
    trace_ids: Collection[str],
    unindexed: SpanColumns,
    replaced: SpanKeys,
) -> dict[str, TraceTotals]:
    """The traces by their ID, with all spans beside the index and without what they replace."""
    found = {one: TraceTotals(one) for one in trace_ids}
    if not found:
        return {}
    texts = ", ".join(map(text_literal, found))
    in_files = _HOLDING.format(trace_ids=texts)
    if directory is not None:
        in_files = f"file_id IN {id_list(_files(directory, found))}"
    without = _REPLACED if len(replaced) else ""
    sql = _TOTALS.format(in_files=in_files, trace_ids=texts, without=without)
    with registered_replaced(cursor, replaced):
        rows = cursor.execute(sql).fetchall()
    for trace_id, service, spans, errors, start, end, root in rows:
        found[trace_id].add(
            service,
            spans=spans,
            errors=errors,
            start=start,
            end=end,
            root=None if root is None else _root(root),
        )
    _add_unindexed(found, unindexed.take(in_traces(unindexed, set(found))))
    return found


def _add_unindexed(found: dict[str, TraceTotals], columns: SpanColumns) -> None:
    for one in columns.rows():
        start, end = one.start_time_unix_nano, one.start_time_unix_nano + one.duration_ns
        place = start, int(one.span_id, 16), one.span_kind, one.name
        found[one.trace_id].add(
            one.service_name,
            spans=1,
            errors=int(one.status_code == STATUS_CODE_ERROR),
            start=start or None,
            end=end if start and end else None,
            root=place if one.parent_span_id is None else None,
        )


def _root(said: object) -> _Root:
    """A row of DuckDB, which is a tuple or a dictionary by its version."""
    values = said.values() if isinstance(said, dict) else said
    assert isinstance(values, Iterable)  # noqa: S101 - the statement says so
    start, span_id, kind, name = values
    return start, span_id, kind, name


def _files(directory: TraceDirectory, trace_ids: Collection[str]) -> list[int]:
    (high, low), _ = parse_hex(pa.array(list(trace_ids), pa.string()), digits=32)
    _, held_by = directory.files(trace_keys(high, low))
    files: list[int] = np.unique(held_by).tolist()
    return files or [-1]
