"""Where the pages of files lie, kept for files that are asked again and again.

A footer and the headers of a column's pages are read and parsed for every trace of a file, which
takes longer than decoding the one page that has its spans. They never change, and neither does a
value that all rows of a column have.
"""

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import CorruptPage
from indexer.model import ParquetFileInfo
from indexer.parquet.chunk_statistics import CONSTANT_BYTES_MAX, Constant
from indexer.parquet.column_chunks import ColumnChunk, RowGroup
from indexer.parquet.pages import Page, pages

PART_BYTES = 640
"""Of a page or a column chunk that is kept (measured)."""
PARTS_MAX = 50_000
"""Pages and column chunks of all files together: 32 MB, some thousand files."""
DICTIONARY_BYTES_MAX = 4_096
"""Of a dictionary that is kept, as it is stored: names of services and scopes, their resources."""
CODES_MAX = 1 << 17
"""Of a column chunk whose codes are kept, a byte each: more than span writers put in one."""
ENTRY_BYTES = 50
"""What a value of a dictionary takes in Python beside its own bytes."""


@dataclass(frozen=True, slots=True)
class Codes:
    """What each row of a column chunk has, of a few values: services, scopes, their resources."""

    values: list[Any]
    """As they are stored."""
    codes: bytes
    """The place in ``values`` of each row's own."""


class PageMap:
    """The column chunks of one file, and of those that were asked for where their pages lie.

    Where it is little, what they hold as well: a value that all rows have, or a dictionary. Both
    are kept once their pages were verified, like the places of pages, or a known footer says so.
    """

    def __init__(self, groups: list[RowGroup], *, is_footer_known: bool = False) -> None:
        """``is_footer_known`` says that the footer is the one that was indexed, bit by bit."""
        self.groups = groups
        self._pages: dict[int, list[Page]] = {}
        self._starts: dict[int, list[int]] = {}
        """Rows before each of them."""
        self._constants: dict[int, Constant] = _constants(groups) if is_footer_known else {}
        self._dictionaries: dict[int, list[Any]] = {}
        self._codes: dict[int, Codes] = {}
        self._read_once: set[int] = set()
        self._chunks: dict[int, dict[int, ColumnChunk | None]] = {}
        self._lock = threading.Lock()
        self.layout: Any = None
        """What a reader makes of the columns, left here for its next call: a page a row group."""
        self.parts = sum(len(group.chunks) for group in groups)
        self.parts += len(self._constants) + len(groups)
        """What is kept, in units of ``PART_BYTES``."""
        self.parts_kept = 0
        """As many as there were when the map was kept last."""

    def chunk(self, number: int, position: int) -> ColumnChunk | None:
        """The one chunk of a column in a row group, by their numbers; None where it has others."""
        found = self._chunks.get(number)
        if found is None:
            found = {}
            for one in self.groups[number].chunks:
                found[one.position] = None if one.position in found else one
            self._chunks[number] = found
        return found.get(position)

    def pages(self, source: pa.NativeFile, chunk: ColumnChunk, path: str) -> Iterable[Page]:
        """The pages of a column chunk, in order.

        Raises CorruptPage for a header that is none, but not before the pages ahead of it were
        given: what is sound in a damaged file is read.
        """
        known = self._pages.get(chunk.offset)
        if known is None:
            try:
                known = list(pages(source, chunk, path))
            except CorruptPage:
                return pages(source, chunk, path)
            self._keep(self._pages, chunk, known, len(known))
        return known

    def pages_from(
        self, source: pa.NativeFile, chunk: ColumnChunk, path: str, row: int
    ) -> Iterator[tuple[int, Page]]:
        """From the page on that has a row, each page with the rows before it; a dictionary first.

        Rows are counted from the start of the row group. Pages of before may come as well. Raises
        like ``pages``.
        """
        found = self.pages(source, chunk, path)
        if not isinstance(found, list):  # as far as it is sound
            yield from _started(found)
            return
        starts = self._starts.get(chunk.offset)
        if starts is None:
            starts = self._starts[chunk.offset] = [before for before, _ in _started(found)]
        at = max(0, bisect_right(starts, row) - 1)
        yield from ((0, page) for page in found[:1] if at and page.is_dictionary)
        for place in range(at, len(found)):
            yield starts[place], found[place]

    def constant(self, chunk: ColumnChunk) -> Constant | None:
        """What every row of the chunk has, where that is known."""
        return self._constants.get(chunk.offset)

    def keep_constant(self, chunk: ColumnChunk, constant: Constant) -> None:
        """Every row of the chunk has it. A long one is not kept."""
        value = constant.value
        if not isinstance(value, bytes) or len(value) <= CONSTANT_BYTES_MAX:
            self._keep(self._constants, chunk, constant, 1)

    def dictionary(self, chunk: ColumnChunk) -> list[Any] | None:
        """The values of the chunk's dictionary, as they are stored, where they are kept."""
        return self._dictionaries.get(chunk.offset)

    def keep_dictionary(self, chunk: ColumnChunk, values: list[Any], size_bytes: int) -> None:
        """The dictionary has these, which take so many bytes as they are stored."""
        size_bytes += ENTRY_BYTES * len(values)
        self._keep(self._dictionaries, chunk, values, -(-size_bytes // PART_BYTES))

    def codes(self, chunk: ColumnChunk) -> Codes | None:
        """What each row of the chunk has, where that is kept."""
        return self._codes.get(chunk.offset)

    def wants_codes(self, chunk: ColumnChunk) -> bool:
        """Whether all codes of the chunk are worth decoding: it was read before."""
        if chunk.offset in self._read_once:
            return True
        self._read_once.add(chunk.offset)
        return False

    def keep_codes(self, chunk: ColumnChunk, codes: Codes) -> None:
        """Each row of the chunk has that, of the dictionary that is kept."""
        self._keep(self._codes, chunk, codes, -(-len(codes.codes) // PART_BYTES))

    def _keep(self, kept: dict[int, Any], chunk: ColumnChunk, value: Any, parts: int) -> None:
        with self._lock:
            if chunk.offset not in kept:
                kept[chunk.offset] = value
                self.parts += parts


class PageMaps:
    """The maps of the files that were asked last. For any thread."""

    def __init__(self, parts_max: int = PARTS_MAX) -> None:
        self._parts_max = parts_max
        self._kept: OrderedDict[ParquetFileInfo, PageMap] = OrderedDict()
        self._counted: dict[ParquetFileInfo, int] = {}
        self._parts = 0
        self._lock = threading.Lock()

    def resize(self, parts_max: int) -> None:
        """Keep so many parts from now on."""
        with self._lock:
            self._parts_max = parts_max

    def find(self, info: ParquetFileInfo) -> PageMap | None:
        """The map of a file that is asked, where it is kept."""
        with self._lock:
            found = self._kept.get(info)
            if found is not None:
                self._kept.move_to_end(info)
        return found

    def keep(self, info: ParquetFileInfo, page_map: PageMap) -> None:
        """A file was asked, and its map has what it has now."""
        if page_map.parts == page_map.parts_kept:
            return
        page_map.parts_kept = page_map.parts
        with self._lock:
            self._kept[info] = page_map
            self._kept.move_to_end(info)
            parts = page_map.parts
            self._parts += parts - self._counted.get(info, 0)
            self._counted[info] = parts
            while self._parts > self._parts_max:
                oldest, _ = self._kept.popitem(last=False)
                self._parts -= self._counted.pop(oldest)


def _started(found: Iterable[Page]) -> Iterator[tuple[int, Page]]:
    """Each page with the rows before it."""
    before = 0
    for page in found:
        yield before, page
        before += 0 if page.is_dictionary else page.value_count


def _constants(groups: Iterable[RowGroup]) -> dict[int, Constant]:
    """By the offset of their chunk."""
    chunks = (chunk for group in groups for chunk in group.chunks)
    return {one.offset: one.constant for one in chunks if one.constant is not None}
