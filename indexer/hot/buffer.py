"""The hot spans of the incremental source, decoded once, and dropped once they are in files.

Between two answers it holds exactly the requests that were unflushed when the server spoke last;
or it says how many it has no room for. The oldest are kept then: what is dropped is never what
the server has flushed next.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer._generated import ingestion_pb2 as wire
from indexer.errors import HotUnavailable
from indexer.hot.decoding import Decoder, decoded

KEY_BYTES = 16
"""Of a request's key, says the protocol."""
REQUEST_COST_BYTES = 100
"""What keeping a request's key costs beside its spans."""
_MERGE_BELOW = 2
"""A chunk is joined to the one before unless that is larger by this factor: few chunks, each row
copied a logarithmic number of times."""
_MERGED_MAX = 16_384
"""Rows and requests of a chunk that is copied together: 10 ms, which a question waits for."""


class HotBuffer:
    """``begin`` an answer, ``add`` its messages, ``finish`` it with the state; one thread.

    An answer that breaks off needs no call: what it brought is kept, and believed once the server
    says that the log is still the same.
    """

    def __init__(self, decoder: Decoder, *, bytes_max: int) -> None:
        self._decoder = decoder
        self._bytes_max = bytes_max
        self.clear()

    def clear(self) -> None:
        """Start over."""
        self.wal_id = ""
        self.newest_key = b""
        """Of what is held or was; the next answer begins after it."""
        self._chunks: list[_Chunk] = []
        self._answer_from = 0
        self._left_out = 0
        self._lacks_newest = False
        self._table: pa.Table | None = None

    def begin(self) -> None:
        """An answer to a question after ``newest_key`` of ``wal_id`` follows."""
        self._answer_from = len(self._chunks)
        self._left_out = 0

    def add(self, requests: Sequence[wire.HotRequest]) -> None:
        """Decode what arrived. Raises HotUnavailable when the keys cannot be."""
        if not requests:
            return
        if self._left_out:
            self._left_out += len(requests)
            return
        keys = [request.key for request in requests]
        before = self._chunks[-1].keys[-1] if len(self._chunks) > self._answer_from else b""
        if not _ascending([before, *keys]) or any(len(key) != KEY_BYTES for key in keys):
            self.clear()
            raise HotUnavailable("the ingestion service sends keys out of order")
        chunk = self._decoded(requests, keys)
        if self.nbytes + chunk.nbytes > self._bytes_max:
            self._left_out = len(requests)
            return
        self._chunks.append(chunk)
        self.newest_key = keys[-1]
        self._table = None

    def finish(self, state: wire.HotState) -> None:
        """The answer is complete: of another log it replaces all, and what is flushed goes."""
        if state.wal_id != self.wal_id:
            del self._chunks[: self._answer_from]
            self.wal_id = state.wal_id
            self.newest_key = self._chunks[-1].keys[-1] if self._chunks else b""
        if any(one.keys[-1] >= other.keys[0] for one, other in pairwise(self._chunks)):
            self.clear()
            raise HotUnavailable("the ingestion service repeats keys of the same log")
        self._lacks_newest = self.newest_key < state.newest_key > state.flushed_key
        self._drop(state.flushed_key)
        self._join_small()
        self._table = None

    @property
    def nbytes(self) -> int:
        """Memory held; a chunk counts whole until its last request is flushed."""
        return sum(chunk.nbytes for chunk in self._chunks)

    @property
    def problems(self) -> tuple[str, ...]:
        """Why not everything is in the table."""
        found = []
        if self._left_out:
            found.append(f"hot buffer full: {self._left_out} export requests are left out")
        elif self._lacks_newest:
            found.append("the ingestion service holds newer export requests than it sent")
        unreadable = [key for chunk in self._chunks for key in chunk.unreadable]
        if unreadable:
            first = unreadable[0].hex()
            found.append(f"{len(unreadable)} export requests do not decode, the first is {first}")
        return tuple(found)

    def table(self) -> pa.Table:
        """All rows, made once between two changes."""
        if self._table is None:
            tables = [chunk.table for chunk in self._chunks] or [self._decoder.empty()]
            self._table = pa.concat_tables(tables)
        return self._table

    def _decoded(self, requests: Sequence[wire.HotRequest], keys: list[bytes]) -> "_Chunk":
        bodies = [request.body for request in requests]
        found = decoded(self._decoder.requests, bodies, [one.span_count for one in requests])
        return _Chunk(
            keys=keys,
            ends=found.ends,
            table=found.table,
            unreadable=[keys[at] for at in found.unreadable],
            nbytes=found.table.nbytes + len(keys) * REQUEST_COST_BYTES,
        )

    def _drop(self, flushed_key: bytes) -> None:
        kept = [chunk for chunk in self._chunks if chunk.keys[-1] > flushed_key]
        if kept:
            kept[0] = kept[0].after(flushed_key)
        self._chunks = kept

    def _join_small(self) -> None:
        chunks = self._chunks
        while (
            len(chunks) > 1
            and chunks[-2].size < _MERGE_BELOW * chunks[-1].size
            and chunks[-2].size + chunks[-1].size <= _MERGED_MAX
        ):
            last = chunks.pop()
            chunks[-1] = chunks[-1].then(last)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Chunk:
    """Requests in order of key, and their rows: those of request ``i`` end before ``ends[i]``."""

    keys: list[bytes]
    ends: npt.NDArray[np.int64]
    table: pa.Table
    unreadable: list[bytes]
    nbytes: int

    @property
    def size(self) -> int:
        return int(self.table.num_rows) + len(self.keys)

    def after(self, key: bytes) -> "_Chunk":
        """Without the requests up to the key; the memory stays until the chunk goes."""
        count = bisect_right(self.keys, key)
        if not count:
            return self
        first = int(self.ends[count - 1])
        return replace(
            self,
            keys=self.keys[count:],
            ends=self.ends[count:] - first,
            table=self.table.slice(first),
            unreadable=[one for one in self.unreadable if one > key],
        )

    def then(self, other: "_Chunk") -> "_Chunk":
        """Both as one, copied together."""
        table = pa.concat_tables([self.table, other.table]).combine_chunks()
        keys = self.keys + other.keys
        return _Chunk(
            keys=keys,
            ends=np.concatenate([self.ends, other.ends + self.table.num_rows]),
            table=table,
            unreadable=self.unreadable + other.unreadable,
            nbytes=table.nbytes + len(keys) * REQUEST_COST_BYTES,
        )


def _ascending(keys: Sequence[bytes]) -> bool:
    return all(one < other for one, other in pairwise(keys))
