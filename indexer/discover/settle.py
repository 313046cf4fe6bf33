"""When is a file without a readable footer finished? Pure.

Finished means a readable footer. A file without one is unfinished while its bytes change; when
they have stayed the same for the settle time, it is what it is, and it is refused. It is looked
at again as soon as it changes, so a slow writer costs a delay and never a file.
"""

from indexer.deferred_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The (size, time) of a footerless file and since when it has been just so."""

    stamp: tuple[int, int]
    since_s: float


def observe(previous: Observation | None, stamp: tuple[int, int], now_s: float) -> Observation:
    """The observation after one more look at the file, on the monotonic clock."""
    if previous is not None and previous.stamp == stamp:
        return previous
    return Observation(stamp=stamp, since_s=now_s)


def settles_at_s(observation: Observation, settle_s: float) -> float:
    """When the file counts as no longer growing, if nothing changes until then."""
    return observation.since_s + settle_s
