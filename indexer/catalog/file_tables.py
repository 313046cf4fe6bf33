"""The rows of registered files, in every table that has some: inserted, taken over, deleted.

Each function is part of the caller's transaction. What a table says of a file follows from the
spans that the file owns, so it is derived again where another file takes some over.
"""

from collections.abc import Iterable

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.catalog import services
from indexer.catalog.insert import file_rows, insert_table, main_services
from indexer.catalog.staging import Staged, lost_rows
from indexer.model import ParquetFileInfo
from indexer.spans.aggregates import operation_rows, service_rows
from indexer.spans.columns import SpanColumns
from indexer.spans.schema import STORED_COLUMNS, same_span
from indexer.system.duckdb_rows import arrow_table, id_list

_FILE_TABLES = (
    "indexed_spans",
    "trace_files",
    "file_services",
    "file_operations",
    "indexed_attributes",
    "file_attributes",
    "file_scans",
    "file_key_summaries",
    "parquet_files",
)

_HOLDERS_OF_COPIES = """
SELECT DISTINCT parquet_files.relative_path
FROM trace_files AS leaving
JOIN trace_files AS staying USING (trace_id)
JOIN parquet_files ON parquet_files.file_id = staying.file_id
WHERE leaving.file_id IN (SELECT unnest($ids))
  AND staying.file_id NOT IN (SELECT unnest($ids))
  AND leaving.owned_span_count > 0
  AND staying.owned_span_count < staying.span_count
"""

_LOSE_SPANS = f"""
DELETE FROM indexed_spans USING lost_spans AS lost
WHERE indexed_spans.file_id = lost.file_id AND {same_span("indexed_spans", "lost")}
"""

_LOSE_FROM_TRACES = """
UPDATE trace_files SET
    owned_span_count = owned_span_count - lost.spans,
    error_count = error_count - lost.errors
FROM (
    SELECT file_id, trace_id, count(*)::INTEGER AS spans,
           count(*) FILTER (WHERE is_error)::INTEGER AS errors
    FROM lost_spans GROUP BY ALL
) AS lost
WHERE trace_files.file_id = lost.file_id AND trace_files.trace_id = lost.trace_id
"""

_LOSE_FROM_FILES = """
UPDATE parquet_files SET
    owned_span_count = owned_span_count - lost.spans,
    duplicate_spans = duplicate_spans + lost.spans
FROM (SELECT file_id, count(*) AS spans FROM lost_spans GROUP BY ALL) AS lost
WHERE parquet_files.file_id = lost.file_id
"""


def insert_files(
    connection: duckdb.DuckDBPyConnection,
    staged: Staged,
    *,
    storage_root: str,
    operations_max: int,
    now_unix_nano: int,
) -> tuple[pa.Table, pa.Table]:
    """Insert the staged files; their rows of ``parquet_files`` and ``file_services``."""
    batch_insert_span_metadata(connection, staged.file_ids, staged.owned_spans)
    insert_table(connection, "trace_files", staged.trace_files)
    added, others = _derive(connection, staged.owned_spans, staged.file_ids, operations_max)
    files = file_rows(staged, added, others, storage_root, now_unix_nano)
    insert_table(connection, "parquet_files", files)
    return files, added


def batch_insert_span_metadata(
    connection: duckdb.DuckDBPyConnection, file_ids: npt.NDArray[np.int32], spans: SpanColumns
) -> None:
    """Insert the rows behind ``span_metadata``; slot ``i`` of the spans is ``file_ids[i]``."""
    insert_table(connection, "indexed_spans", spans.to_arrow(file_ids))


def take_over(
    connection: duckdb.DuckDBPyConnection, staged: Staged, operations_max: int
) -> set[str]:
    """Remove registered copies that staged ones replace; the services that touches."""
    if not len(staged.lost):
        return set()
    losers = sorted({int(file_id) for file_id in staged.lost_file_ids})
    touched = services.services_of(connection, losers)
    connection.register("lost_spans", lost_rows(staged))
    try:
        for statement in (_LOSE_SPANS, _LOSE_FROM_TRACES, _LOSE_FROM_FILES):
            connection.execute(statement)
    finally:
        connection.unregister("lost_spans")
    _derive_again(connection, losers, operations_max)
    return touched


def relocate_files(connection: duckdb.DuckDBPyConnection, files: Iterable[ParquetFileInfo]) -> None:
    """Registered files on another device or inode, or with another change time."""
    for info in files:
        connection.execute(
            "UPDATE parquet_files SET device = ?, inode = ?, changed_unix_nano = ? "
            "WHERE relative_path = ?",
            [info.device, info.inode, info.changed_unix_nano, info.relative_path],
        )


def delete_files(connection: duckdb.DuckDBPyConnection, file_ids: list[int]) -> None:
    """Delete every row of these files."""
    if not file_ids:
        return
    for table in _FILE_TABLES:
        connection.execute(f"DELETE FROM {table} WHERE file_id IN {id_list(file_ids)}")


def holders_of_copies(connection: duckdb.DuckDBPyConnection, file_ids: list[int]) -> set[str]:
    """Relative paths of other files that have lost spans of traces in which these own some."""
    rows = connection.execute(_HOLDERS_OF_COPIES, {"ids": file_ids}).fetchall()
    return {path for (path,) in rows}


def _derive_again(
    connection: duckdb.DuckDBPyConnection, file_ids: list[int], operations_max: int
) -> None:
    """Recompute services and operations of files from the spans they still own."""
    for table in ("file_services", "file_operations"):
        connection.execute(f"DELETE FROM {table} WHERE file_id IN {id_list(file_ids)}")
    rows = arrow_table(
        connection,
        f"SELECT {STORED_COLUMNS} FROM indexed_spans WHERE file_id IN {id_list(file_ids)} "
        "ORDER BY file_id",
    )
    spans = SpanColumns.from_arrow(rows, {id_: slot for slot, id_ in enumerate(file_ids)})
    derived, others = _derive(connection, spans, np.array(file_ids, np.int32), operations_max)
    main = main_services(derived)
    for file_id, other in zip(file_ids, others, strict=True):
        connection.execute(
            "UPDATE parquet_files SET other_operation_spans = ?, service_name = ? "
            "WHERE file_id = ?",
            [int(other), main.get(file_id), file_id],
        )


def _derive(
    connection: duckdb.DuckDBPyConnection,
    spans: SpanColumns,
    file_ids: npt.NDArray[np.int32],
    operations_max: int,
) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """Insert the files' services and operations; the former, and how many spans the latter lack."""
    derived = service_rows(spans, file_ids)
    insert_table(connection, "file_services", derived)
    operations, others = operation_rows(spans, file_ids, limit=operations_max)
    insert_table(connection, "file_operations", operations)
    return derived, others
