"""When logged requests become a file, and in which order, so that no crash loses or doubles one.

The range is made durable first; then the file is written, synced, renamed and its folder synced;
only then does the log forget the requests. A crash in between repeats the same range, which has
the same name and so takes the place of what is there.
"""

import threading
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from indexer.deferred_dataclass import dataclass
from indexer.ingest.crash_bisection import deadly_requests
from indexer.ingest.events import FLUSH_FAILED, REQUEST_REFUSED, SPANS_FLUSHED
from indexer.ingest.layout import span_file
from indexer.ingest.leftovers import remove_leftovers
from indexer.ingest.limits import FlushLimits
from indexer.ingest.log_reader import KeyRange, WalState
from indexer.ingest.range_file import (
    Decode,
    RangeFile,
    decode_spans,
    refused_folder,
    restrict_refused,
    write_range,
)
from indexer.ingest.wal import Wal
from indexer.ingest.writer_process import WriterProcess
from indexer.system import retry
from indexer.system.clock import Clock, SystemClock
from indexer.system.counted_nouns import counted
from indexer.system.permissions import DEFAULT_MODES, FileModes
from indexer.telemetry.ingestion_metrics import FLUSHES, FLUSHES_FAILED
from indexer.telemetry.log import SPANS_CLIPPED, log

CHECK_S = 1.0
SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushedFile:
    """A flush that was done; without a path when its requests had no span."""

    path: str | None
    span_count: int
    refused_count: int


class Flusher:
    """Flushes of one log below one root, one at a time."""

    def __init__(
        self,
        wal: Wal,
        root: str | Path,
        process: WriterProcess,
        *,
        decode: Decode = decode_spans,
        limits: FlushLimits | None = None,
        clock: Clock | None = None,
        modes: FileModes = DEFAULT_MODES,
    ) -> None:
        self._modes = modes
        self._wal = wal
        self._root = Path(root).absolute()
        self._process = process
        self._decode = decode
        self._limits = limits or FlushLimits()
        self._clock = clock or SystemClock()
        self._flushing = threading.Lock()
        self._oldest_seen: tuple[bytes | None, float] = (None, 0.0)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failures = 0

    def start(self) -> None:
        """Clean up after a crash, then flush by itself whenever one is due."""
        remove_leftovers(self._root)
        restrict_refused(refused_folder(self._wal.path))
        self._thread = threading.Thread(target=self._run, name="flush", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Flush no more by itself. What is in the log stays there."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def failures(self) -> int:
        """How often flushing by itself has failed since it last worked."""
        return self._failures

    def flush_due(self) -> list[FlushedFile]:
        """Write the files that are due by rows, bytes or age, and the one that was begun."""
        return self._flush_while(self._is_due)

    def flush_all(self) -> list[FlushedFile]:
        """Write everything that was acknowledged before the call."""
        newest = self._wal.state().newest_key
        return self._flush_while(
            lambda state: state.oldest_key is not None and state.oldest_key <= newest
        )

    def _flush_while(self, wanted: Callable[[WalState], bool]) -> list[FlushedFile]:
        files = []
        with self._flushing:
            while wanted(self._wal.state()):
                planned = self._wal.next_range(
                    rows_max=self._limits.rows, bytes_max=self._limits.bytes
                )
                if planned is None:
                    break
                files.append(self._flush(planned))
        return files

    def _flush(self, planned: KeyRange) -> FlushedFile:
        target = span_file(self._root, planned.first_key, planned.last_key)
        self._wal.flushing(planned.first_key, planned.last_key)
        done = self._written(planned, target)
        path = str(target) if done.span_count else None
        FLUSHES.inc(path is not None)
        self._wal.mark_flushed(planned.last_key, path, done.span_count)
        _tell(planned, path, done)
        return FlushedFile(path=path, span_count=done.span_count, refused_count=len(done.refused))

    def _written(self, planned: KeyRange, target: Path) -> RangeFile:
        """The file, without the requests that kill the process which writes it."""
        arguments = (self._wal.path, planned, target, self._decode)
        try:
            return self._process.run(write_range, *arguments, frozenset(), self._modes)
        except BrokenProcessPool:
            deadly = deadly_requests(self._wal.path, planned, self._decode)
            if not deadly:
                raise
            return self._process.run(write_range, *arguments, deadly, self._modes)

    def _is_due(self, state: WalState) -> bool:
        return state.oldest_key is not None and (
            state.pending_spans >= self._limits.rows
            or state.pending_bytes >= self._limits.bytes
            or self._age_s(state) >= self._limits.age_s
            or self._wal.begun_range() is not None
        )

    def _age_s(self, state: WalState) -> float:
        """Of the oldest request. The wall clock may have stepped back since, so both count."""
        now_s = self._clock.monotonic_s()
        if self._oldest_seen[0] != state.oldest_key:
            self._oldest_seen = (state.oldest_key, now_s)
        oldest = state.oldest_unix_nano or 0
        by_wall_clock = (self._clock.now_unix_nano() - oldest) / SECOND_NS
        return max(by_wall_clock, now_s - self._oldest_seen[1])

    def _run(self) -> None:
        pause_s = CHECK_S
        while not self._stopping.wait(pause_s):
            try:
                if self._wal.holds_requests:
                    self.flush_due()
            except Exception as error:  # noqa: BLE001 - told, and tried again: the log keeps all
                self._failures += 1
                FLUSHES_FAILED.inc()
                pause_s = retry.FLUSH.pause_s(self._failures)
                reason = f"{type(error).__name__}: {error}"
                log(FLUSH_FAILED, f"flush failed: {reason}", tries=self._failures)
            else:
                self._failures, pause_s = 0, CHECK_S


def _tell(planned: KeyRange, path: str | None, done: RangeFile) -> None:
    for refused in done.refused:
        log(
            REQUEST_REFUSED,
            f"a request cannot be rows and is kept as {refused.path}: {refused.reason}",
            path=refused.path,
            reason=refused.reason,
        )
    if done.clipped.messages:
        log(SPANS_CLIPPED, str(done.clipped), **done.clipped.left_out)
    log(
        SPANS_FLUSHED,
        f"{counted(done.span_count, 'span')} of {counted(planned.request_count, 'request')} in "
        f"{path or 'no file'}",
        path=path,
        span_count=done.span_count,
        size_bytes=done.size_bytes,
    )
