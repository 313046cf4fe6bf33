"""How much of what was freed the C library keeps for the next one who asks."""

import ctypes
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # who receives spans loads Arrow later
    import pyarrow as pa

TRIM_BYTES = 8 << 20
"""Free memory at the top of the heap that is kept."""
MAP_BYTES = 1 << 20
"""What is larger is mapped for itself and given back when it is freed."""
RUN_TRIM_BYTES = 1 << 30
RUN_MAP_BYTES = 32 << 20
"""The most that glibc takes."""
POOL_DECAY_MS = 5_000
"""Until what nobody has asked for again is given back. At Arrow's one second a search, which takes
that long, loses some of it while it goes on: one part in twenty of its processor time."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""mallopt(3) of glibc."""


def keep_what_a_request_takes() -> bool:
    """For a process that parses requests of some hundred KB, one after the other.

    By itself glibc gives the memory of each back to the system, which clears it for the next: half
    of the time that the system spent on receiving (measured). False where there is no mallopt.
    """
    return _keep(TRIM_BYTES, MAP_BYTES)


def keep_what_a_run_takes() -> bool:
    """For a process that takes the columns of one group of files after the other, and then ends.

    To map and clear them anew for each was 6 % of the time of indexing 60 files of 20,000 spans
    (measured). False where there is no mallopt.
    """
    return _keep(RUN_TRIM_BYTES, RUN_MAP_BYTES)


@cache
def pool_of_large_buffers() -> "pa.MemoryPool":
    """For who reads some megabytes after the other and looks at each for a moment.

    That of jemalloc gives them back some seconds after the last one, by a thread of its own. The C
    library's maps and clears each anew, which is an eighth of a search; mimalloc's does it once a
    second, and keeps the last ones (measured). Arrow's own where it has no jemalloc.
    """
    import pyarrow as pa  # noqa: PLC0415 - see above

    try:
        pa.jemalloc_set_decay_ms(POOL_DECAY_MS)
        return pa.jemalloc_memory_pool()
    except NotImplementedError:
        return pa.default_memory_pool()


def _keep(trim_bytes: int, map_bytes: int) -> bool:
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    given = ((_M_TRIM_THRESHOLD, trim_bytes), (_M_MMAP_THRESHOLD, map_bytes))
    return all(mallopt(name, count) == 1 for name, count in given)
