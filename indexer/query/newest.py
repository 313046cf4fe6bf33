"""Find the newest spans of the index that match a list: which files to look into, and which rows.

Files are taken in order of the latest start that they hold of what is asked for. As soon as
enough spans are found, only files that can hold newer ones are left to look into, and only their
newer rows: a few files, however many there are.
"""

from collections.abc import Sequence
from typing import Any

import duckdb

from indexer.errors import QueryRefused
from indexer.query.deadline import Deadline
from indexer.query.paging import SpanQuery, order_key
from indexer.results import id_list, plain_rows, text_literal
from indexer.spans.attributes import LLM_FLAG

FILES_AT_FIRST = 16
"""Files looked into at first; four times as many each time that was not enough."""

FRESH_LLM_TRACES = "fresh_llm_traces"
"""A relation of the caller's: traces whose LLM call is in a span that is not indexed yet."""

_FILES = """
SELECT file_id, max(last_start_unix_nano) AS last_start FROM file_services {semi_join}
WHERE {where} GROUP BY file_id {having} ORDER BY last_start DESC, file_id {page}
"""

_SPANS = """
SELECT file_id, file_row_number, trace_id, span_id_uint64, parent_span_id_uint64, service_name,
       name, start_time_unix_nano, duration_ns, status_code, span_kind{value}
FROM indexed_spans {join}
WHERE file_id IN {file_ids} AND {where}
ORDER BY start_time_unix_nano DESC, trace_id, span_id_uint64
LIMIT {count}
"""

_LLM_TRACES = f"""trace_id IN (
    SELECT trace_id FROM trace_files WHERE attribute_flags >= {LLM_FLAG}
    UNION ALL SELECT trace_id FROM {FRESH_LLM_TRACES}
)"""


def newest_spans(
    cursor: duckdb.DuckDBPyConnection, query: SpanQuery, deadline: Deadline
) -> list[dict[str, Any]]:
    """The first ``query.count`` indexed spans of the list from its beginning, or its cursor, on.

    Each with the metadata of ``span_metadata`` and, where an attribute is asked for, its
    ``value``. A query for LLM traces needs the relation ``FRESH_LLM_TRACES``. Raises QueryRefused
    for an attribute that is not promoted.
    """
    key_id = None if query.attribute is None else key_number(cursor, query.attribute)
    conditions = _file_conditions(query, key_id)
    found: list[dict[str, Any]] = []
    looked, batch = 0, FILES_AT_FIRST
    while True:
        deadline.check()
        enough = len(found) == query.count
        floor = found[-1]["start_time_unix_nano"] if enough else None
        having = "" if floor is None else f"HAVING last_start >= {floor}"
        page = f"OFFSET {looked}" if enough else f"LIMIT {batch} OFFSET {looked}"
        files = cursor.execute(_FILES.format(**conditions, having=having, page=page)).fetchall()
        if not files:
            return found
        ids = id_list(file_id for file_id, _ in files)
        found = _first(found, _spans(cursor, query, key_id, ids, floor), query.count)
        if enough or len(files) < batch:
            return found
        looked, batch = looked + batch, batch * 4


def span_row(stored: dict[str, Any]) -> dict[str, Any]:
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


def key_number(cursor: duckdb.DuckDBPyConnection, key: str) -> int:
    """The catalog's number of a key. Raises QueryRefused when it is not promoted."""
    numbers = key_numbers(cursor)
    if key not in numbers:
        raise QueryRefused(
            f"{key} is not among the promoted attributes",
            hint=f"INDEXER_PROMOTED_ATTRIBUTES has {', '.join(numbers) or 'none'}; add it there.",
        )
    return numbers[key]


def key_numbers(cursor: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The promoted attributes and their numbers in this catalog, by name."""
    found = cursor.execute("SELECT key, key_id FROM promoted_attributes ORDER BY key").fetchall()
    return dict(found)


def _spans(
    cursor: duckdb.DuckDBPyConnection,
    query: SpanQuery,
    key_id: int | None,
    file_ids: str,
    floor: int | None,
) -> list[dict[str, Any]]:
    """``floor`` is the start below which no span is wanted any more."""
    where = _span_conditions(query)
    if floor is not None:
        where.append(f"start_time_unix_nano >= {floor}")
    join = ""
    if key_id is not None:
        join = "JOIN indexed_attributes USING (file_id, file_row_number)"
        where.append(f"key_id = {key_id}")
        if query.value is not None:
            where.append(f"value = {text_literal(query.value)}")
    sql = _SPANS.format(
        value="" if key_id is None else ", value",
        join=join,
        file_ids=file_ids,
        where=" AND ".join(where) or "true",
        count=query.count,
    )
    stored = plain_rows(cursor, sql)
    if key_id is None:
        return [span_row(one) for one in stored]
    return [{**span_row(one), "value": one["value"]} for one in stored]


def _file_conditions(query: SpanQuery, key_id: int | None) -> dict[str, str]:
    where = ["true"]
    if query.service is not None:
        where.append(f"service_name = {text_literal(query.service)}")
    if query.roots:
        where.append("root_span_count > 0")
    if query.since_unix_nano is not None:
        where.append(f"last_start_unix_nano >= {query.since_unix_nano}")
    if query.until_unix_nano is not None:
        where.append(f"first_start_unix_nano < {query.until_unix_nano}")
    if query.after is not None:
        where.append(f"first_start_unix_nano <= {query.after.start_time_unix_nano}")
    semi_join = ""
    if key_id is not None:
        having = f"FROM file_attributes WHERE key_id = {key_id} AND value_count > 0"
        semi_join = f"SEMI JOIN ({having}) USING (file_id)"
    return {"where": " AND ".join(where), "semi_join": semi_join}


def _span_conditions(query: SpanQuery) -> list[str]:
    where = []
    if query.service is not None:
        where.append(f"service_name = {text_literal(query.service)}")
    if query.roots:
        where.append("parent_span_id_uint64 IS NULL")
    if query.llm:
        where.append(_LLM_TRACES)
    if query.since_unix_nano is not None:
        where.append(f"start_time_unix_nano >= {query.since_unix_nano}")
    if query.until_unix_nano is not None:
        where.append(f"start_time_unix_nano < {query.until_unix_nano}")
    if query.after is not None:
        where += _after(query)
    return where


def _after(query: SpanQuery) -> list[str]:
    assert query.after is not None  # noqa: S101 - the caller has looked
    start, trace_id = query.after.start_time_unix_nano, text_literal(query.after.trace_id)
    span_id = int(query.after.span_id, 16)
    return [
        f"start_time_unix_nano <= {start}",
        f"(start_time_unix_nano < {start} OR (trace_id, span_id_uint64) > ({trace_id}, {span_id}))",
    ]


def _first(
    found: Sequence[dict[str, Any]], more: Sequence[dict[str, Any]], count: int
) -> list[dict[str, Any]]:
    return sorted([*found, *more], key=order_key)[:count]
