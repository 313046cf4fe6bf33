"""Which files DuckDB's own reader may read, in the catalog: rebuildable, a row a file looked at."""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from indexer.catalog.insert import insert_table
from indexer.spans.file_scan import FileScan

_SCHEMA = pa.schema(
    [
        ("file_id", pa.int32()),
        ("schema_digest", pa.string()),
        ("has_metadata", pa.bool_()),
        ("stored", pa.list_(pa.string())),
        ("rewritten", pa.list_(pa.string())),
        ("empty", pa.list_(pa.string())),
        ("event_names", pa.list_(pa.string())),
        ("null_free", pa.list_(pa.string())),
    ]
)


def unscanned_files(connection: duckdb.DuckDBPyConnection) -> set[int]:
    """Registered files that were not looked at yet, by file_id."""
    rows = connection.execute(
        "SELECT file_id FROM parquet_files ANTI JOIN file_scans USING (file_id)"
    ).fetchall()
    return {file_id for (file_id,) in rows}


def insert_scans(connection: duckdb.DuckDBPyConnection, scans: Mapping[int, FileScan]) -> None:
    """Insert what was seen of registered files. Part of the caller's transaction."""
    rows = [
        {
            "file_id": file_id,
            "schema_digest": scan.schema_digest,
            "has_metadata": scan.has_metadata,
            "stored": list(scan.stored),
            "rewritten": list(scan.rewritten),
            "empty": list(scan.empty),
            "event_names": None if scan.event_names is None else list(scan.event_names),
            "null_free": list(scan.null_free),
        }
        for file_id, scan in scans.items()
    ]
    insert_table(connection, "file_scans", pa.Table.from_pylist(rows, _SCHEMA))
