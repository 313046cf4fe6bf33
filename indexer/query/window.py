"""The time bounds of a question. Pure."""

from dataclasses import dataclass

import numpy as np

from indexer.spans.columns import SpanColumns
from indexer.spans.identifiers import BoolArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Starts in [since, until), in nanoseconds since 1970; None is no bound."""

    since_unix_nano: int | None = None
    until_unix_nano: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it bounds nothing."""
        return self.since_unix_nano is None and self.until_unix_nano is None

    def holds(self, spans: SpanColumns) -> BoolArray:
        """Which of the spans start in it."""
        held: BoolArray = np.ones(len(spans), np.bool_)
        if self.since_unix_nano is not None:
            held &= spans.start >= self.since_unix_nano
        if self.until_unix_nano is not None:
            held &= spans.start < self.until_unix_nano
        return held


WHENEVER = Window()
