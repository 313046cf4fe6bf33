"""The hot tier's one port: ``now`` answers with the spans that may not be in the index yet.

What the server offers is found out by trying, best first: the incremental call, the snapshot
file, the stream of spans. The one that worked is remembered. All are tried again when the server
no longer knows it, after any failure, and once a minute while it is not the best one.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from indexer.errors import HotUnavailable
from indexer.hot.breaker import Breaker
from indexer.hot.decoding import Decoder
from indexer.hot.incremental import Counted, IncrementalReader, not_counted
from indexer.hot.single_flight import SingleFlight
from indexer.hot.snapshot import SnapshotReader
from indexer.hot.stream import StreamReader
from indexer.hot.view import Generation, HotLimits, HotOutline, HotView
from indexer.system.clock import Clock
from indexer.wire.calls import Calls, Unimplemented

_BEST: Generation = "incremental"
FLUSH_S = 60.0
"""For a flush: everything that is hot is written to files meanwhile."""
_DEADLINES_PER_QUERY = 2
"""The refresh in progress, and the one that begins after the query."""


class Reader(Protocol):
    """One way to ask. Raises Unimplemented or HotUnavailable."""

    def read(self) -> HotView:
        """What is hot now."""
        ...


class HotSource:
    """A client of one ingestion service, for many threads."""

    def __init__(
        self,
        target: str,
        *,
        token: str | None,
        storage_root: str,
        snapshot_root: str | None,
        clock: Clock,
        limits: HotLimits,
        decoder: Decoder | None = None,
        counted: Counted = not_counted,
        is_asked: Callable[[], bool] = lambda: True,
    ) -> None:
        """``target`` is ``host:port``. Nothing is asked before the first ``now``.

        ``counted`` looks at the changes of the service's log, where it is of this machine.
        ``is_asked``: whether questions for all rows come, for which they are decoded ahead.
        """
        self._clock = clock
        self._limits = limits
        decoder = decoder or Decoder()
        self._calls = Calls(target, token, message_bytes_max=limits.message_bytes_max)
        self._incremental = IncrementalReader(
            self._calls, decoder, limits, clock, storage_root, counted, is_asked
        )
        self._readers: dict[Generation, Reader] = {
            "incremental": self._incremental,
            "snapshot": SnapshotReader(
                self._calls, decoder, limits, clock, storage_root, snapshot_root
            ),
            "stream": StreamReader(self._calls, decoder, limits, clock),
        }
        self._breaker = Breaker(clock)
        self._flight = SingleFlight(self._refresh)
        self._chosen: Generation | None = None
        self._chosen_until = 0.0
        self._began_at: float | None = None

    @property
    def chosen(self) -> Generation | None:
        """How the server answers; None while that is not known."""
        return self._chosen

    def now(self) -> HotView:
        """The hot spans of a moment after this call began.

        An empty table is an answer: nothing is hot. Raises HotUnavailable: at once while the
        circuit breaker is open, or while the first load takes long.
        """
        unchanged = self.unchanged()
        if unchanged is not None:
            return unchanged
        self._breaker.refuse_when_open()
        began_at = self._began_at
        if began_at is not None:
            lasts_s = self._clock.monotonic_s() - began_at
            if lasts_s > self._limits.deadline_s:
                raise HotUnavailable(f"hot spans have been loading for {lasts_s:.1f} s")
        return self._flight.join(_DEADLINES_PER_QUERY * self._limits.deadline_s)

    def unchanged(self) -> HotView | None:
        """The hot spans as of now, where nothing came or went since they were last read."""
        return self._incremental.unchanged()

    def outline(self, *, with_sample: bool) -> HotOutline:
        """What the service says of its log, without the spans but for a sample.

        Only of a service that answers incrementally. What is held of its spans is freed. Raises
        HotUnavailable, at once while the circuit breaker is open.
        """
        with self._breaker.attempt():
            try:
                return self._incremental.outline(with_sample=with_sample)
            except (HotUnavailable, Unimplemented) as error:
                self._chosen = None
                if isinstance(error, Unimplemented):
                    raise HotUnavailable("the service has no ReadHot any more") from error
                raise

    def confirm(self, paths: Sequence[str]) -> None:
        """Tell the service that these files are in the index. Raises HotUnavailable."""
        try:
            self._calls.confirm_files(paths, self._limits.deadline_s)
        except Unimplemented:
            return  # a service that lists files by age keeps no list to confirm

    def flush(self) -> None:
        """Have the service put what is hot into files. Raises HotUnavailable."""
        try:
            self._calls.flush_wal(FLUSH_S)
        except Unimplemented:
            raise HotUnavailable("the service flushes by its own rules alone") from None

    def close(self) -> None:
        """Cancel what is under way and disconnect."""
        self._calls.close()
        self._flight.close()

    def _refresh(self) -> HotView:
        with self._breaker.attempt():
            self._began_at = self._clock.monotonic_s()
            try:
                return self._read()
            except HotUnavailable:
                self._chosen = None
                raise
            finally:
                self._began_at = None

    def _read(self) -> HotView:
        if self._chosen is not None and self._is_current(self._chosen):
            try:
                return self._readers[self._chosen].read()
            except Unimplemented:
                self._chosen = None
        for generation, reader in self._readers.items():
            try:
                view = reader.read()
            except Unimplemented:
                continue
            self._choose(generation)
            return view
        raise HotUnavailable("the service offers no call for hot spans")

    def _is_current(self, chosen: Generation) -> bool:
        return chosen == _BEST or self._clock.monotonic_s() < self._chosen_until

    def _choose(self, generation: Generation) -> None:
        self._chosen = generation
        self._chosen_until = self._clock.monotonic_s() + self._limits.choice_s
        if generation != _BEST:
            self._incremental.forget()
