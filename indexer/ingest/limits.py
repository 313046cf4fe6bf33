"""What makes a flush due, how much goes into one file, and how long that waits for a worker."""

from indexer.deferred_dataclass import dataclass

FLUSH_ROWS = 100_000
"""Spans of one file: a second of work, and few files for the index."""
FLUSH_BYTES = 25 * 1024 * 1024
"""Bodies of one file: ten times as much memory while it is written."""
FLUSH_AGE_S = 3600.0
"""How long a span waits for a file at most. It is seen before, as a hot one."""

UNCONFIRMED_S = 7 * 86_400.0
"""How long an expired file waits to be confirmed: a worker away for longer does not come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushLimits:
    """A flush is due once the log holds so many spans or bytes, or one that is so old."""

    rows: int = FLUSH_ROWS
    bytes: int = FLUSH_BYTES
    age_s: float = FLUSH_AGE_S
