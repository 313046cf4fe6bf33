"""Decode the values of a few rows of a column, from exactly the pages that hold them.

A trace wants a dozen rows of a file with a hundred thousand. Libraries decode whole row groups;
this reads the dictionary and the pages with a wanted row, verifies their checksums, and decodes
those values (Parquet format, "Data Pages", "Encodings"). It knows what span writers write: flat
text and integers, plain or by dictionary, both kinds of data pages. For anything else it raises
NotDecodedHere, and pyarrow reads the row group.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from indexer.errors import CorruptPage
from indexer.parquet.chunk_statistics import Constant
from indexer.parquet.column_chunks import ColumnChunk
from indexer.parquet.hybrid import BYTE_BITS, all_numbers, numbers_at, ranks, single_number
from indexer.parquet.page_maps import CODES_MAX, DICTIONARY_BYTES_MAX, Codes, PageMap
from indexer.parquet.pages import Page, page_bytes
from indexer.read.byte_arrays import LENGTH_BYTES, ByteArrays, equal_stride

PAGE_BYTES_MAX = 64 << 20
"""Writers aim at 1 MiB; a page that claims more is left to pyarrow's own limits."""

LARGE_PAGE_BYTES = 1 << 20
"""Before compression: some pages of so many bytes take as long as an answer may without waiting."""

_CODECS = {0: None, 1: "snappy", 2: "gzip", 4: "brotli", 6: "zstd", 7: "lz4_raw"}
_INT32, _INT64, _BYTE_ARRAY = 1, 2, 6  # Type
_NUMBER_BYTES = {_INT32: 4, _INT64: 8}
_REQUIRED, _OPTIONAL = 0, 1  # FieldRepetitionType
_PLAIN, _PLAIN_DICTIONARY, _RLE, _RLE_DICTIONARY = 0, 2, 3, 8  # Encoding
_TEXTS = {0, 4, 19}  # ConvertedType: UTF8, ENUM, JSON
_SIGNED = {15, 16, 17, 18}
_UNSIGNED = {11, 12, 13, 14}
_ENCODING, _LEVEL_ENCODING = 2, 3  # DataPageHeader; the first also DictionaryPageHeader
_TOO_FEW = "a page holds fewer values than it says"
_V2_ENCODING, _V2_LEVEL_BYTES, _V2_REPETITION_BYTES, _V2_COMPRESSED = 4, 5, 6, 7


def decode_text(stored: bytes | memoryview) -> str:
    """Text; bytes that are not UTF-8 are replaced."""
    return str(stored, "utf-8", "replace")


def decode_texts(stored: Sequence[bytes]) -> list[str]:
    """The same of several."""
    return [str(one, "utf-8", "replace") for one in stored]


class NotDecodedHere(Exception):
    """A column stored in a way that this module does not know. Never leaves ``read``."""


Stored = list[Any] | ByteArrays
"""Values by their place."""


class ChunkReader:
    """The values of chosen rows of one column chunk. Raises NotDecodedHere when made."""

    def __init__(
        self,
        source: pa.NativeFile,
        chunk: ColumnChunk,
        path: str,
        kept: PageMap | None = None,
        texts_of: Callable[[Sequence[bytes]], list[Any]] = decode_texts,
        row_count: int = 0,
        before_large: Callable[[], None] = lambda: None,
    ) -> None:
        """``kept`` knows where pages lie; ``texts_of`` makes values of the bytes of texts.

        ``row_count`` is that of the row group; without it nothing is kept of what a page says of
        all rows. ``before_large`` is called before a page of more than ``LARGE_PAGE_BYTES`` is
        decoded.
        """
        self._source, self._chunk, self._path = source, chunk, path
        self._kept, self._texts_of = kept or PageMap([]), texts_of
        self._is_text = chunk.converted_type in _TEXTS
        self._row_count, self._before_large = row_count, before_large
        known = chunk.is_flat and chunk.repetition in {_REQUIRED, _OPTIONAL}
        if not known or chunk.codec not in _CODECS or not _is_known_type(chunk):
            raise NotDecodedHere(chunk.path_in_schema)
        self._dictionary_page: Page | None = None
        self._dictionary: Stored | None = None

    def values(self, rows: Sequence[int]) -> list[Any]:
        """One value or None for each row, counted from the start of the row group.

        Raises CorruptPage when a page that one of the rows needs is damaged.
        """
        constant = self._kept.constant(self._chunk)
        if constant is not None:
            return self._made([constant.value]) * len(rows)
        known = self._kept.codes(self._chunk)
        if known is not None:
            codes = [known.codes[row] for row in rows]
            distinct = list(set(codes))
            made = self._made([known.values[code] for code in distinct])
            value_of = dict(zip(distinct, made, strict=True))
            return [value_of[code] for code in codes]
        wanted = sorted(set(rows))
        lowest = wanted[0] if wanted else 0
        found: dict[int, Any] = {}
        for first, page in self._kept.pages_from(self._source, self._chunk, self._path, lowest):
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
        if len(found) < len(wanted):
            raise self._corrupt("its pages hold fewer rows than its row group")
        return [found[row] for row in rows]

    def _page_values(self, page: Page, at: list[int]) -> list[Any]:
        levels, body = self._split(page)
        if page.value_count == self._row_count:
            self._keep_whole(page, levels, body)
        if levels is None or single_number(levels, 0, 1, page.value_count) == 1:
            return self._stored(page, body, at)
        places = ranks(levels, at)
        held = [place for place in places if place is not None]
        stored = dict(zip(held, self._stored(page, body, held), strict=True))
        return [None if place is None else stored[place] for place in places]

    def _stored(self, page: Page, body: bytes, places: list[int]) -> list[Any]:
        """The values at ascending places among those that are not null, as Python has them."""
        if not places:
            return []
        if _encoding(page) == _PLAIN:
            return self._made(self._taken(self._plain(body, places[-1] + 1), places))
        if not _is_coded(page):
            raise NotDecodedHere(self._chunk.path_in_schema)
        codes = numbers_at(body, 1, body[0], places)
        dictionary = self._read_dictionary()
        if max(codes) >= len(dictionary):
            raise self._corrupt("a value refers beyond its dictionary")
        return self._made([self._stored_at(dictionary, code) for code in codes])

    def _keep_whole(self, page: Page, levels: bytes | None, body: bytes) -> None:
        """Keep what a page says of its rows, which are all of the row group, where it is little."""
        held = 1 if levels is None else single_number(levels, 0, 1, page.value_count)
        if held == 0:
            self._kept.keep_constant(self._chunk, Constant(None))
        elif held == 1 and (stored := self._only_value(page, body)) is not None:
            self._kept.keep_constant(self._chunk, Constant(stored))
        elif held == 1 and _is_coded(page) and self._kept.wants_codes(self._chunk):
            self._keep_codes(page, body)

    def _keep_codes(self, page: Page, body: bytes) -> None:
        dictionary = self._read_dictionary()
        is_small = 0 < body[0] <= BYTE_BITS and page.value_count <= CODES_MAX
        if isinstance(dictionary, list) and is_small:
            codes = all_numbers(body, 1, body[0], page.value_count)
            if max(codes) < len(dictionary):
                self._kept.keep_codes(self._chunk, Codes(dictionary, codes))

    def _only_value(self, page: Page, body: bytes) -> Any:
        """The value that every row of a page without nulls has; None where they differ."""
        count = page.value_count
        if _is_coded(page):
            code = single_number(body, 1, body[0], count)
            dictionary = self._read_dictionary()
            return None if code is None or code >= len(dictionary) else dictionary[code]
        stride = len(body) // count
        if _encoding(page) != _PLAIN or body != body[:stride] * count:
            return None
        size = _NUMBER_BYTES.get(self._chunk.physical_type) or equal_stride(body)
        return self._plain(body, count)[0] if size == stride else None

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
        ahead = LENGTH_BYTES + int.from_bytes(content[:LENGTH_BYTES], "little")
        if ahead > len(content):
            raise self._corrupt("the levels of a page overrun it")
        return content[LENGTH_BYTES:ahead], content[ahead:]

    def _plain_bytes(self, stored: bytes, size_bytes: int) -> bytes:
        codec = _CODECS[self._chunk.codec]
        if codec is None or not (stored or size_bytes):
            return stored
        if not 0 <= size_bytes <= PAGE_BYTES_MAX:
            raise NotDecodedHere(self._chunk.path_in_schema)
        if size_bytes > LARGE_PAGE_BYTES:
            self._before_large()
        plain: bytes = pa.decompress(stored, size_bytes, codec=codec, asbytes=True)
        return plain

    def _read_dictionary(self) -> Stored:
        if self._dictionary is None:
            self._dictionary = self._kept.dictionary(self._chunk) or self._decoded_dictionary()
        return self._dictionary

    def _decoded_dictionary(self) -> Stored:
        page = self._dictionary_page
        if page is None:
            raise self._corrupt("there are codes and no dictionary")
        if page.data_header.get(_ENCODING) not in {_PLAIN, _PLAIN_DICTIONARY}:
            raise NotDecodedHere(self._chunk.path_in_schema)
        stored = page_bytes(self._source, page, self._chunk.path_in_schema, self._path)
        values = self._plain(self._plain_bytes(stored, page.plain_size_bytes), page.value_count)
        if page.plain_size_bytes > DICTIONARY_BYTES_MAX:
            return values
        small = [self._stored_at(values, place) for place in range(len(values))]
        self._kept.keep_dictionary(self._chunk, small, page.plain_size_bytes)
        return small

    def _plain(self, body: bytes, count: int) -> Stored:
        """The first ``count`` values of a plain encoding, text as bytes."""
        kind = self._chunk.physical_type
        if kind == _BYTE_ARRAY:
            return ByteArrays(body, count)
        size = _NUMBER_BYTES[kind]
        if count * size > len(body):
            raise self._corrupt(_TOO_FEW)
        sign = "u" if self._chunk.converted_type in _UNSIGNED else "i"
        numbers: list[Any] = np.frombuffer(body, f"<{sign}{size}", count).tolist()
        return numbers

    def _taken(self, stored: Stored, places: Sequence[int]) -> list[Any]:
        """The values at ascending places."""
        if not isinstance(stored, ByteArrays):
            return [self._stored_at(stored, place) for place in places]
        try:
            return stored.take(places)
        except IndexError as error:
            raise self._corrupt(_TOO_FEW) from error

    def _stored_at(self, stored: Stored, place: int) -> Any:
        try:
            return stored[place]
        except IndexError as error:
            raise self._corrupt(_TOO_FEW) from error

    def _made(self, stored: list[Any]) -> list[Any]:
        """Values as Python has them, of one column: none or all of them are NULL."""
        return (
            self._texts_of(stored) if self._is_text and stored and stored[0] is not None else stored
        )

    def _corrupt(self, what: str) -> CorruptPage:
        return CorruptPage(f"column {self._chunk.path_in_schema}: {what}", path=self._path)


def _encoding(page: Page) -> Any:
    return page.data_header.get(_V2_ENCODING if page.is_v2 else _ENCODING)


def _is_coded(page: Page) -> bool:
    """Whether its values are places in the dictionary."""
    return _encoding(page) in {_PLAIN_DICTIONARY, _RLE_DICTIONARY}


def _is_known_type(chunk: ColumnChunk) -> bool:
    """Text, bytes or an integer; a logical type without a converted one is too new for this."""
    if chunk.converted_type is None:
        return not chunk.has_logical_type and chunk.physical_type in {_INT32, _INT64, _BYTE_ARRAY}
    if chunk.physical_type == _BYTE_ARRAY:
        return chunk.converted_type in _TEXTS
    return chunk.physical_type in {_INT32, _INT64} and chunk.converted_type in _SIGNED | _UNSIGNED
