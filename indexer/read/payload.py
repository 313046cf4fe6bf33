"""Read the payload of chosen rows from one file, checksums verified.

DuckDB reads the rows, after the pages they stand in have been verified; where it cannot (a text
that is not UTF-8, a page it does not know), pyarrow does, which verifies by itself and whose
undecodable text is shown with replacement characters.
"""

from collections.abc import Collection, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from indexer.model import ParquetFileInfo
from indexer.read.dialect import Dialect
from indexer.read.footer import footer_bytes, open_parquet
from indexer.read.pages import RowGroup, row_groups, verify_rows
from indexer.read.verify import decoding
from indexer.results import id_list, text_literal
from indexer.storage import LocalStorage

PAYLOAD_COLUMNS = (
    "status_message",
    "attributes",
    "events",
    "links",
    "resource_attributes",
    "trace_state",
    "flags",
    "dropped_attributes_count",
    "dropped_events_count",
    "dropped_links_count",
    "resource_dropped_attributes_count",
)
"""Canonical payload columns of a span, in order; a file may lack any of them."""

_ROWS = """
SELECT file_row_number, {columns}
FROM read_parquet({path}, file_row_number = true, hive_partitioning = false)
WHERE file_row_number IN {rows}
"""


def read_payload(
    cursor: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    info: ParquetFileInfo,
    dialect: Dialect,
    rows: Sequence[int],
) -> list[dict[str, Any]]:
    """The payload of the given file row numbers, in their order; absent columns are None.

    Raises FileError when the bytes do not decode, TransientError when the file is not the one
    that was indexed, or cannot be read.
    """
    path = info.relative_path
    with storage.open(info) as source, decoding(path):
        groups = row_groups(footer_bytes(source, path), path)
        present = {chunk.column: None for group in groups[:1] for chunk in group.chunks}
        columns = {name: col for name, col in dialect.payload if col in present}
        distinct = sorted(set(columns.values()))
        for group, inside in _by_group(groups, rows):
            verify_rows(source, group, distinct, inside, path)
        found = None
        if _names_are_distinct(present):
            found = _by_duckdb(cursor, storage.absolute(path), distinct, rows)
        if found is None:
            found = _by_pyarrow(open_parquet(source, path)[0], distinct, rows)
    absent = dict.fromkeys(PAYLOAD_COLUMNS)
    return [{**absent, **{name: row[col] for name, col in columns.items()}} for row in found]


def read_every_page(storage: LocalStorage, info: ParquetFileInfo) -> None:
    """Decode every page of every column and keep nothing.

    Raises FileError for the first page that fails its checksum or does not decode.
    """
    with storage.open(info) as source:
        parquet, _ = open_parquet(source, info.relative_path)
        with decoding(info.relative_path):
            for _ in parquet.iter_batches(use_threads=False):
                continue


def _by_group(groups: list[RowGroup], rows: Sequence[int]) -> list[tuple[RowGroup, list[int]]]:
    """(row group, the wanted rows counted from its start), for groups with a wanted row."""
    found: list[tuple[RowGroup, list[int]]] = []
    first = 0
    for group in groups:
        inside = [row - first for row in rows if first <= row < first + group.row_count]
        if inside:
            found.append((group, inside))
        first += group.row_count
    return found


def _names_are_distinct(columns: Collection[str]) -> bool:
    """Whether DuckDB, to which letter case says nothing, can tell the columns apart."""
    return len({name.lower() for name in columns}) == len(columns)


def _by_duckdb(
    cursor: duckdb.DuckDBPyConnection, path: str, columns: list[str], rows: Sequence[int]
) -> list[dict[str, Any]] | None:
    """One dictionary a row, or None when DuckDB does not read what pyarrow may."""
    quoted = [f'"{column.replace(chr(34), chr(34) * 2)}"' for column in columns]
    query = _ROWS.format(
        columns=", ".join(quoted) or "NULL",
        path=text_literal(_literal_glob(path)),
        rows=id_list(rows),
    )
    try:
        found = cursor.execute(query).fetchall()
    except duckdb.Error:
        return None
    by_row = {row[0]: dict(zip(columns, row[1:], strict=False)) for row in found}
    return [by_row[row] for row in rows] if len(by_row) == len(rows) else None


def _by_pyarrow(
    parquet: pq.ParquetFile, columns: list[str], rows: Sequence[int]
) -> list[dict[str, Any]]:
    by_row: dict[int, dict[str, Any]] = {}
    first = 0
    for group in range(parquet.metadata.num_row_groups):
        after = first + parquet.metadata.row_group(group).num_rows
        wanted = [row for row in rows if first <= row < after]
        if wanted:
            table = parquet.read_row_group(group, columns=columns, use_threads=False)
            taken = table.take([row - first for row in wanted])
            texts = {name: _values(taken[name]) for name in columns}
            for at, row in enumerate(wanted):
                by_row[row] = {name: texts[name][at] for name in columns}
        first = after
    return [by_row[row] for row in rows]


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Python values; text that is not UTF-8 has its odd bytes replaced."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        raw = column.cast(pa.large_binary()).to_pylist()
        return [None if value is None else value.decode("utf-8", "replace") for value in raw]
    values: list[Any] = column.to_pylist()
    return values


def _literal_glob(path: str) -> str:
    """The path as a pattern that matches itself alone."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)
