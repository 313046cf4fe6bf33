"""Where the pages of a column lie, from a file's own bytes.

Page headers are read here (Parquet format, "Metadata" and parquet.thrift), because no library gives
the location of the page that holds a row.
"""

import zlib
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import CorruptPage
from indexer.parquet.column_chunks import ColumnChunk
from indexer.parquet.thrift import NOT_THRIFT, read_struct, whole

HEADER_BYTES = 256
"""Read for a header at first; more if it is longer."""
HEADER_BYTES_MAX = 64 << 20
"""Statistics in a header can hold two whole values of a column; more than this is not a header."""

_PAGE_TYPE, _PLAIN_SIZE, _STORED_SIZE, _CHECKSUM = 1, 2, 3, 4  # PageHeader
_DATA_V1, _DICTIONARY, _DATA_V2 = 5, 7, 8  # PageHeader, one of them
_DICTIONARY_PAGE = 2  # PageType


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: where its bytes are, how many values it holds, its checksum if it has one."""

    offset: int
    size_bytes: int
    plain_size_bytes: int
    """Before compression."""
    value_count: int
    is_dictionary: bool
    checksum: int | None
    data_header: dict[int, Any]
    """DataPageHeader, DataPageHeaderV2 or DictionaryPageHeader, by field id."""
    is_v2: bool


def pages(source: pa.NativeFile, chunk: ColumnChunk, path: str) -> Iterator[Page]:
    """The pages of a column chunk, in order. Raises CorruptPage for an invalid header."""
    offset = chunk.offset
    end = offset + chunk.size_bytes
    while offset < end:
        page = _read_page(source, offset, end, path)
        if not 0 <= page.size_bytes <= end - page.offset or page.value_count < 0:
            raise CorruptPage(f"the page at byte {offset} overruns its column", path=path)
        yield page
        offset = page.offset + page.size_bytes


def page_bytes(source: pa.NativeFile, page: Page, column: str, path: str) -> bytes:
    """A page's bytes as they are stored. Raises CorruptPage when they fail their checksum."""
    content: bytes = source.read_at(page.size_bytes, page.offset)
    if len(content) != page.size_bytes:
        raise CorruptPage(f"column {column}: the file ends inside a page", path=path)
    if page.checksum is not None and zlib.crc32(content) != page.checksum:
        message = f"column {column}: the page at byte {page.offset} fails its checksum"
        raise CorruptPage(message, path=path)
    return content


def _read_page(source: pa.NativeFile, offset: int, end: int, path: str) -> Page:
    size = HEADER_BYTES
    while True:
        header = source.read_at(min(size, end - offset), offset)
        try:
            fields, length = read_struct(header)
            return _page(fields, offset + length)
        except IndexError as error:  # the header goes on
            if size >= min(HEADER_BYTES_MAX, end - offset):
                raise CorruptPage(f"no page header at byte {offset}", path=path) from error
            size *= 8
        except NOT_THRIFT as error:
            raise CorruptPage(f"no page header at byte {offset}", path=path) from error


def _page(fields: dict[int, Any], offset: int) -> Page:
    present = [number for number in (_DATA_V1, _DATA_V2, _DICTIONARY) if number in fields]
    header: dict[int, Any] = fields[present[0]] if present else {}
    if not isinstance(header, dict):
        raise TypeError("a page's own header is a struct")
    is_dictionary = fields[_PAGE_TYPE] == _DICTIONARY_PAGE
    return Page(
        offset=offset,
        size_bytes=whole(fields[_STORED_SIZE]),
        plain_size_bytes=whole(fields[_PLAIN_SIZE]),
        value_count=whole(header.get(1, 0)),
        is_dictionary=is_dictionary,
        checksum=whole(fields[_CHECKSUM]) & 0xFFFFFFFF if _CHECKSUM in fields else None,
        data_header=header,
        is_v2=_DATA_V2 in fields,
    )
