"""Decode the values of a few rows of a column, from exactly the pages that hold them.

A trace wants a dozen rows of a file with a hundred thousand. Libraries decode whole row groups;
this reads the dictionary and the pages with a wanted row, verifies their checksums, and decodes
those values (Parquet format, "Data Pages", "Encodings"). It knows what span writers write: flat
text and integers, plain or by dictionary, both kinds of data pages. For anything else it raises
NotDecodedHere, and pyarrow reads the row group.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from indexer.errors import CorruptPage
from indexer.parquet.column_chunks import ColumnChunk
from indexer.parquet.hybrid import numbers_at, ranks
from indexer.parquet.pages import Page, page_bytes, pages

PAGE_BYTES_MAX = 64 << 20
"""Writers aim at 1 MiB; a page that claims more is left to pyarrow's own limits."""

_CODECS = {0: None, 1: "snappy", 2: "gzip", 4: "brotli", 6: "zstd", 7: "lz4_raw"}
_INT32, _INT64, _BYTE_ARRAY = 1, 2, 6  # Type
_REQUIRED, _OPTIONAL = 0, 1  # FieldRepetitionType
_PLAIN, _PLAIN_DICTIONARY, _RLE, _RLE_DICTIONARY = 0, 2, 3, 8  # Encoding
_TEXTS = {0, 4, 19}  # ConvertedType: UTF8, ENUM, JSON
_SIGNED = {15, 16, 17, 18}
_UNSIGNED = {11, 12, 13, 14}
_LENGTH = struct.Struct("<I")
_LENGTH_BYTES = _LENGTH.size
_ENCODING, _LEVEL_ENCODING = 2, 3  # DataPageHeader; the first also DictionaryPageHeader
_V2_ENCODING, _V2_LEVEL_BYTES, _V2_REPETITION_BYTES, _V2_COMPRESSED = 4, 5, 6, 7


PagesOf = Callable[[pa.NativeFile, ColumnChunk, str], Iterable[Page]]
"""Finds the pages of a column chunk, as ``pages`` does."""


def decode_text(stored: bytes | memoryview) -> str:
    """Text; bytes that are not UTF-8 are replaced."""
    return str(stored, "utf-8", "replace")


class NotDecodedHere(Exception):
    """A column stored in a way that this module does not know. Never leaves ``read``."""


class ByteArrays:
    """Texts of a plain encoding, which are walked only as far as somebody asks."""

    def __init__(self, body: bytes, count: int) -> None:
        self._body, self._count = body, count
        self._starts = [0]

    def __len__(self) -> int:
        """As many as there should be."""
        return self._count

    def __getitem__(self, place: int) -> bytes:
        """One of them. Raises IndexError for one that the bytes do not hold."""
        starts, body = self._starts, self._body
        start = starts[-1]
        length_of = _LENGTH.unpack_from
        try:
            while len(starts) <= place + 1:
                start += _LENGTH_BYTES + length_of(body, start)[0]
                starts.append(start)
        except struct.error as error:
            raise IndexError(place) from error
        if starts[place + 1] > len(body):
            raise IndexError(place)
        return body[starts[place] + _LENGTH_BYTES : starts[place + 1]]


Stored = list[Any] | ByteArrays
"""Values by their place."""


class ChunkReader:
    """The values of chosen rows of one column chunk. Raises NotDecodedHere when made."""

    def __init__(
        self,
        source: pa.NativeFile,
        chunk: ColumnChunk,
        path: str,
        pages_of: PagesOf = pages,
        text_of: Callable[[bytes], Any] = decode_text,
    ) -> None:
        """``text_of`` makes a value of the bytes of a text."""
        self._source, self._chunk, self._path = source, chunk, path
        self._pages_of, self._text_of = pages_of, text_of
        known = chunk.is_flat and chunk.repetition in {_REQUIRED, _OPTIONAL}
        if not known or chunk.codec not in _CODECS or not _is_known_type(chunk):
            raise NotDecodedHere(chunk.path_in_schema)
        self._dictionary_page: Page | None = None
        self._dictionary: Stored | None = None

    def values(self, rows: Sequence[int]) -> list[Any]:
        """One value or None for each row, counted from the start of the row group.

        Raises CorruptPage when a page that one of the rows needs is damaged.
        """
        wanted = sorted(set(rows))
        found: dict[int, Any] = {}
        first = 0
        for page in self._pages_of(self._source, self._chunk, self._path):
            if page.is_dictionary:
                self._dictionary_page = page
                continue
            after = first + page.value_count
            inside = [row - first for row in wanted if first <= row < after]
            if inside:
                values = self._page_values(page, inside)
                found.update(zip((first + at for at in inside), values, strict=True))
            if len(found) == len(wanted):
                break
            first = after
        if len(found) < len(wanted):
            raise self._corrupt("its pages hold fewer rows than its row group")
        return [found[row] for row in rows]

    def _page_values(self, page: Page, at: list[int]) -> list[Any]:
        levels, body = self._split(page)
        places: list[int | None] = list(at) if levels is None else ranks(levels, at)
        stored = self._stored(page, body, [place for place in places if place is not None])
        return [None if place is None else stored[place] for place in places]

    def _stored(self, page: Page, body: bytes, places: list[int]) -> dict[int, Any]:
        """The values at some places among those that are not null."""
        encoding = page.data_header.get(_V2_ENCODING if page.is_v2 else _ENCODING)
        if not places:
            return {}
        if encoding == _PLAIN:
            values = self._plain(body, places[-1] + 1)
            return {place: self._value(values, place) for place in places}
        if encoding not in {_PLAIN_DICTIONARY, _RLE_DICTIONARY}:
            raise NotDecodedHere(self._chunk.path_in_schema)
        codes = numbers_at(body, 1, body[0], places)
        dictionary = self._read_dictionary()
        if max(codes) >= len(dictionary):
            raise self._corrupt("a value refers beyond its dictionary")
        return {
            place: self._value(dictionary, code) for place, code in zip(places, codes, strict=True)
        }

    def _split(self, page: Page) -> tuple[bytes | None, bytes]:
        """(definition levels if the column may be null, values), both as they are encoded."""
        stored = page_bytes(self._source, page, self._chunk.path_in_schema, self._path)
        nullable = self._chunk.repetition == _OPTIONAL
        header = page.data_header
        if page.is_v2:
            length, skipped = header[_V2_LEVEL_BYTES], header[_V2_REPETITION_BYTES]
            ahead = length + skipped
            if not 0 <= skipped <= ahead <= len(stored):
                raise self._corrupt("the levels of a page overrun it")
            body = stored[ahead:]
            if header.get(_V2_COMPRESSED, True):
                body = self._plain_bytes(body, page.plain_size_bytes - ahead)
            return (stored[skipped:ahead] if nullable else None), body
        content = self._plain_bytes(stored, page.plain_size_bytes)
        if not nullable:
            return None, content
        if header.get(_LEVEL_ENCODING) != _RLE:
            raise NotDecodedHere(self._chunk.path_in_schema)
        ahead = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
        if ahead > len(content):
            raise self._corrupt("the levels of a page overrun it")
        return content[_LENGTH_BYTES:ahead], content[ahead:]

    def _plain_bytes(self, stored: bytes, size_bytes: int) -> bytes:
        codec = _CODECS[self._chunk.codec]
        if codec is None or not (stored or size_bytes):
            return stored
        if not 0 <= size_bytes <= PAGE_BYTES_MAX:
            raise NotDecodedHere(self._chunk.path_in_schema)
        plain: bytes = pa.decompress(stored, size_bytes, codec=codec, asbytes=True)
        return plain

    def _read_dictionary(self) -> Stored:
        if self._dictionary is None:
            page = self._dictionary_page
            if page is None:
                raise self._corrupt("there are codes and no dictionary")
            if page.data_header.get(_ENCODING) not in {_PLAIN, _PLAIN_DICTIONARY}:
                raise NotDecodedHere(self._chunk.path_in_schema)
            stored = page_bytes(self._source, page, self._chunk.path_in_schema, self._path)
            plain = self._plain_bytes(stored, page.plain_size_bytes)
            self._dictionary = self._plain(plain, page.value_count)
        return self._dictionary

    def _plain(self, body: bytes, count: int) -> Stored:
        """The first ``count`` values of a plain encoding, text as bytes."""
        kind = self._chunk.physical_type
        if kind == _BYTE_ARRAY:
            return ByteArrays(body, count)
        size = 4 if kind == _INT32 else 8
        if count * size > len(body):
            raise self._corrupt("a page holds fewer values than it says")
        sign = "u" if self._chunk.converted_type in _UNSIGNED else "i"
        numbers: list[Any] = np.frombuffer(body, f"<{sign}{size}", count).tolist()
        return numbers

    def _value(self, stored: Stored, place: int) -> Any:
        """A value as Python has it."""
        try:
            value = stored[place]
        except IndexError as error:
            raise self._corrupt("a page holds fewer values than it says") from error
        if self._chunk.converted_type in _TEXTS:
            return self._text_of(value)
        return value

    def _corrupt(self, what: str) -> CorruptPage:
        return CorruptPage(f"column {self._chunk.path_in_schema}: {what}", path=self._path)


def _is_known_type(chunk: ColumnChunk) -> bool:
    """Text, bytes or an integer; a logical type without a converted one is too new for this."""
    if chunk.converted_type is None:
        return not chunk.has_logical_type and chunk.physical_type in {_INT32, _INT64, _BYTE_ARRAY}
    if chunk.physical_type == _BYTE_ARRAY:
        return chunk.converted_type in _TEXTS
    return chunk.physical_type in {_INT32, _INT64} and chunk.converted_type in _SIGNED | _UNSIGNED
