"""Which spans of the index are of a trace: the rows, of exactly the files that have some."""

from collections.abc import Callable
from operator import attrgetter

import duckdb

from indexer.catalog.trace_directory import TraceDirectory
from indexer.query.find.index_row import COLUMNS, IndexRow, index_rows
from indexer.query.find.trace_query import TraceQuery
from indexer.query.find.trace_rows import TraceRows
from indexer.spans.identity import trace_key
from indexer.system.duckdb_rows import id_list, text_literal

_FILES_OF_TRACE = "SELECT file_id FROM trace_files WHERE trace_id = {trace_id}"

_SPANS_OF_TRACE = f"""
SELECT {COLUMNS}
FROM indexed_spans
WHERE file_id IN {{file_ids}} AND {{where}}
{{rest}}
"""
_FIRST = "ORDER BY start_time_unix_nano, span_id_uint64, span_kind LIMIT {limit}"


def indexed_trace(
    cursor: duckdb.DuckDBPyConnection,
    query: TraceQuery,
    directory: TraceDirectory | None = None,
    *,
    limit: int,
    rows_of: Callable[[int], TraceRows | None] = lambda _: None,
    will_make: Callable[[int], None] = lambda _: None,
) -> list[IndexRow]:
    """The first rows of the trace in order of start, one more than ``limit`` at most.

    ``directory`` is the writer's; without it ``trace_files`` is asked. ``rows_of`` has the rows of
    some files in memory; a trace that is in no other file needs no statement, and ``will_make``
    is told how many rows are made before they are.
    """
    if directory is not None:
        candidates = sorted(directory.files_of(trace_key(*query.words)))
    else:
        literal = text_literal(query.trace_id)
        holders = cursor.execute(_FILES_OF_TRACE.format(trace_id=literal)).fetchall()
        candidates = sorted(file_id for (file_id,) in holders)
    if not candidates:
        return []
    kept = [one for file_id in candidates if (one := rows_of(file_id)) is not None]
    if len(kept) < len(candidates):
        return _rows(cursor, id_list(candidates), query.condition, limit + 1)
    parts = [one.part(query) for one in kept]
    will_make(sum(part.stop - part.start for part in parts))
    found = [row for one, part in zip(kept, parts, strict=True) for row in one.rows(query, part)]
    found.sort(key=_order)
    return found[: limit + 1]


def _rows(
    cursor: duckdb.DuckDBPyConnection, file_ids: str, condition: str, limit: int
) -> list[IndexRow]:
    """Sorted here: for a usual trace sorting is half of DuckDB's time (measured)."""

    def rows_where(rest: str) -> list[IndexRow]:
        sql = _SPANS_OF_TRACE.format(file_ids=file_ids, where=condition, rest=rest)
        return index_rows(cursor, sql)

    found = rows_where(f"LIMIT {limit}")
    if len(found) == limit:
        found = rows_where(_FIRST.format(limit=limit))
    found.sort(key=_order)
    return found


_order = attrgetter("start_time_unix_nano", "span_id", "span_kind")
