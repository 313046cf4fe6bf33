"""Where in the order of a list each file begins that may hold spans of it.

Who looks into the files in this order knows after each of them which part of the list is decided:
all before the beginning of the next.
"""

from collections.abc import Sequence

import duckdb

from indexer.query.find.file_selection import list_conditions
from indexer.query.find.index_scan import span_conditions
from indexer.query.find.span_query import Position, SpanQuery
from indexer.system.duckdb_rows import Fetch, id_list

_BEFORE_ALL = "0" * 32, "0" * 16, -1
"""Trace, span and kind of a place before all spans of one start: no real id is zero."""
_LATEST = (1 << 63) - 1

_FILES = """
SELECT file_id, max(last_start_unix_nano) AS latest FROM file_services
WHERE {where} GROUP BY file_id
"""
_FROM_HERE = """
SELECT file_id, max({key}) AS latest FROM indexed_spans
WHERE {in_files} AND {where} GROUP BY file_id
"""
_PLACES = """
SELECT file_id, start_time_unix_nano, trace_id, span_id_uint64, span_kind, duration_ns
FROM indexed_spans WHERE file_id IN {ids} AND {where}
QUALIFY row_number() OVER (
    PARTITION BY file_id
    ORDER BY {order} start_time_unix_nano DESC, trace_id, span_id_uint64, span_kind) = 1
"""

FileBound = tuple[Position, int]
"""A place of the list, at or after which a file's first span of it is; and the file."""


def file_bounds(
    cursor: duckdb.DuckDBPyConnection, query: SpanQuery, fetch: Fetch
) -> list[FileBound]:
    """Every file that may hold spans of the list from its beginning, or its cursor, on; in order.

    A place that only says the start, or the duration, of a span is before all of these.
    """
    latest = {} if query.slowest else _listed(fetch, query)
    if query.slowest or query.after is not None:
        latest |= _from_here(cursor, query, latest)
    after = None if query.after is None else _key(query, query.after)
    tied = [file_id for file_id, key in latest.items() if key == after]
    places = _places(cursor, query, tied) if len(tied) > 1 else {}
    found = [(places.get(one) or _before_all(query, key), one) for one, key in latest.items()]
    return sorted(found, key=lambda bound: (*query.place(bound[0]), bound[1]))


def _listed(fetch: Fetch, query: SpanQuery) -> dict[int, int]:
    """The latest start of each file, by what the index knows of whole files."""
    where = " AND ".join(list_conditions(query)) or "true"
    found: dict[int, int] = dict(fetch(_FILES.format(where=where)))
    if query.until_unix_nano is None:
        return found
    return {file_id: min(start, query.until_unix_nano - 1) for file_id, start in found.items()}


def _from_here(
    cursor: duckdb.DuckDBPyConnection, query: SpanQuery, latest: dict[int, int]
) -> dict[int, int]:
    """The same of files that begin before the cursor, by their spans after it."""
    in_files = "true"
    if not query.slowest:
        assert query.after is not None  # noqa: S101 - the caller has looked
        begun = [one for one, key in latest.items() if key >= query.after.start_time_unix_nano]
        for one in begun:
            del latest[one]
        if not begun:
            return {}
        in_files = f"file_id IN {id_list(begun)}"
    key = "duration_ns" if query.slowest else "start_time_unix_nano"
    where = " AND ".join(span_conditions(query)) or "true"
    found = cursor.execute(_FROM_HERE.format(key=key, in_files=in_files, where=where)).fetchall()
    return dict(found)


def _places(
    cursor: duckdb.DuckDBPyConnection, query: SpanQuery, file_ids: Sequence[int]
) -> dict[int, Position]:
    """Of files that begin where the cursor is, exactly where."""
    sql = _PLACES.format(
        ids=id_list(file_ids),
        where=" AND ".join(span_conditions(query)) or "true",
        order="duration_ns DESC," if query.slowest else "",
    )
    return {
        file_id: Position(
            start_time_unix_nano=start,
            trace_id=trace_id,
            span_id=f"{span_id:016x}",
            span_kind=kind,
            duration_ns=duration if query.slowest else None,
        )
        for file_id, start, trace_id, span_id, kind, duration in cursor.execute(sql).fetchall()
    }


def _key(query: SpanQuery, at: Position) -> int | None:
    return at.duration_ns if query.slowest else at.start_time_unix_nano


def _before_all(query: SpanQuery, key: int) -> Position:
    trace_id, span_id, kind = _BEFORE_ALL
    return Position(
        start_time_unix_nano=_LATEST if query.slowest else key,
        trace_id=trace_id,
        span_id=span_id,
        span_kind=kind,
        duration_ns=key if query.slowest else None,
    )
