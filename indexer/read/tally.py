"""What reading payload has cost: compressed bytes of files, and bytes of the texts in them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.parquet.column_chunks import RowGroup
from indexer.read.part import Part
from indexer.system.cached_storage import CachedFile, MustWait


@dataclass(slots=True)
class Tally:
    """What reading has cost."""

    bytes_read: int = 0
    """Compressed, as they lie in the files: footers, page headers and pages."""
    text_bytes: int = 0
    """Of the texts that were taken from them."""

    def count_texts(self, values: Iterable[Any]) -> None:
        """Values were taken, as ``read_payload`` has them."""
        for one in values:
            if one:
                self.text_bytes += len(one) if type(one) is str else text_bytes(one)


class Counted:
    """A file whose reads are counted."""

    def __init__(self, source: pa.NativeFile | CachedFile, tally: Tally) -> None:
        self._source = source
        self._tally = tally

    @property
    def whole(self) -> pa.NativeFile:
        """The file for those who read much of it. Raises MustWait like ``will_wait``."""
        self.will_wait()
        return self._source

    def will_wait(self) -> None:
        """Much is read, or takes long to decode. Raises MustWait where nobody may wait for that."""
        if isinstance(self._source, CachedFile):
            raise MustWait

    def size(self) -> int:
        """Bytes of the file."""
        size: int = self._source.size()
        return size

    def read_at(self, size_bytes: int, offset: int) -> bytes:
        """Some of them."""
        content: bytes = self._source.read_at(size_bytes, offset)
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


def text_bytes(value: Any) -> int:
    """Of a value, if it is a text."""
    stored = value.stored if isinstance(value, Part) else value
    return len(stored) if isinstance(stored, str | bytes) else 0
