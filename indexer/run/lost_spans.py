"""Which hot spans are watched until they are in the index, and what is said of those that are not.

All of a whole view are. Of an outline its sample is, and the next one is taken once all of the last
one has left the log: the oldest requests are flushed first, so a flush that loses spans shows.
"""

import duckdb

from indexer.hot.lost import LostFlushDetector
from indexer.hot.view import HotOutline, HotView
from indexer.query.find.already_indexed import known_spans
from indexer.system.clock import Clock
from indexer.system.counted_nouns import counted
from indexer.telemetry.log import SPANS_LOST, log

EVERY_S = 5.0
"""It costs 0.1 s with 100,000 hot spans; a span is given a minute to reach the index."""
TRACES_SAID = 5
"""In the message; the event and the status have more."""


class LostSpans:
    """Of one ingestion service. One thread finds; any may ask for what was found."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._detector = LostFlushDetector(clock)
        self._due_s = 0.0
        self._watched: tuple[str, bytes] | None = None
        """The log and the last request of the sample that is watched; None after a whole view."""

    @property
    def count(self) -> int:
        """How many were lost so far."""
        return self._detector.lost_spans

    @property
    def traces(self) -> tuple[str, ...]:
        """Trace ids of some of them."""
        return self._detector.lost_traces

    @property
    def is_due(self) -> bool:
        """Whether ``find`` would look."""
        return self._clock.monotonic_s() >= self._due_s

    def find(self, cursor: duckdb.DuckDBPyConnection, seen: HotView | HotOutline) -> None:
        """Look for them in the index, if that is due, and log those that are lost."""
        if not self.is_due:
            return
        self._due_s = self._clock.monotonic_s() + EVERY_S
        if isinstance(seen, HotOutline):
            self._watch_sample(seen)
        else:
            self._watched = None
            self._detector.observe(seen.rows.identities())
        lost = self._detector.check(lambda keys: known_spans(cursor, keys))
        if lost:
            spans = counted(lost, "span was hot and is", "spans were hot and are")
            traces = list(self.traces)
            message = f"{spans} in no file (traces: {', '.join(traces[-TRACES_SAID:])})"
            log(SPANS_LOST, message, spans=lost, traces=traces)

    def _watch_sample(self, outline: HotOutline) -> None:
        """Take the sample once every span that was watched has left the log, and not before.

        The spans of a whole view have once the log's newest request of this moment has.
        """
        if self._watched is None:
            self._watched = (outline.wal_id, outline.newest_key)
        wal_id, last_key = self._watched
        if wal_id != outline.wal_id or last_key <= outline.flushed_key:
            self._detector.observe(outline.sample)
            self._watched = (outline.wal_id, outline.sampled_key)
