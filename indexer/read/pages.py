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
import pyarrow.parquet as pq

from indexer.errors import CorruptPage

HEADER_BYTES = 4096
"""Statistics in a header can hold two values of a column; more than this is no header."""

_TYPE, _SIZE, _CHECKSUM = 1, 3, 4  # PageHeader.type, .compressed_page_size, .crc
_DICTIONARY_PAGE = 2
_DATA_HEADERS = (5, 8)  # PageHeader.data_page_header and .data_page_header_v2
_MORE = 0x80  # the continuation bit of a varint
_INTEGER_BITS = 64
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)


@dataclass(frozen=True, slots=True)
class Page:
    """One page: where its bytes are, how many values it holds, its checksum if it has one."""

    offset: int
    size_bytes: int
    value_count: int
    is_dictionary: bool
    checksum: int | None


def verify_rows(
    source: pa.NativeFile,
    group: pq.RowGroupMetaData,
    columns: Sequence[str],
    rows: Sequence[int],
    path: str,
) -> None:
    """Raise CorruptPage when a page that these rows of the row group need fails its checksum.

    ``rows`` count from the start of the group. Pages without a checksum pass.
    """
    wanted = np.sort(np.asarray(rows, np.int64))
    for index in range(group.num_columns):
        chunk = group.column(index)
        if chunk.path_in_schema.partition(".")[0] not in columns:
            continue
        flat = "." not in chunk.path_in_schema
        first = 0
        for page in pages(source, chunk, path):
            after = first + page.value_count
            needed = page.is_dictionary or not flat or _any_between(wanted, first, after)
            if needed and page.checksum is not None:
                _check(source, page, chunk.path_in_schema, path)
            first = after


def pages(source: pa.NativeFile, chunk: pq.ColumnChunkMetaData, path: str) -> Iterator[Page]:
    """The pages of a column chunk, in order. Raises CorruptPage for a header that is none."""
    offset = chunk.data_page_offset
    if chunk.has_dictionary_page and chunk.dictionary_page_offset is not None:
        offset = min(offset, chunk.dictionary_page_offset)
    end = offset + chunk.total_compressed_size
    while offset < end:
        header = source.read_at(min(HEADER_BYTES, end - offset), offset)
        try:
            fields, length = _struct(header, 0)
            page = _page(fields, offset + length)
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise CorruptPage(f"no page header at byte {offset}", path=path) from error
        if not 0 <= page.size_bytes <= end - page.offset:
            raise CorruptPage(f"the page at byte {offset} overruns its column", path=path)
        yield page
        offset = page.offset + page.size_bytes


def _page(fields: dict[int, Any], offset: int) -> Page:
    data: dict[int, Any] = next((fields[n] for n in _DATA_HEADERS if n in fields), {})
    return Page(
        offset=offset,
        size_bytes=fields[_SIZE],
        value_count=data.get(1, 0),
        is_dictionary=fields[_TYPE] == _DICTIONARY_PAGE,
        checksum=fields[_CHECKSUM] & 0xFFFFFFFF if _CHECKSUM in fields else None,
    )


def _check(source: pa.NativeFile, page: Page, column: str, path: str) -> None:
    if zlib.crc32(source.read_at(page.size_bytes, page.offset)) != page.checksum:
        message = f"column {column}: the page at byte {page.offset} fails its checksum"
        raise CorruptPage(message, path=path)


def _any_between(
    wanted: "np.ndarray[tuple[int], np.dtype[np.int64]]", first: int, after: int
) -> bool:
    low, high = np.searchsorted(wanted, (first, after))
    return bool(low < high)


def _struct(data: bytes, at: int) -> tuple[dict[int, Any], int]:
    """(value by field id, position after) of a Thrift compact struct."""
    fields: dict[int, Any] = {}
    number = 0
    while (head := data[at]) != 0:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _zigzag(data, at)
        fields[number], at = _value(data, at, head & 0x0F)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind in {_TRUE, _FALSE}:
        return kind == _TRUE, at
    if kind == _BYTE:
        return data[at], at + 1
    if kind in {_I16, _I32, _I64}:
        return _zigzag(data, at)
    if kind == _DOUBLE:
        return None, at + 8
    if kind == _BINARY:
        length, at = _varint(data, at)
        return None, at + length
    if kind == _STRUCT:
        return _struct(data, at)
    raise ValueError(f"a page header has no field of kind {kind}")


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
