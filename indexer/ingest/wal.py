"""The write-ahead log: a request is acknowledged once it is in a committed transaction.

Whatever changes the log waits for ``group_commit``; who reads it waits for nobody.
"""

from collections.abc import Generator, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Self

from indexer.ingest.group_commit import QUEUE_BYTES_MAX, GroupCommit
from indexer.ingest.log_file import LogLock
from indexer.ingest.log_reader import KeyRange, ListedFile, LoggedRequest, ReaderPool, WalState
from indexer.ingest.log_writer import LogWriter
from indexer.system.change_count import ChangeCounter
from indexer.system.clock import Clock, SystemClock
from indexer.system.durable_files import make_folder
from indexer.system.permissions import DEFAULT_MODES, FileModes
from indexer.wire.paths import changes_file

MIB = 1024 * 1024
LOG_BYTES_MAX = 2048 * MIB
"""Bodies that wait for their file: 80 flushes; beyond, flushing has failed for long."""
_ROOT = "root"
"""Name of a fact."""
BATCH_ROWS = 1_000
BATCH_BYTES = 4 * MIB
"""A batch of a snapshot, unless its reader asks for another."""


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
        self.wal_id = writer.wal_id
        self.bytes_max, queue_bytes_max = limits
        self._changes = changes
        self._writer = writer
        self._lock = lock
        self._readers = ReaderPool(path, clock)
        self._commits = GroupCommit(
            writer, changes, log_bytes_max=self.bytes_max, queue_bytes_max=queue_bytes_max
        )

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
        return self._commits.append(body, span_count)

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
        self._commits.change(lambda writer: writer.flushing(first_key, last_key))

    def mark_flushed(self, through_key: bytes, path: str | None, span_count: int) -> None:
        """Forget the requests up to a key, and list their file until it is confirmed."""
        self._commits.change(lambda writer: writer.mark_flushed(through_key, path, span_count))

    def confirm(self, paths: Iterable[str]) -> int:
        """Stop listing these files; how many were listed. Other paths cost no commit."""
        self._commits.require_open()
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
            self._commits.change(lambda writer: writer.unlist(given))

    def remembered_root(self) -> str | None:
        """The identity of the folder in which listed files were seen last."""
        with self._readers.reader() as reader:
            return reader.fact(_ROOT)

    def remember_root(self, identity: str) -> None:
        """Listed files were seen in the folder of that identity, or none is listed."""
        if self.remembered_root() != identity:
            self._commits.change(lambda writer: writer.remember(_ROOT, identity))

    def close(self) -> None:
        """Commit what waits, then close. Again: nothing."""
        if self._commits.close():
            self._readers.close()
            self._writer.close()
            self._changes.close()
            self._lock.release()
