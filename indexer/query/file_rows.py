"""Files of the index as SQL reads them: where they lie, and what was seen of their columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from indexer.catalog.seen_scans import read_seen
from indexer.model import ParquetFileInfo
from indexer.query.payload_functions import PayloadFile
from indexer.read.dialect_document import dialect_named
from indexer.read.dialect_fields import Dialect
from indexer.read.payload import PAYLOAD_COLUMNS, folder_payload
from indexer.spans.file_scan import UNSCANNED, FileScan
from indexer.system.duckdb_rows import plain_rows

_FILES = """
SELECT file_id, file_path, dialect, row_count, missing_columns, nested_columns, footer_digest,
    relative_path, size_bytes, modified_unix_nano, device, inode, changed_unix_nano,
    owned_span_count = row_count AS is_whole
FROM parquet_files
WHERE owned_span_count > 0 AND {condition}
"""
_NEWEST = "ORDER BY max_time DESC, relative_path"
"""Asked for where there are more files than are covered: it doubles the time (measured)."""
_SCANS = """
SELECT file_id, schema_digest, has_metadata, stored, rewritten, empty, event_names,
    coalesce(null_free, []) AS null_free
FROM file_scans WHERE file_id BETWEEN {first} AND {last}
"""
"""Apart from the files: a join takes longer than both (measured)."""
_INFO = (
    *("relative_path", "size_bytes", "modified_unix_nano", "device", "inode"),
    "changed_unix_nano",
)


def matching_files(
    connection: duckdb.DuckDBPyConnection, condition: str, files_max: int, catalog: Path | None
) -> tuple[dict[int, PayloadFile], int]:
    """The newest files with a condition of SQL, by ``file_id``, and how many match it.

    With the path of the ``catalog``, what earlier sessions saw of the files counts too. Raises
    duckdb.Error.
    """
    asked = _FILES.format(condition=condition)
    rows = plain_rows(connection, f"{asked} LIMIT {files_max + 1}")
    matching = len(rows)
    if matching > files_max:
        ((matching,),) = connection.execute(f"SELECT count(*) FROM ({asked})").fetchall()
        rows = plain_rows(connection, f"{asked} {_NEWEST} LIMIT {files_max}")
    scans = _scans(connection, [row["file_id"] for row in rows])
    if catalog is not None and len(scans) < len(rows):
        scans = {**_seen(catalog, rows), **scans}
    files = {
        row["file_id"]: _file(row, dialect_named(row["dialect"]), scans.get(row["file_id"]))
        for row in rows
    }
    return files, matching


def _scans(connection: duckdb.DuckDBPyConnection, file_ids: list[int]) -> dict[int, FileScan]:
    """What was seen of these files."""
    if not file_ids:
        return {}
    asked = _SCANS.format(first=min(file_ids), last=max(file_ids))
    return {row.pop("file_id"): _scan(row) for row in plain_rows(connection, asked)}


def _seen(catalog: Path, rows: Sequence[Mapping[str, Any]]) -> dict[int, FileScan]:
    """What earlier sessions saw of these files, as long as they are the same."""
    seen = read_seen(catalog)
    names = ("footer_digest", "size_bytes", "modified_unix_nano")
    known = {row["file_id"]: tuple(row[name] for name in names) for row in rows}
    return {at: one.scan for at, one in seen.items() if known.get(at) == one.identity}


def _scan(row: dict[str, Any]) -> FileScan:
    lists = {name: tuple(one) for name, one in row.items() if isinstance(one, list)}
    return FileScan(**{**row, **lists})


def _file(row: dict[str, Any], dialect: Dialect, scan: FileScan | None) -> PayloadFile:
    """A row of ``_FILES``."""
    path = row["file_path"]
    return PayloadFile(
        file_path=path,
        info=ParquetFileInfo(path=path, **{name: row[name] for name in _INFO}),
        footer_digest=row["footer_digest"],
        dialect=dialect,
        row_count=row["row_count"],
        scan=scan or UNSCANNED,
        is_unseen=scan is None,
        nested=tuple(row["nested_columns"]),
        is_whole=row["is_whole"],
        absent=_absent(dialect, row["missing_columns"], row["relative_path"]),
    )


def _absent(dialect: Dialect, missing: Sequence[str], relative_path: str) -> tuple[str, ...]:
    """Payload columns of which the file knows nothing, nor do its folders."""
    present = {one.name for one in dialect.payload} - set(missing)
    if "=" in relative_path:
        present |= folder_payload(dialect, present, relative_path).keys()
    return tuple(name for name in PAYLOAD_COLUMNS if name not in present)
