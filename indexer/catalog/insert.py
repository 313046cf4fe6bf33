"""Insert rows into the catalog's tables, one Arrow table each, and make the rows of files."""

import os
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.catalog.staging import Staged
from indexer.spans.batch import ParquetFileData
from indexer.system.duckdb_statements import insert_rows

_MICROS = pa.timestamp("us", "UTC")

_FILE_SCHEMA = pa.schema(
    [
        ("file_id", pa.int32()),
        ("file_path", pa.string()),
        ("relative_path", pa.string()),
        ("service_name", pa.string()),
        ("min_time", _MICROS),
        ("max_time", _MICROS),
        ("row_count", pa.int64()),
        ("size_bytes", pa.int64()),
        ("indexed_at", _MICROS),
        ("modified_unix_nano", pa.int64()),
        ("device", pa.uint64()),
        ("inode", pa.uint64()),
        ("changed_unix_nano", pa.int64()),
        ("footer_digest", pa.string()),
        ("content_digest", pa.string()),
        ("dialect", pa.string()),
        ("missing_columns", pa.list_(pa.string())),
        ("nested_columns", pa.list_(pa.string())),
        ("span_count", pa.int64()),
        ("owned_span_count", pa.int64()),
        ("rejected_spans", pa.int64()),
        ("duplicate_spans", pa.int64()),
        ("clamped_values", pa.int64()),
        ("other_operation_spans", pa.int64()),
    ]
)


def insert_table(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Insert all rows; their columns are the table's."""
    if not rows.num_rows:
        return
    names = ", ".join(rows.column_names)
    statement = f"INSERT INTO {table} ({names}) SELECT {names} FROM {{rows}}"
    insert_rows(connection, statement, rows)


def main_services(file_services: pa.Table) -> dict[int, str]:
    """The service with the most spans in each file; of equal ones the first by name."""
    best: dict[int, tuple[int, str]] = {}
    for row in file_services.select(["file_id", "service_name", "span_count"]).to_pylist():
        rank = (-row["span_count"], row["service_name"])
        if row["file_id"] not in best or rank < best[row["file_id"]]:
            best[row["file_id"]] = rank
    return {file_id: name for file_id, (_, name) in best.items()}


def file_rows(
    staged: Staged,
    file_services: pa.Table,
    other_operations: npt.NDArray[np.int64],
    storage_root: str,
    now_unix_nano: int,
) -> pa.Table:
    """Rows of ``parquet_files``; ``other_operations`` counts spans beyond the listed operations."""
    main = main_services(file_services)
    rows = [
        {
            **_file_row(file, int(owned)),
            "file_id": int(file_id),
            "file_path": os.path.join(storage_root, file.info.relative_path),
            "service_name": main.get(int(file_id)),
            "indexed_at": now_unix_nano // 1000,
            "other_operation_spans": int(other),
        }
        for file, file_id, owned, other in zip(
            staged.files, staged.file_ids, staged.owned_counts, other_operations, strict=True
        )
    ]
    return pa.Table.from_pylist(rows, _FILE_SCHEMA)


def _file_row(file: ParquetFileData, owned: int) -> dict[str, Any]:
    """What a file's row says of its content."""
    info = file.info
    first, last = file.time_range or (None, None)
    return {
        "relative_path": info.relative_path,
        "min_time": None if first is None else first // 1000,
        "max_time": None if last is None else last // 1000,
        "row_count": file.footer.row_count,
        "size_bytes": info.size_bytes,
        "modified_unix_nano": info.modified_unix_nano,
        "device": info.device,
        "inode": info.inode,
        "changed_unix_nano": info.changed_unix_nano,
        "footer_digest": file.footer.footer_digest,
        "content_digest": file.content_digest,
        "dialect": file.dialect,
        "missing_columns": list(file.missing_columns),
        "nested_columns": list(file.nested_columns),
        "span_count": file.span_count,
        "owned_span_count": owned,
        "rejected_spans": file.rejected_spans,
        "duplicate_spans": file.repeated_spans + file.span_count - owned,
        "clamped_values": file.clamped_values,
    }
