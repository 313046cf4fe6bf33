"""Lists and totals from the index alone: services, latest roots, files, quarantine, sizes."""

from typing import Any

import duckdb

from indexer.contracts import schema_version
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

_TOTALS = """
SELECT count(*) AS files,
       coalesce(sum(owned_span_count), 0)::BIGINT AS spans,
       coalesce(sum(rejected_spans), 0)::BIGINT AS rejected_spans,
       coalesce(sum(duplicate_spans), 0)::BIGINT AS duplicate_spans,
       coalesce(sum(clamped_values), 0)::BIGINT AS clamped_values,
       coalesce(sum(size_bytes), 0)::BIGINT AS parquet_bytes,
       min(min_time) AS min_time,
       max(max_time) AS max_time,
       max(indexed_at) AS indexed_at
FROM parquet_files
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


def totals(cursor: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What the index holds, in numbers."""
    summary = rows(cursor, _TOTALS)[0]
    counts = cursor.execute(
        "SELECT (SELECT count(*) FROM services), (SELECT count(*) FROM trace_files), "
        "(SELECT count(*) FROM quarantined_files), "
        "(SELECT count(*) FROM quarantined_files WHERE transient), "
        "(SELECT count(DISTINCT file_id) FROM parquet_files CROSS JOIN promoted_attributes "
        "ANTI JOIN file_attributes USING (file_id, key_id)), "
        "(SELECT count(DISTINCT file_id) FROM file_attributes WHERE error_type IS NOT NULL)"
    ).fetchall()[0]
    return {
        **summary,
        "services": counts[0],
        "trace_files": counts[1],
        "files_to_promote": counts[4],
        "files_without_attributes": counts[5],
        "quarantined_files": counts[2],
        "quarantined_transient": counts[3],
        "schema_version": schema_version(),
    }
