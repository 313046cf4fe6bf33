"""Read the payload of chosen rows from one file, checksums verified.

Exactly the pages with a wanted row are read and decoded (see ``values``); a column stored in
another way than span writers do is left to pyarrow, which reads and verifies whole row groups.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.model import ParquetFileInfo
from indexer.read.dialect import Dialect
from indexer.read.footer import footer_bytes, open_parquet
from indexer.read.pages import RowGroup, row_groups
from indexer.read.values import ChunkReader, NotDecodedHere
from indexer.read.verify import decoding
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


def read_payload(
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
        present = {chunk.column for group in groups[:1] for chunk in group.chunks}
        columns = {name: column for name, column in dialect.payload if column in present}
        distinct = sorted(set(columns.values()))
        try:
            found = _by_page(source, groups, distinct, rows, path)
        except NotDecodedHere:
            found = _by_row_group(open_parquet(source, path)[0], distinct, rows)
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


def _by_page(
    source: pa.NativeFile,
    groups: Sequence[RowGroup],
    columns: Sequence[str],
    rows: Sequence[int],
    path: str,
) -> list[dict[str, Any]]:
    """One dictionary a row. Raises NotDecodedHere."""
    by_row: dict[int, dict[str, Any]] = {}
    first = 0
    for group in groups:
        wanted = [row for row in rows if first <= row < first + group.row_count]
        if wanted:
            chunks = [chunk for chunk in group.chunks if chunk.column in columns]
            if len(chunks) != len(columns):
                raise NotDecodedHere("a column of several parts, or two of one name")
            inside = [row - first for row in wanted]
            parts = {c.column: ChunkReader(source, c, path).values(inside) for c in chunks}
            for at, row in enumerate(wanted):
                by_row[row] = {name: values[at] for name, values in parts.items()}
        first += group.row_count
    return [by_row[row] for row in rows]


def _by_row_group(
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
