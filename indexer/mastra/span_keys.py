"""Numbers that spans are found by: DuckDB compares them far faster than two texts.

The upper half of a key is a hash of the trace ID, so that a trace is a range of keys, and the lower
half one of both IDs. Whoever finds a row by its key compares the IDs as well.
"""

from functools import lru_cache
from hashlib import md5

_HALF = 1 << 32
_SIGN = 1 << 31


def span_key(trace_id: str, span_id: str) -> int:
    """The key of a span, signed, 64 bits. The migration of the table says the same in SQL."""
    return _first_key(trace_id) + _hash(f"{trace_id}/{span_id}") % _HALF


def trace_keys(trace_id: str) -> tuple[int, int]:
    """The first and the last key that a span of the trace can have."""
    first = _first_key(trace_id)
    return first, first + _HALF - 1


@lru_cache(4_096)
def _first_key(trace_id: str) -> int:
    return ((_hash(trace_id) >> 32) - _SIGN) * _HALF


def _hash(text: str) -> int:
    """What DuckDB calls ``md5_number_lower``."""
    digest = md5(text.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little")
