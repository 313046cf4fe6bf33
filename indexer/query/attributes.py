"""Spans by a promoted attribute: the newest first, from the index alone.

A file that has not given its attributes yet, or cannot, may hold newer ones: the answer names
how many such files there are, and is not complete.
"""

from collections.abc import Sequence
from typing import Any

import duckdb

from indexer.errors import QueryRefused
from indexer.results import id_list, rows, text_literal

FILES_AT_FIRST = 16
"""Files looked into at first; four times as many each time that was not enough."""

_NUMBER = "SELECT key, key_id FROM promoted_attributes ORDER BY key"

_FILES_WITH = """
SELECT file_id, max(last_start_unix_nano) AS last_start
FROM file_services
SEMI JOIN (FROM file_attributes WHERE key_id = {key_id} AND value_count > 0) USING (file_id)
WHERE {of_service}
GROUP BY file_id
ORDER BY last_start DESC, file_id
LIMIT {files}
"""

_SPANS_WITH = """
SELECT trace_id, span_id, parent_span_id, service_name, name, start_time_unix_nano, duration_ns,
       status_code, span_kind, value
FROM span_metadata JOIN indexed_attributes USING (file_id, file_row_number)
WHERE file_id IN {file_ids} AND key_id = {key_id} AND {of_service} AND {of_value}
ORDER BY start_time_unix_nano DESC, trace_id, span_id
LIMIT {limit}
"""

_SILENT = """
SELECT count(*) FILTER (WHERE state.file_id IS NULL)::BIGINT AS waiting,
       count(*) FILTER (WHERE state.error_type IS NOT NULL)::BIGINT AS unreadable
FROM (SELECT DISTINCT file_id FROM file_services WHERE {of_service}) AS files
LEFT JOIN (FROM file_attributes WHERE key_id = {key_id}) AS state USING (file_id)
"""

_BEHIND = """
SELECT count(DISTINCT file_id)
FROM parquet_files CROSS JOIN promoted_attributes
ANTI JOIN (FROM file_attributes WHERE error_type IS NULL) USING (file_id, key_id)
"""


def spans_with(
    cursor: duckdb.DuckDBPyConnection,
    key: str,
    *,
    value: str | None = None,
    service: str | None = None,
    limit: int,
) -> dict[str, Any]:
    """The newest spans that have the attribute, with that value and of that service if given.

    Files are taken in order of their latest start until no further one can hold a newer span.
    Raises QueryRefused for a key that is not promoted.
    """
    facts = {
        "key_id": key_number(cursor, key),
        "of_service": "true" if service is None else f"service_name = {text_literal(service)}",
        "of_value": "true" if value is None else f"value = {text_literal(value)}",
    }
    missing = silent_files(cursor, key, facts)
    return {
        "spans": _newest(cursor, facts, limit),
        "complete": not missing,
        "missing": missing,
    }


def key_number(cursor: duckdb.DuckDBPyConnection, key: str) -> int:
    """The catalog's number of a key. Raises QueryRefused when it is not promoted."""
    numbers: dict[str, int] = dict(cursor.execute(_NUMBER).fetchall())
    if key not in numbers:
        raise QueryRefused(
            f"{key} is not among the promoted attributes",
            hint=f"INDEXER_PROMOTED_ATTRIBUTES has {', '.join(numbers) or 'none'}; add it there.",
        )
    return numbers[key]


def files_behind(cursor: duckdb.DuckDBPyConnection) -> int:
    """Files that have not given all promoted attributes yet, or cannot."""
    ((count,),) = cursor.execute(_BEHIND).fetchall()
    return int(count)


def silent_files(
    cursor: duckdb.DuckDBPyConnection, key: str, facts: dict[str, Any]
) -> list[dict[str, Any]]:
    """What an answer about a key lacks: files that have not given it yet, or cannot."""
    ((waiting, unreadable),) = cursor.execute(_SILENT.format(**facts)).fetchall()
    said = (
        ("AttributesPending", waiting, f"files have not given {key} yet"),
        ("AttributesUnreadable", unreadable, f"files cannot give {key}"),
    )
    return [
        {"error_type": type_, "files": n, "detail": f"{n} {text}"} for type_, n, text in said if n
    ]


def _newest(
    cursor: duckdb.DuckDBPyConnection, facts: dict[str, Any], limit: int
) -> Sequence[dict[str, Any]]:
    files_max = FILES_AT_FIRST
    while True:
        files = cursor.execute(_FILES_WITH.format(**facts, files=files_max + 1)).fetchall()
        taken = files[:files_max]
        if not taken:
            return []
        ids = id_list(file_id for file_id, _ in taken)
        found = rows(cursor, _SPANS_WITH.format(**facts, file_ids=ids, limit=limit))
        if len(taken) == len(files):
            return found
        if len(found) == limit and found[-1]["start_time_unix_nano"] > files[files_max][1]:
            return found
        files_max *= 4
