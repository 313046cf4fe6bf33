"""One thread commits what waits, so that many senders share one ``fsync``.

It takes whatever waits into one transaction; keys are given there, so they ascend in the order of
commits.

Appends a second on 2 cores, ext4, bodies of 150 KB (512 spans) by 1, 8 and 64 senders, and of
1 KB by 64 senders; best of three, the last column one run. FULL survives a power cut and is the
default; NORMAL may lose the last commits in one, and OFF the whole log.

    synchronous    1 x 150 KB    8 x 150 KB    64 x 150 KB    64 x 1 KB
    FULL                1,650         2,310          2,440       16,500
    NORMAL              1,680         2,500          2,430       18,900
    OFF                 2,780         5,310          4,210       21,700
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import field
from typing import Any, TypeVar

from indexer.deferred_dataclass import dataclass
from indexer.errors import WalBusy
from indexer.ingest.log_writer import LogWriter
from indexer.system.change_count import ChangeCounter

T = TypeVar("T")

QUEUE_BYTES_MAX = 64 << 20
"""Bodies that wait for their commit, in memory: half a second of what one disk takes."""
COMMIT_BYTES_MAX = 16 << 20
"""One transaction: beyond, sharing the ``fsync`` gains nothing and the first one waits longer."""
REQUEST_OVERHEAD_BYTES = 1024
"""What a waiting request costs beside its body; it bounds how many small ones wait."""


@dataclass(slots=True)
class _Append:
    body: bytes
    span_count: int
    future: "Future[bytes]" = field(default_factory=Future)

    @property
    def size(self) -> int:
        return len(self.body) + REQUEST_OVERHEAD_BYTES


@dataclass(slots=True)
class _Change:
    action: Callable[[LogWriter], Any]
    future: "Future[Any]" = field(default_factory=Future)
    size: int = 0


class GroupCommit:
    """The queue of one writer. Every method may be called by any thread but its own."""

    def __init__(
        self,
        writer: LogWriter,
        changes: ChangeCounter,
        *,
        log_bytes_max: int,
        queue_bytes_max: int,
    ) -> None:
        self._writer = writer
        self._changes = changes
        self._log_bytes_max, self._queue_bytes_max = log_bytes_max, queue_bytes_max
        self._queue: deque[_Append | _Change] = deque()
        self._queued_bytes = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._write, name="wal", daemon=True)
        self._thread.start()

    def append(self, body: bytes, span_count: int) -> "Future[bytes]":
        """The key of a request, once it is durable. Raises WalBusy at once when too much waits."""
        entry = _Append(body, span_count)
        with self._changed:
            self._refuse_closed()
            if self._queue and self._queued_bytes + entry.size > self._queue_bytes_max:
                raise WalBusy(f"{self._queued_bytes} bytes are waiting to be committed")
            if self._writer.pending_bytes + self._queued_bytes + len(body) > self._log_bytes_max:
                raise WalBusy(
                    f"{self._writer.pending_bytes} bytes are waiting to be flushed to a file"
                )
            self._put(entry)
        return entry.future

    def change(self, action: Callable[[LogWriter], T]) -> T:
        """What the action gave, once it is durable. Raises what it raised, and WalBusy."""
        entry = _Change(action)
        with self._changed:
            self._refuse_closed()
            self._put(entry)
        result: T = entry.future.result()
        return result

    def require_open(self) -> None:
        """Raises WalBusy once it is closed."""
        with self._changed:
            self._refuse_closed()

    def close(self) -> bool:
        """Commit what waits and end the thread; whether nobody did so before."""
        with self._changed:
            first, self._closing = not self._closing, True
            self._changed.notify()
        self._thread.join()
        return first

    def _refuse_closed(self) -> None:
        if self._closing:
            raise WalBusy("the log is closed")

    def _put(self, entry: _Append | _Change) -> None:
        self._queue.append(entry)
        self._queued_bytes += entry.size
        self._changed.notify()

    def _write(self) -> None:
        while batch := self._take():
            live = [entry for entry in batch if entry.future.set_running_or_notify_cancel()]
            try:
                self._commit(live)
            finally:
                with self._changed:
                    self._queued_bytes -= sum(entry.size for entry in batch)

    def _take(self) -> list[_Append | _Change]:
        """One change, or all requests before the next one that fit; nothing when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            batch: list[_Append | _Change] = []
            size = 0
            while self._queue and (not batch or size + self._queue[0].size <= COMMIT_BYTES_MAX):
                if batch and isinstance(self._queue[0], _Change):
                    break
                batch.append(self._queue.popleft())
                size += batch[-1].size
                if isinstance(batch[-1], _Change):
                    break
            return batch

    def _commit(self, batch: list[_Append | _Change]) -> None:
        """One transaction; then it is counted, and then, and only then, futures have results."""
        try:
            try:
                results = self._results(batch)
            finally:
                self._changes.advance()
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it; the thread lives on
            for entry in batch:
                entry.future.set_exception(error)
        else:
            for entry, result in zip(batch, results, strict=True):
                entry.future.set_result(result)

    def _results(self, batch: list[_Append | _Change]) -> list[Any]:
        changes = [entry.action(self._writer) for entry in batch if isinstance(entry, _Change)]
        appends = [(entry.body, entry.span_count) for entry in batch if isinstance(entry, _Append)]
        return self._writer.insert(appends) if appends else changes
