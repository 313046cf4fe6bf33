"""Numbers and ids of OTLP as the columns of tables hold them: one rule each for all signals.

What a column cannot hold is made to fit: counts and times stop at the largest value. A time of 0
is one that OTLP calls unknown, and an id of a wrong length or of zeros alone one that is not there.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

TIME_MAX = 2**63 - 2
"""Nanoseconds since 1970; DuckDB takes 2**63 - 1 for infinity."""
INT_MAX, BIGINT_MAX = 2**31 - 1, 2**63 - 1
_TRACE_ID_BYTES, _SPAN_ID_BYTES = 16, 8
_NO_TRACE_ID, _NO_SPAN_ID = bytes(_TRACE_ID_BYTES), bytes(_SPAN_ID_BYTES)


def times(unix_nanos: Sequence[int]) -> pa.Array:
    """Times, of which 0 is NULL."""
    found = np.array(unix_nanos, np.uint64)
    known = np.minimum(found, np.uint64(TIME_MAX)).astype(np.int64)
    return pa.array(known, mask=found == 0).cast(pa.timestamp("ns"))


def trace_id(found: bytes) -> str | None:
    """32 hex digits in lower case."""
    return found.hex() if len(found) == _TRACE_ID_BYTES and found != _NO_TRACE_ID else None


def span_id(found: bytes) -> str | None:
    """16 hex digits in lower case."""
    return found.hex() if len(found) == _SPAN_ID_BYTES and found != _NO_SPAN_ID else None


def integers(numbers: Iterable[int]) -> list[int]:
    """Unsigned numbers of 32 bits in an INTEGER."""
    return [min(number, INT_MAX) for number in numbers]


def big(number: int) -> int:
    """An unsigned number of 64 bits in a BIGINT."""
    return min(number, BIGINT_MAX)


def optional(message: Any, name: str) -> Any:
    """A field of which absence is not zero."""
    return getattr(message, name) if message.HasField(name) else None
