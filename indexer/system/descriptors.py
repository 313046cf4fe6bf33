"""How many files and connections this process may have open at once."""

import resource

WANTED = 65_536
"""As many as a server on one host uses; the soft limit that systems give is often 1,024."""


def raise_limit() -> int:
    """Raise the soft limit as far as the system lets this process; the limit that now holds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return WANTED if soft == resource.RLIM_INFINITY else soft
