"""Lists from the index alone: services, files, quarantine."""

from typing import Any

import duckdb

from indexer.query.window import WHENEVER, Window
from indexer.system.duckdb_rows import rows

_FIRST_TIME, _LAST_TIME = -(2**63), 2**63 - 1

_SERVICES_WITHIN = """
WITH held AS (
    SELECT *, first_start_unix_nano >= $since AND last_start_unix_nano < $until AS is_whole
    FROM file_services
    WHERE last_start_unix_nano >= $since AND first_start_unix_nano < $until
),
seen AS (
    SELECT service_name, first_start_unix_nano, last_start_unix_nano, span_count
    FROM held WHERE is_whole
    UNION ALL
    SELECT service_name, start_time_unix_nano, start_time_unix_nano, 1 FROM indexed_spans
    SEMI JOIN (FROM held WHERE NOT is_whole) USING (file_id, service_name)
    WHERE start_time_unix_nano >= $since AND start_time_unix_nano < $until
)
SELECT service_name,
       make_timestamptz(min(first_start_unix_nano) // 1000) AS first_seen,
       make_timestamptz(max(last_start_unix_nano) // 1000) AS last_seen,
       sum(span_count)::BIGINT AS total_spans
FROM seen GROUP BY service_name ORDER BY service_name
"""

_FILES = """
SELECT file_path, service_name, min_time, max_time, row_count, size_bytes, dialect, span_count,
       owned_span_count, rejected_spans, duplicate_spans, clamped_values, indexed_at
FROM parquet_files ORDER BY modified_unix_nano DESC, relative_path LIMIT $limit
"""

_QUARANTINE = """
SELECT file_path, error_type, error_message, hint, tries, transient, first_seen, last_seen
FROM quarantined_files ORDER BY last_seen DESC, file_path LIMIT $limit
"""


def list_services(
    cursor: duckdb.DuckDBPyConnection, window: Window = WHENEVER
) -> list[dict[str, Any]]:
    """Every service with its first and last start and its number of spans, by name.

    With bounds: of the spans that start within them.
    """
    if window.is_open:
        return rows(cursor, "FROM services ORDER BY service_name")
    since, until = window.since_unix_nano, window.until_unix_nano
    bounds = {
        "since": _FIRST_TIME if since is None else since,
        "until": _LAST_TIME if until is None else until,
    }
    return rows(cursor, _SERVICES_WITHIN, bounds)


def list_files(cursor: duckdb.DuckDBPyConnection, limit: int) -> list[dict[str, Any]]:
    """Indexed files, newest first."""
    return rows(cursor, _FILES, {"limit": limit})


def list_quarantine(cursor: duckdb.DuckDBPyConnection, limit: int) -> list[dict[str, Any]]:
    """Refused files, latest first."""
    return rows(cursor, _QUARANTINE, {"limit": limit})


def count_quarantined(cursor: duckdb.DuckDBPyConnection) -> int:
    """Files that were refused: what is in them is in no answer."""
    ((count,),) = cursor.execute("SELECT count(*) FROM quarantined_files").fetchall()
    return int(count)
