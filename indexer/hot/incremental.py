"""Ask only for what came since the last answer: ReadHot, our own call.

Where the service counts the commits of its log for workers of the same machine, an answer is also
that of every later moment at which the count is still the same.
"""

import threading
from collections.abc import Callable, Sequence

from indexer.deferred_dataclass import dataclass
from indexer.errors import HotUnavailable, InvalidOtlp
from indexer.hot.buffer import HotBuffer
from indexer.hot.decoding import Decoder
from indexer.hot.view import HotLimits, HotOutline, HotView
from indexer.spans.identity import SpanKeys
from indexer.system.clock import Clock
from indexer.wire.calls import Calls
from indexer.wire.generated import ingestion_pb2 as wire
from indexer.wire.paths import recent_files

Counted = Callable[[str], int | None]
"""How often the log of an ID has changed; None where that cannot be seen."""


_NO_STATE = "ReadHot ended without the state of a log"


def not_counted(_: str) -> int | None:
    """Of a service on another machine."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A view that was whole, and how often its log had changed."""

    view: HotView
    wal_id: str
    count: int


class IncrementalReader:
    """Keeps the buffer in step with the server's log."""

    def __init__(
        self,
        calls: Calls,
        decoder: Decoder,
        limits: HotLimits,
        clock: Clock,
        storage_root: str,
        counted: Counted = not_counted,
        is_asked: Callable[[], bool] = lambda: True,
    ) -> None:
        self._clock = clock
        self._counted = counted
        self._held: _Held | None = None
        self._calls = calls
        self._decoder = decoder
        self._limits = limits
        self._root = storage_root
        self._buffer = HotBuffer(decoder, bytes_max=limits.buffer_bytes_max, is_asked=is_asked)
        self._in_step = False
        """The last answer came whole. After one that did not, the log may be another, long one."""
        self._using = threading.Lock()

    def forget(self) -> None:
        """Free the buffer: another way is taken."""
        with self._using:
            self._clear()

    def unchanged(self) -> HotView | None:
        """The last view as of now, where nothing came or went since; for any thread."""
        held = self._held
        if held is None:
            return None
        now_unix_nano = self._clock.now_unix_nano()  # before the look: it is of this moment
        if self._counted(held.wal_id) != held.count:
            return None
        as_of = max(now_unix_nano, held.view.as_of_unix_nano)
        return held.view.with_rows(held.view.rows, as_of)

    def read(self) -> HotView:
        """One refresh. Raises Unimplemented or HotUnavailable."""
        with self._using:
            return self._refresh()

    def outline(self, *, with_sample: bool) -> HotOutline:
        """What the server says without its spans, but for a sample. The buffer is freed.

        Raises Unimplemented or HotUnavailable.
        """
        with self._using:
            self._clear()
            sample: list[wire.HotRequest] = []
            spans, state = 0, None
            for message in self._calls.read_hot(b"", "", self._limits.deadline_s, int(with_sample)):
                sample = sample or list(message.requests)
                spans += sum(one.span_count for one in message.requests)
                if message.HasField("state"):
                    state = message.state
        if state is None or not state.wal_id:
            raise HotUnavailable(_NO_STATE)
        files, _ = self._recent_files(state)
        return HotOutline(
            wal_id=state.wal_id,
            newest_key=state.newest_key,
            flushed_key=state.flushed_key,
            span_count=max(spans, state.pending_spans),  # an older service sends all instead
            recent_files=files,
            bounded=state.unlisted_files > 0,
            sample=self._identities([one.body for one in sample]),
            sampled_key=sample[-1].key if sample else b"",
        )

    def _identities(self, bodies: Sequence[bytes]) -> SpanKeys:
        """Of those that decode."""
        if not bodies:
            return SpanKeys.empty()
        try:
            return self._decoder.identities(bodies)
        except InvalidOtlp:
            half = len(bodies) // 2
            parts = (bodies[:half], bodies[half:]) if half else ()
            return SpanKeys.joined([self._identities(part) for part in parts])

    def _clear(self) -> None:
        self._buffer.clear()
        self._held = None
        self._in_step = False

    def _refresh(self) -> HotView:
        self._held = None
        wal_id = self._buffer.wal_id
        before = self._counted(wal_id) if wal_id else None
        view = self._read()
        is_same = wal_id == self._buffer.wal_id and self._counted(wal_id) == before
        if before is not None and is_same and not view.problems:
            self._held = _Held(view=view, wal_id=wal_id, count=before)
        return view

    def _read(self) -> HotView:
        state = self._refreshed()
        files, problems = self._recent_files(state)
        return HotView(
            rows=self._buffer.rows(),
            as_of_unix_nano=state.as_of_unix_nano,
            recent_files=files,
            source="incremental",
            bounded=state.unlisted_files > 0,
            problems=self._buffer.problems + problems,
        )

    def _recent_files(self, state: wire.HotState) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(paths, problems)."""
        newest_first = [file.path for file in reversed(state.recent_files)]
        return recent_files(newest_first, self._root, self._limits.recent_files_max)

    def _refreshed(self) -> wire.HotState:
        buffer, limits = self._buffer, self._limits
        timeout_s = limits.deadline_s if self._in_step else limits.first_deadline_s
        self._in_step = False
        buffer.begin()
        state = None
        for message in self._calls.read_hot(buffer.newest_key, buffer.wal_id, timeout_s):
            buffer.add(message.requests)
            if message.HasField("state"):
                state = message.state
        if state is None or not state.wal_id:
            raise HotUnavailable(_NO_STATE)
        buffer.finish(state)
        self._in_step = True
        return state
