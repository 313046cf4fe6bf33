"""Notice spans that were hot, are hot no more, and never reach the index. Pure.

A flush takes a span out of the hot tier and puts it into a file that is indexed soon after. A
span that is in neither for longer than that takes is lost, or its file is: somebody must know.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from indexer.spans.identifiers import BoolArray, UInt64Array
from indexer.spans.identity import SpanKeys
from indexer.system.clock import Clock

WAIT_S = 60.0
"""A flushed file is indexed within a second or two; a busy worker may take longer."""
KEYS_MAX = 1_000_000
"""Identities kept, of those hot now and of those awaited alike: 33 MB each."""
REPORTED_MAX = 100
"""Trace ids of lost spans that are named; a thousand would help nobody more."""
ASKED_MAX = 50_000
"""Identities of one question to the index."""

KnownCold = Callable[[SpanKeys], BoolArray]
"""Which of the spans are in the index."""


class LostFlushDetector:
    """``observe`` every view, ``check`` now and then; one thread."""

    def __init__(
        self,
        clock: Clock,
        *,
        wait_s: float = WAIT_S,
        keys_max: int = KEYS_MAX,
        reported_max: int = REPORTED_MAX,
    ) -> None:
        self._clock = clock
        self._wait_s = wait_s
        self._keys_max = keys_max
        self._reported_max = reported_max
        self._hot = SpanKeys.empty()
        self._awaited = SpanKeys.empty()
        self._left_at: npt.NDArray[np.float64] = np.zeros(0)
        self._traces: dict[str, None] = {}
        self.lost_spans = 0
        """Neither hot nor cold for too long."""
        self.unwatched_spans = 0
        """Beyond the bound, so nothing is known of them; a span may count more than once."""

    @property
    def lost_traces(self) -> tuple[str, ...]:
        """Trace ids of lost spans, the first ones found."""
        return tuple(self._traces)

    def observe(self, now_hot: SpanKeys) -> None:
        """All of a view: what was in the previous one and is not in this one has left."""
        hashes = now_hot.hashes
        ascending, distinct = np.unique(hashes, return_index=True)
        self._keep(~_are_in(self._awaited.hashes, ascending))
        self._await(self._hot.take(~_are_in(self._hot.hashes, ascending)))
        self.unwatched_spans += max(0, len(distinct) - self._keys_max)
        self._hot = now_hot.take(distinct[: self._keys_max])

    def check(self, known_cold: KnownCold) -> int:
        """Ask the index for the awaited; how many were found to be lost this time."""
        found = np.zeros(len(self._awaited), np.bool_)
        for first in range(0, len(found), ASKED_MAX):
            part = slice(first, first + ASKED_MAX)
            found[part] = known_cold(self._awaited.take(part))
        late = self._clock.monotonic_s() - self._left_at >= self._wait_s
        lost = self._awaited.take(late & ~found)
        self._keep(~late & ~found)
        self.lost_spans += len(lost)
        self._report(lost)
        return len(lost)

    def _await(self, left: SpanKeys) -> None:
        room = self._keys_max - len(self._awaited)
        self.unwatched_spans += max(0, len(left) - room)
        left = left.take(slice(0, room))
        now = np.full(len(left), self._clock.monotonic_s())
        self._awaited = self._awaited.concat(left)
        self._left_at = np.concatenate([self._left_at, now])

    def _keep(self, chosen: BoolArray) -> None:
        if not chosen.all():
            self._awaited = self._awaited.take(chosen)
            self._left_at = self._left_at[chosen]

    def _report(self, lost: SpanKeys) -> None:
        room = self._reported_max - len(self._traces)
        if not len(lost) or room <= 0:
            return
        for trace_id in dict.fromkeys(lost.trace_ids()):
            if len(self._traces) >= self._reported_max:
                return
            self._traces[trace_id] = None


def _are_in(hashes: UInt64Array, ascending: UInt64Array) -> BoolArray:
    """Which are among others that are sorted, which sorts neither of them again."""
    if not len(ascending):
        return np.zeros(len(hashes), np.bool_)
    places = np.searchsorted(ascending, hashes)
    found: BoolArray = ascending[np.minimum(places, len(ascending) - 1)] == hashes
    return found
