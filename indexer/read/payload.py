"""Read the payload of chosen rows from one file, checksums verified.

Exactly the pages with a wanted row are read and decoded (see ``values``); a column stored in
another way than span writers do is left to pyarrow, which reads and verifies whole row groups.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.model import ParquetFileInfo
from indexer.read.dialect import Dialect, PayloadColumn
from indexer.read.footer import footer_bytes, open_parquet
from indexer.read.page_maps import PageMap, PageMaps
from indexer.read.pages import ColumnChunk, RowGroup, row_groups
from indexer.read.values import ChunkReader, NotDecodedHere
from indexer.read.verify import decoding
from indexer.system.storage import LocalStorage

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
    "scope_name",
    "scope_version",
    "scope_attributes",
)
"""Canonical payload columns of a span, in order; a file may lack any of them."""

_MAPS = PageMaps()


@dataclass(slots=True)
class Tally:
    """What reading has cost."""

    bytes_read: int = 0
    """Compressed, as they lie in the files: footers, page headers and pages."""
    text_bytes: int = 0
    """Of the texts that were taken from them."""


class Counted:
    """A file whose reads are counted."""

    def __init__(self, source: pa.NativeFile, tally: Tally) -> None:
        self.whole = source
        self._tally = tally

    def size(self) -> int:
        """Bytes of the file."""
        size: int = self.whole.size()
        return size

    def read_at(self, size_bytes: int, offset: int) -> bytes:
        """Some of them."""
        content: bytes = self.whole.read_at(size_bytes, offset)
        self._tally.bytes_read += len(content)
        return content

    def count_chunks(
        self, groups: Sequence[RowGroup], columns: Collection[str], rows: Sequence[int]
    ) -> None:
        """Columns that are read whole, of the row groups that hold the rows."""
        first = 0
        for group in groups:
            if any(first <= row < first + group.row_count for row in rows):
                chunks = (one for one in group.chunks if one.column in columns)
                self._tally.bytes_read += sum(one.size_bytes for one in chunks)
            first += group.row_count


def read_payload(
    storage: LocalStorage,
    info: ParquetFileInfo,
    dialect: Dialect,
    rows: Sequence[int],
    tally: Tally | None = None,
) -> list[dict[str, Any]]:
    """The payload of the given file row numbers, in their order; absent columns are None.

    Values are as the file has them (see ``normalise``); of a column that stands in lists side by
    side, a dictionary of them. Raises FileError when the bytes do not decode, TransientError when
    the file is not the one that was indexed, or cannot be read.
    """
    path = info.relative_path
    with storage.open(info) as file, decoding(path):
        source = Counted(file, tally or Tally())
        with _MAPS.of(info, lambda: row_groups(footer_bytes(source, path), path)) as page_map:
            present = {chunk.column for group in page_map.groups[:1] for chunk in group.chunks}
            payload = [one for one in dialect.payload if present.issuperset(one.columns)]
            columns = sorted({column for one in payload for column in one.columns})
            found = _rows(source, page_map, columns, rows, path)
    if tally is not None:
        texts = (value for row in found for value in row.values())
        tally.text_bytes += sum(len(text) for text in texts if isinstance(text, str | bytes))
    absent = dict.fromkeys(PAYLOAD_COLUMNS)
    return [{**absent, **{one.name: _value(one, row) for one in payload}} for row in found]


def _value(payload: PayloadColumn, row: dict[str, Any]) -> Any:
    if payload.is_whole:
        return row[payload.columns[0]]
    return {key: row[column] for key, column in payload.parts}


def read_every_page(storage: LocalStorage, info: ParquetFileInfo) -> None:
    """Decode every page of every column and keep nothing.

    Raises FileError for the first page that fails its checksum or does not decode.
    """
    with storage.open(info) as source:
        parquet, _ = open_parquet(source, info.relative_path)
        with decoding(info.relative_path):
            for _ in parquet.iter_batches(use_threads=False):
                continue


def _rows(
    source: Counted,
    page_map: PageMap,
    columns: Sequence[str],
    rows: Sequence[int],
    path: str,
) -> list[dict[str, Any]]:
    """One dictionary a row: each column page by page, or from its row group where that fails."""
    by_row: dict[int, dict[str, Any]] = {}
    left: set[str] = set()
    first = 0
    for group in page_map.groups:
        wanted = [row for row in rows if first <= row < first + group.row_count]
        inside = [row - first for row in wanted]
        for row in wanted:
            by_row[row] = {}
        for column in columns if wanted else ():
            try:
                chunk = _one_chunk(group, column)
                values = ChunkReader(source, chunk, path, page_map.pages).values(inside)
            except NotDecodedHere:
                left.add(column)
                continue
            for row, value in zip(wanted, values, strict=True):
                by_row[row][column] = value
        first += group.row_count
    found = [by_row[row] for row in rows]
    if left:
        source.count_chunks(page_map.groups, left, rows)
        others = _by_row_group(open_parquet(source.whole, path)[0], sorted(left), rows)
        found = [row | other for row, other in zip(found, others, strict=True)]
    return found


def _one_chunk(group: RowGroup, column: str) -> ColumnChunk:
    chunks = [chunk for chunk in group.chunks if chunk.column == column]
    if len(chunks) != 1:
        raise NotDecodedHere(f"{column} has several parts, or two columns have its name")
    return chunks[0]


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
    if pa.types.is_list(column.type) and pa.types.is_timestamp(column.type.value_type):
        column = column.cast(pa.list_(pa.timestamp("ns", column.type.value_type.tz)))
        column = column.cast(pa.list_(pa.int64()))  # Python's own times end at the microsecond
    values: list[Any] = column.to_pylist()
    return values
