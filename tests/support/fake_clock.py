"""A clock that moves only when it is told to."""

from tests.support.span_files import T0


class FakeClock:
    """Wall clock and monotonic clock, stepped by hand; sleeping steps both."""

    def __init__(self) -> None:
        self.wall_ns = T0 + 3_600_000_000_000
        self.monotonic = 1_000.0

    def now_unix_nano(self) -> int:
        return self.wall_ns

    def monotonic_s(self) -> float:
        return self.monotonic

    def sleep_s(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall_ns += int(seconds * 1e9)

    def step_wall(self, seconds: float) -> None:
        """What an operator or a time server does to the wall clock alone."""
        self.wall_ns += int(seconds * 1e9)
