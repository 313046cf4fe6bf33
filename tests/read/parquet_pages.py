"""Where the pages of a Parquet file lie, so that a test can damage exactly one of them.

pyarrow tells where a column chunk begins and ends and not where its pages do, so this reads the
page headers: structs in Thrift's compact protocol (Parquet format, "Data Pages", parquet.thrift).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

_COMPRESSED_SIZE, _CHECKSUM = 3, 4
"""Fields of PageHeader."""
_STOP, _TRUE, _FALSE, _BYTE, _INTEGERS, _DOUBLE, _BINARY, _STRUCT = 0, 1, 2, 3, (4, 5, 6), 7, 8, 12


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a column in a row group; its body is what a checksum covers."""

    group: int
    column: str
    header_start: int
    body_start: int
    body_end: int
    has_checksum: bool

    @property
    def size(self) -> int:
        return self.body_end - self.body_start


def pages(content: bytes) -> Iterator[Page]:
    """Every page of a sound file, dictionary pages included, in the order of the columns."""
    metadata = pq.read_metadata(pa.BufferReader(content))
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(index)
            start = chunk.dictionary_page_offset or chunk.data_page_offset
            end = start + chunk.total_compressed_size
            while start < end:
                header = _Header(content, start)
                body_end = header.end + header.fields[_COMPRESSED_SIZE]
                yield Page(
                    group=group,
                    column=chunk.path_in_schema,
                    header_start=start,
                    body_start=header.end,
                    body_end=body_end,
                    has_checksum=_CHECKSUM in header.fields,
                )
                start = body_end


class _Header:
    """The integer fields of one page header, and where it ends."""

    def __init__(self, content: bytes, start: int) -> None:
        self._content = content
        self._at = start
        self.fields: dict[int, int] = {}
        self._struct(self.fields)
        self.end = self._at

    def _struct(self, fields: dict[int, int]) -> None:
        number = 0
        while (head := self._byte()) & 0x0F != _STOP:
            kind, step = head & 0x0F, head >> 4
            number = number + step if step else self._zigzag()
            if kind in _INTEGERS:
                fields[number] = self._zigzag()
            elif kind == _STRUCT:
                self._struct({})
            else:
                self._skip(kind)

    def _skip(self, kind: int) -> None:
        if kind == _BYTE:
            self._at += 1
        elif kind == _DOUBLE:
            self._at += 8
        elif kind == _BINARY:
            length = self._varint()
            self._at += length
        elif kind not in (_TRUE, _FALSE):
            raise ValueError(f"page headers have no field of Thrift type {kind}")

    def _byte(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def _varint(self) -> int:
        value, shift = 0, 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift

    def _zigzag(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)
