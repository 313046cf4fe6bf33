"""What a live schema may hold, and how finely it is cut."""

from indexer.deferred_dataclass import dataclass
from indexer.errors import QueryRefused

KIB, MIB = 1 << 10, 1 << 20
ROWS_MAX = 100_000
"""Of a ring, by default: ten seconds of a busy service."""
BYTES_MAX = 64 * MIB
"""Of a ring, by default, as its rows were sent."""
DECODED_SHARE = 4
"""Rows made for queries are kept up to so many times a ring's bytes: a span of 435 bytes is 745 in
the unified table and 650 in the typed one, and a query that finds half of them makes the others."""
PIECE_OVERHEAD_BYTES = 128
"""What Python keeps beside the bytes of a piece; counted, or tiny rows would cost nothing."""
SHARE = 64
"""A segment is sealed at this share of its ring, so that what leaves at once is small."""
SEGMENT_ROWS_MAX = 8_192
SEGMENT_BYTES_MAX = 1 * MIB
"""Rows of one segment are made in one go, beside the threads that receive."""
RANGE_ROWS = 64
"""Rows of a range. DuckDB asks for 2,048 ranges at once, which takes it 1 ms however many rows they
have: 49 calls for 2,048 rows each took ten times as long as one for 100,000."""
RANGES_BYTES_MAX = 512 * MIB
"""Of a ring whose ranges are that long; those of larger rings are shorter, because Arrow keeps at
most 2 GiB of text in one array."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RingLimits:
    """The most that one ring holds. Raises QueryRefused for less than one row or one byte."""

    rows: int = ROWS_MAX
    bytes: int = BYTES_MAX

    def __post_init__(self) -> None:
        for name, value in (("max_rows", self.rows), ("max_bytes", self.bytes)):
            if value < 1:
                raise QueryRefused(f"invalid {name} {value}", hint=f"{name} is 1 or more.")

    @property
    def segment_rows(self) -> int:
        """Rows at which a segment is sealed."""
        return max(1, min(SEGMENT_ROWS_MAX, self.rows // SHARE))

    @property
    def range_rows(self) -> int:
        """Neighbouring rows whose values a query is given together."""
        return max(1, min(RANGE_ROWS, RANGE_ROWS * RANGES_BYTES_MAX // self.bytes))

    @property
    def segment_bytes(self) -> int:
        """Bytes at which a segment is sealed, and to which larger requests are cut."""
        return max(1, min(SEGMENT_BYTES_MAX, self.bytes // SHARE))
