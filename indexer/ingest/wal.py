"""The write-ahead log: a request is acknowledged once it is in a committed transaction.

One thread writes. It takes whatever waits into one transaction, so that many senders share one
``fsync``; keys are given there, so they ascend in the order of commits.

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
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from dataclasses import field
from pathlib import Path
from typing import Any, Self, TypeVar

from indexer.deferred_dataclass import dataclass
from indexer.errors import WalBusy
from indexer.ingest.log_file import LogLock
from indexer.ingest.log_reader import KeyRange, ListedFile, LoggedRequest, ReaderPool, WalState
from indexer.ingest.log_writer import LogWriter
from indexer.system.change_count import ChangeCounter
from indexer.system.clock import Clock, SystemClock
from indexer.system.durable_files import make_folder
from indexer.system.permissions import DEFAULT_MODES, FileModes
from indexer.wire.paths import changes_file

T = TypeVar("T")

MIB = 1024 * 1024
LOG_BYTES_MAX = 2048 * MIB
"""Bodies that wait for their file: 80 flushes; beyond, flushing has failed for long."""
QUEUE_BYTES_MAX = 64 * MIB
"""Bodies that wait for their commit, in memory: half a second of what one disk takes."""
COMMIT_BYTES_MAX = 16 * MIB
"""One transaction: beyond, sharing the ``fsync`` gains nothing and the first one waits longer."""
REQUEST_OVERHEAD_BYTES = 1024
"""What a waiting request costs beside its body; it bounds how many small ones wait."""
_ROOT = "root"
"""Name of a fact."""
BATCH_ROWS = 1_000
BATCH_BYTES = 4 * MIB
"""A batch of a snapshot, unless its reader asks for another."""


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


class Wal:
    """An open log. Every method may be called by any thread, but not by a future's callback."""

    def __init__(
        self,
        path: Path,
        writer: LogWriter,
        lock: LogLock,
        changes: ChangeCounter,
        limits: tuple[int, int],
        clock: Clock,
    ) -> None:
        self.path = path
        self._changes = changes
        self.wal_id = writer.wal_id
        self._writer = writer
        self._lock = lock
        self.bytes_max, self._queue_bytes_max = limits
        self._readers = ReaderPool(path, clock)
        self._queue: deque[_Append | _Change] = deque()
        self._queued_bytes = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._write, name="wal", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        synchronous: str = "FULL",
        bytes_max: int = LOG_BYTES_MAX,
        queue_bytes_max: int = QUEUE_BYTES_MAX,
        clock: Clock | None = None,
        modes: FileModes = DEFAULT_MODES,
    ) -> Self:
        """Open, or create.

        Raises CatalogOwned while another process has it, CatalogUnreadable for a damaged file,
        CatalogTooNew for one of a newer version.
        """
        path = Path(path).absolute()
        make_folder(path.parent, modes)
        lock = LogLock(path)
        try:
            writer = LogWriter(path, synchronous, clock or SystemClock())
        except BaseException:
            lock.release()
            raise
        try:
            changes = ChangeCounter(changes_file(path), writer.wal_id)
        except BaseException:
            writer.close()
            lock.release()
            raise
        limits = bytes_max, queue_bytes_max
        return cls(path, writer, lock, changes, limits, clock or SystemClock())

    def append(self, body: bytes, span_count: int) -> "Future[bytes]":
        """Log a request. The future has its key once it is durable, or WalBusy.

        Raises WalBusy at once when too much waits. A future cancelled before its commit is
        not logged.
        """
        entry = _Append(body, span_count)
        with self._changed:
            if self._closing:
                raise WalBusy("the log is closed")
            if self._queue and self._queued_bytes + entry.size > self._queue_bytes_max:
                raise WalBusy(f"{self._queued_bytes} bytes are waiting to be committed")
            if self._writer.pending_bytes + self._queued_bytes + len(body) > self.bytes_max:
                raise WalBusy(
                    f"{self._writer.pending_bytes} bytes are waiting to be flushed to a file"
                )
            self._put(entry)
        return entry.future

    def read_after(
        self, key: bytes, *, rows_max: int = BATCH_ROWS, bytes_max: int = BATCH_BYTES
    ) -> list[LoggedRequest]:
        """Requests above a key that are not flushed, in order; at least one if there is one."""
        with self._readers.reader() as reader:
            return reader.read_after(key, rows_max=rows_max, bytes_max=bytes_max)

    def snapshot(
        self,
        after_key: bytes,
        *,
        rows_max: int = BATCH_ROWS,
        bytes_max: int = BATCH_BYTES,
        batches_max: int | None = None,
    ) -> Generator[list[LoggedRequest] | WalState, None, None]:
        """Batches of requests above a key, at last the state, all of one moment.

        With ``batches_max`` only the first ones, if there are more.

        The log's file cannot shrink before the iterator has ended or is closed.
        """
        with self._readers.reader() as reader:
            yield from reader.snapshot(
                after_key, rows_max=rows_max, bytes_max=bytes_max, batches_max=batches_max
            )

    def state(self) -> WalState:
        """The log now."""
        with self._readers.reader() as reader:
            return reader.state()

    @property
    def holds_requests(self) -> bool:
        """Whether any is not flushed; nothing is read for it."""
        return self._writer.pending_bytes > 0

    def begun_range(self) -> KeyRange | None:
        """The flush that was begun and not finished, also by an earlier process."""
        with self._readers.reader() as reader:
            return reader.begun_range()

    def next_range(self, *, rows_max: int, bytes_max: int) -> KeyRange | None:
        """The flush that was begun, else the oldest requests that fit in one file."""
        with self._readers.reader() as reader:
            return reader.next_range(rows_max=rows_max, bytes_max=bytes_max)

    def flushing(self, first_key: bytes, last_key: bytes) -> None:
        """Make the range of a flush durable, before its file has its name."""
        self._change(lambda writer: writer.flushing(first_key, last_key))

    def mark_flushed(self, through_key: bytes, path: str | None, span_count: int) -> None:
        """Forget the requests up to a key, and list their file until it is confirmed."""
        self._change(lambda writer: writer.mark_flushed(through_key, path, span_count))

    def confirm(self, paths: Iterable[str]) -> int:
        """Stop listing these files; how many were listed. Other paths cost no commit."""
        with self._changed:
            if self._closing:
                raise WalBusy("the log is closed")
        with self._readers.reader() as reader:
            confirmed = reader.listed_of(list(paths))
        self.unlist(confirmed)
        return len(confirmed)

    def listed_files(self) -> list[ListedFile]:
        """Every file that is not confirmed."""
        with self._readers.reader() as reader:
            return reader.listed_files()

    def unlist(self, paths: Iterable[str]) -> None:
        """Stop listing these files."""
        given = list(paths)
        if given:
            self._change(lambda writer: writer.unlist(given))

    def remembered_root(self) -> str | None:
        """The identity of the folder in which listed files were seen last."""
        with self._readers.reader() as reader:
            return reader.fact(_ROOT)

    def remember_root(self, identity: str) -> None:
        """Listed files were seen in the folder of that identity, or none is listed."""
        if self.remembered_root() != identity:
            self._change(lambda writer: writer.remember(_ROOT, identity))

    def close(self) -> None:
        """Commit what waits, then close. Again: nothing."""
        with self._changed:
            first, self._closing = not self._closing, True
            self._changed.notify()
        self._thread.join()
        if first:
            self._readers.close()
            self._writer.close()
            self._changes.close()
            self._lock.release()

    def _change(self, action: Callable[[LogWriter], T]) -> T:
        entry = _Change(action)
        with self._changed:
            if self._closing:
                raise WalBusy("the log is closed")
            self._put(entry)
        result: T = entry.future.result()
        return result

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
