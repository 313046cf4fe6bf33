"""The time bounds of a query. Pure."""

from indexer.deferred_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Starts in [since, until), in nanoseconds since 1970; None is unbounded."""

    since_unix_nano: int | None = None
    until_unix_nano: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it bounds nothing."""
        return self.since_unix_nano is None and self.until_unix_nano is None


ANY_TIME = Window()
