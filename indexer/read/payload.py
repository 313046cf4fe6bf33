"""Read the payload of chosen rows from one file, checksums verified.

Exactly the pages with a wanted row are read and decoded (see ``values``); a column stored in
another way than span writers do is left to pyarrow, which reads and verifies whole row groups.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from indexer.errors import CorruptPage, FileEncrypted
from indexer.model import ParquetFileInfo
from indexer.parquet.column_chunks import (
    RowGroup,
    encrypted_columns,
    positions_of,
    row_groups,
)
from indexer.parquet.decode_errors import decoding
from indexer.parquet.file_columns import FileColumns
from indexer.parquet.footer import digest_of, footer_bytes
from indexer.parquet.page_maps import PART_BYTES, PageMap, PageMaps
from indexer.read.dialect_fields import Dialect
from indexer.read.folder_columns import folder_key, folder_values
from indexer.read.part import Part
from indexer.read.payload_values import Reading, readings, rows_of
from indexer.read.tempo_block import TRACES, TempoBlock, is_block
from indexer.read.values import ChunkReader, NotDecodedHere
from indexer.spans.limits import SPAN_LIMITS, SpanLimits
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

_SLICES_MAX = 64
"""Rows that are taken one by one: a copy of one can be 200 MB."""

_AUDIT_ROWS = 65_536
"""Decoded at a time by an audit: 50 MB at 800 bytes a row."""

_MAPS = PageMaps()


def keep_page_maps(bytes_max: int) -> None:
    """Keep so many bytes of where pages lie, in this process."""
    _MAPS.resize(bytes_max // PART_BYTES)


@dataclass(slots=True)
class Tally:
    """What reading has cost."""

    bytes_read: int = 0
    """Compressed, as they lie in the files: footers, page headers and pages."""
    text_bytes: int = 0
    """Of the texts that were taken from them."""

    def count_texts(self, values: Iterable[Any]) -> None:
        """Values were taken, as ``read_payload`` has them."""
        self.text_bytes += sum(_text_bytes(one) for one in values if one)


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
        self, groups: Sequence[RowGroup], positions: Collection[int], rows: Sequence[int]
    ) -> None:
        """Columns that are read whole, of the row groups that hold the rows."""
        first = 0
        for group in groups:
            if any(first <= row < first + group.row_count for row in rows):
                chunks = (one for one in group.chunks if one.position in positions)
                self._tally.bytes_read += sum(one.size_bytes for one in chunks)
            first += group.row_count


def read_payload(
    storage: LocalStorage,
    info: ParquetFileInfo,
    dialect: Dialect,
    rows: Sequence[int],
    tally: Tally | None = None,
    limits: SpanLimits = SPAN_LIMITS,
    footer_digest: str | None = None,
) -> list[dict[str, Any]]:
    """The payload of the given file row numbers, in their order; absent columns are None.

    A footer with the ``footer_digest`` that was registered is believed what it says of values.

    Values are as the file has them (see ``span_payload``); of a column that stands in lists side
    by side, a dictionary of them; a Part where a span has more than it may. Raises FileError when
    the bytes do not decode, TransientError when the file is not the one that was indexed, or
    cannot be read.
    """
    path = info.relative_path
    if dialect.trace_a_row:
        return _payload_of_block(storage, info, dialect, rows, tally or Tally(), limits)
    with storage.open(info) as file, decoding(path):
        source = Counted(file, tally or Tally())
        with _MAPS.of(info, lambda: _page_map(source, path, footer_digest)) as page_map:
            places = positions_of(page_map.groups)
            found_in = [one.in_file(places.keys()) for one in dialect.payload]
            payload = [one for one in found_in if one is not None]
            columns = readings(payload, places)
            _refuse_encrypted(page_map.groups, columns, path)
            found = _Rows(source, page_map, path, columns, limits).read(rows)
    if tally is not None:
        tally.count_texts(value for row in found for value in row.values())
    absent: dict[str, Any] = dict.fromkeys(PAYLOAD_COLUMNS)
    absent |= folder_payload(dialect, [one.name for one in payload], path)
    return rows_of(payload, found, places, absent)


def _page_map(source: Counted, path: str, known_digest: str | None) -> PageMap:
    footer = footer_bytes(source, path)
    is_known = known_digest is not None and digest_of(footer) == known_digest
    return PageMap(row_groups(footer, path), is_footer_known=is_known)


def _payload_of_block(
    storage: LocalStorage,
    info: ParquetFileInfo,
    dialect: Dialect,
    rows: Sequence[int],
    tally: Tally,
    limits: SpanLimits,
) -> list[dict[str, Any]]:
    """The same of spans of a block, by their numbers."""
    path = info.relative_path
    with storage.open(info) as file, decoding(path):
        block = TempoBlock(storage, FileColumns(file, path), path)
        places = {name: at for at, name in enumerate(block.schema.names)}
        payload = [one for one in dialect.payload if one.in_file(places.keys()) is not None]
        columns = readings(payload, places)
        table = block.take(list(columns), rows)
        values = [
            reading.values(column, limits)
            for reading, column in zip(columns.values(), table.columns, strict=True)
        ]
        tally.bytes_read += block.bytes_read
    found = [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]
    tally.count_texts(value for row in found for value in row.values())
    absent: dict[str, Any] = dict.fromkeys(PAYLOAD_COLUMNS)
    return rows_of(payload, found, places, absent)


def _text_bytes(value: Any) -> int:
    stored = value.stored if isinstance(value, Part) else value
    return len(stored) if isinstance(stored, str | bytes) else 0


def _refuse_encrypted(groups: Sequence[RowGroup], columns: Collection[int], path: str) -> None:
    encrypted = encrypted_columns(groups)
    names = [encrypted[position] for position in columns if position in encrypted]
    if names:
        raise FileEncrypted.of_columns(names, path)


def folder_payload(dialect: Dialect, present: Collection[str], path: str) -> dict[str, str | None]:
    """What folders say of payload columns that the file lacks."""
    values = folder_values(path)
    lacking = (one for one in dialect.payload if one.is_whole and one.name not in present)
    keys = {one.name: folder_key(values, one.columns[0], one.name) for one in lacking if values}
    return {name: values[key] for name, key in keys.items() if key is not None}


def read_every_page(storage: LocalStorage, info: ParquetFileInfo) -> None:
    """Decode every page of every column that is not encrypted, and keep nothing.

    Raises FileError for the first page that fails its checksum or does not decode.
    """
    with storage.open(info) as source:
        file = FileColumns(source, info.relative_path)
        rows = TRACES if is_block(file) else _AUDIT_ROWS
        plain = sorted(set(range(len(file.schema))) - file.encrypted_columns().keys())
        for _ in file.batches(plain, rows):
            continue


class _Rows:
    """Reads columns of some rows: page by page, or by row groups where that fails."""

    def __init__(
        self,
        source: Counted,
        page_map: PageMap,
        path: str,
        columns: Mapping[int, Reading],
        limits: SpanLimits,
    ) -> None:
        """``columns`` are the file's by position."""
        self._source, self._page_map, self._path = source, page_map, path
        self._columns, self._limits = columns, limits

    def read(self, rows: Sequence[int]) -> list[dict[int, Any]]:
        """One dictionary a row."""
        by_row: dict[int, dict[int, Any]] = {}
        left: set[int] = set()
        first = 0
        for number, group in enumerate(self._page_map.groups):
            wanted = [row for row in rows if first <= row < first + group.row_count]
            inside = [row - first for row in wanted]
            for row in wanted:
                by_row[row] = {}
            for position in sorted(self._columns) if wanted else ():
                try:
                    values = self._chunk_values(number, position, inside)
                except NotDecodedHere:
                    left.add(position)
                    continue
                for row, value in zip(wanted, values, strict=True):
                    by_row[row][position] = value
            first += group.row_count
        found = [by_row[row] for row in rows]
        if left:
            self._source.count_chunks(self._page_map.groups, left, rows)
            others = self._by_row_group(sorted(left), rows)
            found = [row | other for row, other in zip(found, others, strict=True)]
        return found

    def _chunk_values(self, number: int, position: int, rows: Sequence[int]) -> list[Any]:
        column, limits = self._columns[position], self._limits
        chunk = self._page_map.chunk(number, position)
        if chunk is None:
            raise NotDecodedHere(f"column {position} has several parts")
        row_count = self._page_map.groups[number].row_count
        text_of = partial(column.text, limits)
        reader = ChunkReader(self._source, chunk, self._path, self._page_map, text_of, row_count)
        values = reader.values(rows)
        return [column.content(limits, one) if isinstance(one, bytes) else one for one in values]

    def _by_row_group(self, positions: list[int], rows: Sequence[int]) -> list[dict[int, Any]]:
        file = FileColumns(self._source.whole, self._path)
        by_row: dict[int, dict[int, Any]] = {}
        first = 0
        for number, group in enumerate(self._page_map.groups):
            after = first + group.row_count
            wanted = [row for row in rows if first <= row < after]
            if wanted:
                table = file.read_row_group(number, positions)
                if table.num_rows != group.row_count:
                    message = f"{table.num_rows} rows, the footer says {group.row_count}"
                    raise CorruptPage(message, path=self._path)
                taken = _take(table, [row - first for row in wanted])
                values = {
                    position: self._columns[position].values(column, self._limits)
                    for position, column in zip(positions, taken.columns, strict=True)
                }
                for at, row in enumerate(wanted):
                    by_row[row] = {position: values[position][at] for position in positions}
            first = after
        return [by_row[row] for row in rows]


def _take(table: pa.Table, rows: Sequence[int]) -> pa.Table:
    """Those rows; without a copy where there are few, which may be long."""
    if len(rows) > _SLICES_MAX:
        return table.take(rows)
    return pa.concat_tables([table.slice(row, 1) for row in rows])
