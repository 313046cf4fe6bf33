"""How much of what was freed the C library keeps for the next one who asks."""

import ctypes

TRIM_BYTES = 8 << 20
"""Free memory at the top of the heap that is kept."""
MAP_BYTES = 1 << 20
"""What is larger is mapped for itself and given back when it is freed."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""mallopt(3) of glibc."""


def keep_what_a_request_takes() -> bool:
    """For a process that parses requests of some hundred KB, one after the other.

    By itself glibc gives the memory of each back to the system, which clears it for the next: half
    of the time that the system spent on receiving (measured). False where there is no mallopt.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    given = ((_M_TRIM_THRESHOLD, TRIM_BYTES), (_M_MMAP_THRESHOLD, MAP_BYTES))
    return all(mallopt(name, count) == 1 for name, count in given)
