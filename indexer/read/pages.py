"""Check the checksums of exactly the pages that a few rows need.

DuckDB finds a handful of rows in a file several times faster than pyarrow, and reads a flipped
byte without a word. So the pages are walked here first: their headers say how many values each
holds and how long it is (Parquet format, "Data Pages" and parquet.thrift, PageHeader), and only
the dictionary and the pages with a wanted row are read and summed. Headers are in the Thrift
compact protocol, of which this reads what a page header can hold.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from indexer.errors import CorruptPage

HEADER_BYTES = 4096
"""Read for a header at first."""
HEADER_BYTES_MAX = 64 << 20
"""Statistics in a header can hold two whole values of a column; more than this is no header."""
DEPTH_MAX = 16
"""Structs in structs; Parquet's footer has seven."""

_TYPE, _SIZE, _CHECKSUM = 1, 3, 4  # PageHeader.type, .compressed_page_size, .crc
_DICTIONARY_PAGE = 2
_ROW_GROUPS = 4  # FileMetaData.row_groups
_GROUP_COLUMNS, _GROUP_ROWS = 1, 3  # RowGroup.columns, .num_rows
_CHUNK_METADATA = 3  # ColumnChunk.meta_data
_PATH_IN_SCHEMA, _COMPRESSED_SIZE = 3, 7  # ColumnMetaData
_DATA_PAGE_OFFSET, _DICTIONARY_PAGE_OFFSET = 9, 11  # ColumnMetaData
_DATA_HEADERS = (5, 8)  # PageHeader.data_page_header and .data_page_header_v2
_MORE = 0x80  # the continuation bit of a varint
_INTEGER_BITS = 64
_DOUBLE_BYTES = 8
_FIRST_OFFSET = 4  # after the magic; some writers say 0 where they mean none
_LONG_LIST = 15  # the length follows as a varint
_NOT_THRIFT = (IndexError, KeyError, TypeError, ValueError, AttributeError)
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)


@dataclass(frozen=True, slots=True)
class Page:
    """One page: where its bytes are, how many values it holds, its checksum if it has one."""

    offset: int
    size_bytes: int
    value_count: int
    is_dictionary: bool
    checksum: int | None


@dataclass(frozen=True, slots=True)
class ColumnChunk:
    """One leaf column of one row group: where its pages are."""

    path_in_schema: str
    column: str
    """The column of the file that it is, or is a part of."""
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGroup:
    """The column chunks of one row group."""

    row_count: int
    chunks: tuple[ColumnChunk, ...]


def verify_rows(
    source: pa.NativeFile,
    group: RowGroup,
    columns: Sequence[str],
    rows: Sequence[int],
    path: str,
) -> None:
    """Raise CorruptPage when a page that these rows of the row group need fails its checksum.

    ``rows`` count from the start of the group. Pages without a checksum pass.
    """
    wanted = np.sort(np.asarray(rows, np.int64))
    for chunk in group.chunks:
        if chunk.column not in columns:
            continue
        flat = chunk.path_in_schema == chunk.column
        first = 0
        for page in pages(source, chunk, path):
            after = first + page.value_count
            needed = page.is_dictionary or not flat or _any_between(wanted, first, after)
            if needed and page.checksum is not None:
                _check(source, page, chunk.path_in_schema, path)
            first = after


def row_groups(footer: bytes, path: str) -> list[RowGroup]:
    """Where the column chunks of each row group are, from a file's footer.

    pyarrow knows it too, but ends the process over some statistics that a flipped bit makes.
    Raises CorruptPage for bytes that are no footer.
    """
    try:
        metadata, _ = _struct(footer, 0)
        return [
            RowGroup(
                row_count=_whole(group[_GROUP_ROWS]),
                chunks=tuple(_chunk(column[_CHUNK_METADATA]) for column in group[_GROUP_COLUMNS]),
            )
            for group in metadata.get(_ROW_GROUPS, [])
        ]
    except _NOT_THRIFT as error:
        raise CorruptPage("the footer does not say where its pages are", path=path) from error


def pages(source: pa.NativeFile, chunk: ColumnChunk, path: str) -> Iterator[Page]:
    """The pages of a column chunk, in order. Raises CorruptPage for a header that is none."""
    offset = chunk.offset
    end = offset + chunk.size_bytes
    while offset < end:
        page = _read_page(source, offset, end, path)
        if not 0 <= page.size_bytes <= end - page.offset or page.value_count < 0:
            raise CorruptPage(f"the page at byte {offset} overruns its column", path=path)
        yield page
        offset = page.offset + page.size_bytes


def _read_page(source: pa.NativeFile, offset: int, end: int, path: str) -> Page:
    size = HEADER_BYTES
    while True:
        header = source.read_at(min(size, end - offset), offset)
        try:
            fields, length = _struct(header, 0)
            return _page(fields, offset + length)
        except IndexError as error:  # the header goes on
            if size >= min(HEADER_BYTES_MAX, end - offset):
                raise CorruptPage(f"no page header at byte {offset}", path=path) from error
            size *= 8
        except _NOT_THRIFT as error:
            raise CorruptPage(f"no page header at byte {offset}", path=path) from error


def _page(fields: dict[int, Any], offset: int) -> Page:
    data: dict[int, Any] = next((fields[n] for n in _DATA_HEADERS if n in fields), {})
    if not isinstance(data, dict):
        raise TypeError("a data page header is a struct")
    return Page(
        offset=offset,
        size_bytes=_whole(fields[_SIZE]),
        value_count=_whole(data.get(1, 0)),
        is_dictionary=fields[_TYPE] == _DICTIONARY_PAGE,
        checksum=_whole(fields[_CHECKSUM]) & 0xFFFFFFFF if _CHECKSUM in fields else None,
    )


def _chunk(metadata: dict[int, Any]) -> ColumnChunk:
    """The dictionary page, where there is one, comes first (Parquet format, "Column chunks")."""
    offset = _whole(metadata[_DATA_PAGE_OFFSET])
    dictionary = _whole(metadata.get(_DICTIONARY_PAGE_OFFSET, 0))
    path = [part.decode("utf-8", "replace") for part in metadata[_PATH_IN_SCHEMA]]
    return ColumnChunk(
        path_in_schema=".".join(path),
        column=path[0],
        offset=dictionary if dictionary >= _FIRST_OFFSET else offset,
        size_bytes=_whole(metadata[_COMPRESSED_SIZE]),
    )


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("a number was expected")
    return value


def _check(source: pa.NativeFile, page: Page, column: str, path: str) -> None:
    if zlib.crc32(source.read_at(page.size_bytes, page.offset)) != page.checksum:
        message = f"column {column}: the page at byte {page.offset} fails its checksum"
        raise CorruptPage(message, path=path)


def _any_between(
    wanted: "np.ndarray[tuple[int], np.dtype[np.int64]]", first: int, after: int
) -> bool:
    low, high = np.searchsorted(wanted, (first, after))
    return bool(low < high)


def _struct(data: bytes, at: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """(value by field id, position after) of a Thrift compact struct."""
    if depth > DEPTH_MAX:
        raise ValueError("structs within structs without end")
    fields: dict[int, Any] = {}
    number = 0
    while (head := data[at]) != 0:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _zigzag(data, at)
        kind = head & 0x0F
        if kind in {_TRUE, _FALSE}:
            fields[number] = kind == _TRUE
        else:
            fields[number], at = _value(data, at, kind, depth)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in {_TRUE, _FALSE, _BYTE}:  # a truth value in a list is a byte
        return data[at], at + 1
    if kind in {_I16, _I32, _I64}:
        return _zigzag(data, at)
    if kind == _DOUBLE:
        if at + _DOUBLE_BYTES > len(data):
            raise IndexError("the number goes on")
        return None, at + _DOUBLE_BYTES
    if kind == _BINARY:
        length, at = _varint(data, at)
        if at + length > len(data):
            raise IndexError("the text goes on")
        return data[at : at + length], at + length
    if kind in {_LIST, _SET}:
        return _list(data, at, depth)
    if kind == _STRUCT:
        return _struct(data, at, depth + 1)
    raise ValueError(f"Parquet has no field of kind {kind}")


def _list(data: bytes, at: int, depth: int) -> tuple[list[Any], int]:
    head = data[at]
    count, at = (head >> 4, at + 1) if head >> 4 != _LONG_LIST else _varint(data, at + 1)
    if count > len(data) - at:  # the shortest value takes a byte
        raise IndexError("the list goes on")
    values: list[Any] = []
    for _ in range(count):
        value, at = _value(data, at, head & 0x0F, depth + 1)
        values.append(value)
    return values, at


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if not byte & _MORE:
            return value, at
        shift += 7
        if shift >= _INTEGER_BITS:
            raise ValueError("a number of more than 64 bits")
