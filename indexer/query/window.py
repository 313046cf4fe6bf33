"""The time bounds of a query. Pure."""

from dataclasses import field

from indexer.deferred_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Starts in [since, until), in nanoseconds since 1970; None is unbounded."""

    since_unix_nano: int | None = None
    until_unix_nano: int | None = None
    counted_from_unix_nano: int | None = field(default=None, compare=False, repr=False)
    """What relative bounds count from, for the next page; None where the bounds are not."""

    @property
    def is_open(self) -> bool:
        """Whether it bounds nothing."""
        return self.since_unix_nano is None and self.until_unix_nano is None


ANY_TIME = Window()
