"""Where the pages of files lie, kept for files that are asked again and again.

A footer and the headers of a column's pages are read and parsed for every trace of a file, which
takes longer than decoding the one page that has its spans. They never change.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pyarrow as pa

from indexer.errors import CorruptPage
from indexer.model import ParquetFileInfo
from indexer.parquet.column_chunks import ColumnChunk, RowGroup
from indexer.parquet.pages import Page, pages

PART_BYTES = 640
"""Of a page or a column chunk that is kept (measured)."""
PARTS_MAX = 50_000
"""Pages and column chunks of all files together: 32 MB, some thousand files."""


class PageMap:
    """The column chunks of one file, and the pages of those that were asked for."""

    def __init__(self, groups: list[RowGroup]) -> None:
        self.groups = groups
        self._pages: dict[int, list[Page]] = {}

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
            self._pages[chunk.offset] = known
        return known

    @property
    def parts(self) -> int:
        """Column chunks, and pages that are kept."""
        chunks = sum(len(group.chunks) for group in self.groups)
        return chunks + sum(map(len, list(self._pages.values())))


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

    @contextmanager
    def of(self, info: ParquetFileInfo, read: Callable[[], list[RowGroup]]) -> Iterator[PageMap]:
        """The map of a file, whose footer is ``read`` where the map is not kept."""
        with self._lock:
            page_map = self._kept.get(info)
        page_map = page_map or PageMap(read())
        yield page_map
        self._keep(info, page_map)

    def _keep(self, info: ParquetFileInfo, page_map: PageMap) -> None:
        with self._lock:
            self._kept[info] = page_map
            self._kept.move_to_end(info)
            self._parts += page_map.parts - self._counted.get(info, 0)
            self._counted[info] = page_map.parts
            while self._parts > self._parts_max:
                oldest, _ = self._kept.popitem(last=False)
                self._parts -= self._counted.pop(oldest)
