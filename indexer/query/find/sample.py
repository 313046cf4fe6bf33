"""Some spans of every operation that the newest files have, to look for attributes in.

Which attributes spans have depends on what they are of: a few spans of each operation show nearly
all of them, at the cost of a few files.
"""

import duckdb
import numpy as np

from indexer.deferred_dataclass import dataclass
from indexer.query.find.column_scan import Rows
from indexer.query.find.file_selection import overlapping
from indexer.query.find.index_row import COLUMNS, IndexRow, index_rows
from indexer.query.find.span_query import SpanQuery
from indexer.spans.columns import SpanColumns
from indexer.system.duckdb_rows import id_list, text_literal

FILES_MAX = 8
"""Indexed files of one sample: 5 ms each."""
OF_EACH = 8
"""Spans of one operation in them."""
SPANS_MAX = 2_000
"""Spans of one sample: half a second of reading."""

_FILES = """
SELECT file_id, count(*) OVER ()::BIGINT AS files FROM file_services WHERE {where}
GROUP BY file_id ORDER BY max(last_start_unix_nano) DESC, file_id LIMIT {files}
"""
_SPANS = f"""
SELECT {COLUMNS} FROM (
    SELECT *, row_number() OVER (
        PARTITION BY service_name, name, span_kind
        ORDER BY start_time_unix_nano DESC, trace_id, span_id_uint64
    ) AS place
    FROM indexed_spans WHERE file_id IN {{files}} AND {{where}}
)
WHERE place <= {{of_each}}
ORDER BY place, start_time_unix_nano DESC, trace_id, span_id_uint64, span_kind
LIMIT {SPANS_MAX}
"""
_MATCHING = "SELECT count(*) FROM indexed_spans WHERE file_id IN {files} AND {where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Rows of the index, and of how many they are some."""

    rows: list[IndexRow]
    files: int
    files_matching: int
    is_whole: bool
    """Whether the index has no other span of the question."""


def sample_index(cursor: duckdb.DuckDBPyConnection, query: SpanQuery) -> Sample:
    """Of each operation the newest spans of the newest files with spans of the query.

    Its service and its bounds count, and nothing else of it.
    """
    where = " AND ".join(overlapping(query)) or "true"
    found = cursor.execute(_FILES.format(where=where, files=FILES_MAX)).fetchall()
    if not found:
        return Sample(rows=[], files=0, files_matching=0, is_whole=True)
    files = id_list([file_id for file_id, _ in found])
    conditions = " AND ".join(span_bounds(query)) or "true"
    rows = index_rows(cursor, _SPANS.format(files=files, where=conditions, of_each=OF_EACH))
    asked = _MATCHING.format(files=files, where=conditions)
    ((matching,),) = cursor.execute(asked).fetchall()
    files_matching = found[0][1]
    return Sample(
        rows=rows,
        files=len(found),
        files_matching=files_matching,
        is_whole=files_matching == len(found) and matching == len(rows),
    )


def count_files(cursor: duckdb.DuckDBPyConnection, query: SpanQuery) -> int:
    """Indexed files that may have spans of the query, by its service and its bounds."""
    where = " AND ".join(overlapping(query)) or "true"
    sql = f"SELECT count(DISTINCT file_id) FROM file_services WHERE {where}"
    ((count,),) = cursor.execute(sql).fetchall()
    return int(count)


def sample_columns(columns: SpanColumns) -> Rows:
    """The same of spans that are held as columns: their positions."""
    names = max(1, len(columns.name.values))
    operation = columns.service.codes.astype(np.int64) * names + columns.name.codes
    operation = operation * 256 + columns.kind.view(np.uint8)
    order = np.lexsort((-columns.start, operation))
    ordered = operation[order]
    begins = np.ones(len(order), np.bool_)
    begins[1:] = ordered[1:] != ordered[:-1]
    first = np.flatnonzero(begins)
    place = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    some = np.flatnonzero(place < OF_EACH)
    chosen: Rows = order[some[np.argsort(place[some], kind="stable")]][:SPANS_MAX]
    return chosen


def span_bounds(query: SpanQuery) -> list[str]:
    """The service and the bounds of a query over ``indexed_spans``."""
    where = []
    if query.service is not None:
        where.append(f"service_name = {text_literal(query.service)}")
    if query.since_unix_nano is not None:
        where.append(f"start_time_unix_nano >= {query.since_unix_nano}")
    if query.until_unix_nano is not None:
        where.append(f"start_time_unix_nano < {query.until_unix_nano}")
    return where
