"""Lists from the index alone: files and quarantine."""

from typing import Any

import duckdb

from indexer.system.duckdb_rows import rows

_FILES = """
SELECT file_path, service_name, min_time, max_time, row_count, size_bytes, dialect, span_count,
       owned_span_count, rejected_spans, duplicate_spans, clamped_values, indexed_at
FROM parquet_files ORDER BY modified_unix_nano DESC, relative_path LIMIT $limit
"""

_QUARANTINE = """
SELECT file_path, error_type, error_message, hint, tries, transient, first_seen, last_seen
FROM quarantined_files ORDER BY last_seen DESC, file_path LIMIT $limit
"""


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
