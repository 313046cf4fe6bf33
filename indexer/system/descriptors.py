"""How many files and connections this process may have open at once."""

import resource
from contextlib import suppress

WANTED = 65_536
"""As many as a server on one host uses; the soft limit that systems give is often 1,024."""
OPEN_MAX = 10_240
"""What macOS allows a process where it calls the hard limit infinite and refuses more."""


def raise_limit() -> int:
    """Raise the soft limit as far as the system lets this process; the limit that now holds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft == resource.RLIM_INFINITY:
        return WANTED
    for limit in (most, OPEN_MAX):
        if limit > soft:
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
                return limit
    return soft
