"""The hot requests of the incremental source, dropped once they are in files.

Between two answers it holds exactly the requests that were unflushed when the server spoke last;
or it says how many it has no room for. The oldest are kept then: what is dropped is never what
the server has flushed next.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from indexer.errors import HotUnavailable
from indexer.hot.decoding import Decoder
from indexer.hot.metadata import MetadataRuns
from indexer.hot.requests import HotRequests, Requests
from indexer.system.counted_nouns import counted
from indexer.wire.generated import ingestion_pb2 as wire
from indexer.wire.keys import KEY_BYTES

UNDECODED_BYTES_MAX = 24 * 1024 * 1024
"""Bodies kept undecoded: 6 ms of search for a trace, 0.4 s of decoding for a list. It is what one
flush takes. While questions come, what is beyond has the oldest decoded as it is loaded; while none
come nothing is decoded."""
_MERGE_BELOW = 2
"""A part is joined to the one before unless that is larger by this factor: few parts, each row
copied a logarithmic number of times."""
_MERGED_MAX = 16_384
"""Rows and requests of a part that is copied together: 10 ms, which a question waits for."""


class HotBuffer:
    """``begin`` an answer, ``add`` its messages, ``finish`` it with the state; one thread.

    An answer that breaks off needs no call: what it brought is kept, and believed once the server
    says that the log is still the same.
    """

    def __init__(
        self, decoder: Decoder, *, bytes_max: int, is_asked: Callable[[], bool] = lambda: True
    ) -> None:
        """``is_asked``: whether somebody may ask for all rows soon."""
        self._decoder = decoder
        self._bytes_max = bytes_max
        self._is_asked = is_asked
        self.clear()

    def clear(self) -> None:
        """Start over."""
        self.wal_id = ""
        self.newest_key = b""
        """Of what is held or was; the next answer begins after it."""
        self._parts: list[Requests] = []
        self._answer_from = 0
        self._left_out = 0
        self._lacks_newest = False
        self._rows: HotRequests | None = None
        self._runs = MetadataRuns()

    def begin(self) -> None:
        """An answer to a question after ``newest_key`` of ``wal_id`` follows."""
        self._answer_from = len(self._parts)
        self._left_out = 0

    def add(self, requests: Sequence[wire.HotRequest]) -> None:
        """Take what arrived. Raises HotUnavailable when the keys cannot be."""
        if not requests:
            return
        if self._left_out:
            self._left_out += len(requests)
            return
        keys = [request.key for request in requests]
        before = self._parts[-1].keys[-1] if len(self._parts) > self._answer_from else b""
        if not _ascending([before, *keys]) or any(len(key) != KEY_BYTES for key in keys):
            self.clear()
            raise HotUnavailable("the ingestion service sends keys out of order")
        part = Requests.from_wire(self._decoder, requests)
        if self.nbytes + part.nbytes > self._bytes_max:
            self._left_out = len(requests)
            return
        self._parts.append(part)
        self.newest_key = keys[-1]
        if self._is_asked():
            self._decode_old()
        self._rows = None

    def finish(self, state: wire.HotState) -> None:
        """The answer is complete: of another log it replaces all, and what is flushed goes."""
        if state.wal_id != self.wal_id:
            del self._parts[: self._answer_from]
            self.wal_id = state.wal_id
            self.newest_key = self._parts[-1].keys[-1] if self._parts else b""
        if any(one.keys[-1] >= other.keys[0] for one, other in pairwise(self._parts)):
            self.clear()
            raise HotUnavailable("the ingestion service repeats keys of the same log")
        self._lacks_newest = self.newest_key < state.newest_key > state.flushed_key
        self._drop(state.flushed_key)
        self._join_small()
        self._runs.keep(self._parts)
        self._rows = None

    @property
    def nbytes(self) -> int:
        """Memory held; decoded requests count whole until the last one of their part is flushed."""
        return sum(part.nbytes for part in self._parts)

    @property
    def problems(self) -> tuple[str, ...]:
        """Why not everything is in the rows."""
        found = []
        if self._left_out:
            found.append(f"hot buffer full: {self._left_out} export requests are left out")
        elif self._lacks_newest:
            found.append("the ingestion service holds newer export requests than it sent")
        unreadable = [key for part in self._parts for key in part.unreadable]
        if unreadable:
            first = unreadable[0].hex()
            number = len(unreadable)
            those = counted(number, "export request does", "export requests do")
            found.append(f"{those} not decode, the first is {first}")
        return tuple(found)

    def rows(self) -> HotRequests:
        """All that is held, one value between two changes."""
        if self._rows is None:
            self._rows = HotRequests(self._decoder, self._parts, self._runs)
        return self._rows

    def _drop(self, flushed_key: bytes) -> None:
        kept = [part for part in self._parts if part.keys[-1] > flushed_key]
        if kept:
            kept[0] = kept[0].after(flushed_key)
        self._parts = kept

    def _decode_old(self) -> None:
        undecoded = sum(part.body_bytes for part in self._parts)
        for part in self._parts:
            if undecoded <= UNDECODED_BYTES_MAX:
                return
            undecoded -= part.body_bytes
            part.rows()

    def _join_small(self) -> None:
        joined: list[Requests] = []
        for part in self._parts:
            joined.append(part)
            while len(joined) > 1 and (both := _joined(joined[-2], joined[-1])):
                joined[-2:] = [both]
        self._parts = joined


def _joined(one: Requests, other: Requests) -> Requests | None:
    """Both as one, if both are decoded and it pays."""
    first, second = one.decoded, other.decoded
    if first is None or second is None:
        return None
    sizes = [rows.table.num_rows + len(rows.keys) for rows in (first, second)]
    if sizes[0] >= _MERGE_BELOW * sizes[1] or sum(sizes) > _MERGED_MAX:
        return None
    return one.joined(other)


def _ascending(keys: Sequence[bytes]) -> bool:
    return all(one < other for one, other in pairwise(keys))
