"""Read the payload of chosen rows from one file, checksums verified.

Exactly the pages with a wanted row are read and decoded (see ``values``); a column stored in
another way than span writers do is left to pyarrow, which reads and verifies whole row groups.
"""

from collections.abc import Collection, Sequence
from typing import Any

from indexer.errors import FileEncrypted
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
from indexer.read.payload_rows import PayloadLayout, PayloadRows, StoredRows
from indexer.read.payload_values import readings, rows_of
from indexer.read.tally import Counted, Tally
from indexer.read.tempo_block import TRACES, TempoBlock, is_block
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

_AUDIT_ROWS = 65_536
"""Decoded at a time by an audit: 50 MB at 800 bytes a row."""

_MAPS = PageMaps()


def keep_page_maps(bytes_max: int) -> None:
    """Keep so many bytes of where pages lie, in this process."""
    _MAPS.resize(bytes_max // PART_BYTES)


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
    if dialect.trace_a_row:
        return _payload_of_block(storage, info, dialect, rows, tally or Tally(), limits)
    layout, found = read_stored_rows(storage, info, dialect, rows, tally, limits, footer_digest)
    values = {row: part.values(at) for part in found for at, row in enumerate(part.rows)}
    wanted = [values[row] for row in rows]
    return rows_of(layout.payload, wanted, layout.places, layout.absent)


def read_stored_rows(
    storage: LocalStorage,
    info: ParquetFileInfo,
    dialect: Dialect,
    rows: Sequence[int],
    tally: Tally | None = None,
    limits: SpanLimits = SPAN_LIMITS,
    footer_digest: str | None = None,
) -> tuple[PayloadLayout, list[StoredRows]]:
    """The columns that the payload is made of, of a file with a span a row; as ``read_payload``.

    Row group by row group.
    """
    path = info.relative_path
    with storage.open(info) as file, decoding(path):
        source = Counted(file, tally or Tally())
        page_map = _MAPS.find(info) or _page_map(source, path, footer_digest)
        layout = page_map.layout
        if layout is None or layout.dialect is not dialect or layout.limits is not limits:
            layout = page_map.layout = _layout(page_map, dialect, limits, path)
        found = PayloadRows(source, page_map, path, layout).read(rows)
        _MAPS.keep(info, page_map)
    if tally is not None:
        for part in found:
            tally.text_bytes += part.shared.text_bytes * len(part.rows)
            for values in part.own.values():
                tally.count_texts(values)
    return layout, found


def _page_map(source: Counted, path: str, known_digest: str | None) -> PageMap:
    source.will_wait()
    footer = footer_bytes(source, path)
    is_known = known_digest is not None and digest_of(footer) == known_digest
    return PageMap(row_groups(footer, path), is_footer_known=is_known)


def _layout(page_map: PageMap, dialect: Dialect, limits: SpanLimits, path: str) -> PayloadLayout:
    places = positions_of(page_map.groups)
    found_in = [one.in_file(places.keys()) for one in dialect.payload]
    payload = [one for one in found_in if one is not None]
    absent: dict[str, Any] = dict.fromkeys(PAYLOAD_COLUMNS)
    absent |= folder_payload(dialect, [one.name for one in payload], path)
    columns = dict(sorted(readings(payload, places).items()))
    _refuse_encrypted(page_map.groups, columns, path)
    return PayloadLayout(
        dialect=dialect,
        limits=limits,
        places=places,
        payload=payload,
        columns=columns,
        absent=absent,
    )


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
