"""Time as a parameter, so that a test can step it and one seed replays one history."""

import time
from typing import Protocol


class Clock(Protocol):
    """What the stages ask of time."""

    def now_unix_nano(self) -> int:
        """Wall clock, nanoseconds since 1970-01-01 UTC. May step backwards."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go backwards, from an arbitrary start."""
        ...

    def sleep_s(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_unix_nano(self) -> int:
        """Wall clock, nanoseconds since 1970-01-01 UTC."""
        return time.time_ns()

    def monotonic_s(self) -> float:
        """Seconds from an arbitrary start, never backwards."""
        return time.monotonic()

    def sleep_s(self, seconds: float) -> None:
        """Block the calling thread."""
        time.sleep(seconds)
