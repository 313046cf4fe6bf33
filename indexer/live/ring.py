"""The newest rows of one kind, in order of arrival: what is too much leaves at the old end.

Rows come in pieces and are kept in segments of some pieces each. Whole segments are let go; where
only the first rows of one have left, a number says how many. The caller holds a lock.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any

from indexer.deferred_dataclass import dataclass
from indexer.live.limits import PIECE_OVERHEAD_BYTES, RingLimits


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Some rows as they came: ``content`` is what a reader of the ring makes them of."""

    content: Any
    rows: int
    size_bytes: int


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Segment:
    """Neighbouring pieces, for good; what is made of them is kept as long as they are."""

    pieces: tuple[Piece, ...]
    first_row: int
    """The number of its first row, counted from the first one that the ring ever had."""
    rows: int
    first_byte: int
    size_bytes: int
    is_sealed: bool
    """Whether the ring has it as it is; it may still grow there otherwise."""

    @property
    def end_row(self) -> int:
        """The number after its last row."""
        return self.first_row + self.rows

    @property
    def end_byte(self) -> int:
        """The same in bytes."""
        return self.first_byte + self.size_bytes


@dataclass(frozen=True, slots=True)
class RingSnapshot:
    """The rows of a ring at one moment."""

    segments: tuple[Segment, ...]
    first_row: int
    """Rows of the first segment before this one have left."""
    tables: dict[str, Any] = field(default_factory=dict, compare=False)
    """What readers have worked out of it, by table: it goes with the snapshot."""

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.segments[-1].end_row - self.first_row if self.segments else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RingCounts:
    """What a ring holds and has held."""

    rows: int
    bytes: int
    max_rows: int
    max_bytes: int
    inserted_rows: int
    evicted_rows: int


class Ring:
    """Rows in order of arrival, at most so many and of so many bytes."""

    def __init__(self, limits: RingLimits, join: Callable[[Sequence[Any]], Any]) -> None:
        """``join`` makes one content of those of neighbouring pieces."""
        self.limits = limits
        self._join = join
        self._segments: deque[Segment] = deque()
        self._pieces: list[Piece] = []
        """Of the segment that is not sealed yet."""
        self._rows = self._bytes = 0
        """Of these pieces."""
        self._sealed_rows = self._sealed_bytes = 0
        """All that were ever sealed."""
        self._first_row = 0

    def append(self, pieces: Sequence[Piece]) -> None:
        """Add rows at the new end; as many as are too many leave at the old one."""
        for piece in pieces:
            if piece.rows:
                self._add(piece)
        self._first_row = max(self._first_row, self._end_row - self.limits.rows)
        self._evict()

    def emptied(self) -> "Ring":
        """A ring like this one without its rows."""
        return Ring(self.limits, self._join)

    def snapshot(self) -> RingSnapshot:
        """The rows that are in the ring now."""
        if self._rows * 4 >= self.limits.segment_rows:
            self._seal()  # so that its rows are not made again for the next query
        found = tuple(self._segments)
        if self._pieces:
            found = (*found, self._open(is_sealed=False))
        return RingSnapshot(found, self._first_row)

    @property
    def first_byte(self) -> int:
        """Of all bytes that the ring ever had, where those begin that it has."""
        return self._segments[0].first_byte if self._segments else self._sealed_bytes

    def counts(self) -> RingCounts:
        """What the ring holds and has held."""
        return RingCounts(
            rows=self._end_row - self._first_row,
            bytes=self._end_byte - self.first_byte,
            max_rows=self.limits.rows,
            max_bytes=self.limits.bytes,
            inserted_rows=self._end_row,
            evicted_rows=self._first_row,
        )

    @property
    def _end_row(self) -> int:
        return self._sealed_rows + self._rows

    @property
    def _end_byte(self) -> int:
        return self._sealed_bytes + self._bytes

    def _add(self, piece: Piece) -> None:
        self._pieces.append(piece)
        self._rows += piece.rows
        self._bytes += piece.size_bytes + PIECE_OVERHEAD_BYTES
        if self._rows >= self.limits.segment_rows or self._bytes >= self.limits.segment_bytes:
            self._seal()

    def _open(self, *, is_sealed: bool) -> Segment:
        return Segment(
            pieces=tuple(self._pieces),
            first_row=self._sealed_rows,
            rows=self._rows,
            first_byte=self._sealed_bytes,
            size_bytes=self._bytes,
            is_sealed=is_sealed,
        )

    def _seal(self) -> None:
        if len(self._pieces) > 1:
            joined = self._join([piece.content for piece in self._pieces])
            self._pieces = [Piece(joined, self._rows, self._bytes)]
        segment = self._open(is_sealed=True)
        self._segments.append(segment)
        self._sealed_rows, self._sealed_bytes = segment.end_row, segment.end_byte
        self._pieces, self._rows, self._bytes = [], 0, 0

    def _evict(self) -> None:
        while self._segments and (
            self._segments[0].end_row <= self._first_row
            or self._end_byte - self.first_byte > self.limits.bytes
        ):
            self._first_row = max(self._first_row, self._segments.popleft().end_row)
