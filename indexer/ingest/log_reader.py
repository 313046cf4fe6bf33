"""What the log holds, read without the writer: each reader sees one moment at a time.

Readers are read-only connections, so the process that writes files uses the same code by path.
"""

import sqlite3
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import repeat
from pathlib import Path
from typing import cast

from indexer.deferred_dataclass import dataclass
from indexer.ingest.log_file import facts, open_for_reading
from indexer.system.clock import Clock, SystemClock
from indexer.wire.keys import KEY_BYTES, key_unix_nano
from indexer.wire.limits import RECENT_FILES_MAX

PATHS_AT_ONCE = 500
"""In one statement; SQLite takes 32,766 parameters, older ones 999."""
IDLE_READERS_MAX = 4
"""Open connections kept for the next reader; more readers at once open their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One export request as it was acknowledged."""

    key: bytes
    body: bytes
    span_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentFile:
    """A flushed file that is not confirmed."""

    path: str
    span_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """A flushed file that is not confirmed, and since when."""

    path: str
    span_count: int
    flushed_unix_nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """Requests that become one file. Also after a crash it has just these."""

    first_key: bytes
    last_key: bytes
    request_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WalState:
    """The log at one moment: everything acknowledged before ``as_of_unix_nano`` is in it."""

    wal_id: str
    newest_key: bytes
    flushed_key: bytes
    recent_files: tuple[RecentFile, ...]
    """The newest ones, oldest first."""
    unlisted_files: int
    """Files that are not confirmed beyond those."""
    pending_spans: int
    pending_bytes: int
    oldest_key: bytes | None
    as_of_unix_nano: int

    @property
    def oldest_unix_nano(self) -> int | None:
        """When the oldest request that is not flushed was acknowledged."""
        return None if self.oldest_key is None else key_unix_nano(self.oldest_key)


class LogReader:
    """One read-only connection, for one thread at a time."""

    def __init__(self, path: str | Path, clock: Clock | None = None) -> None:
        self._connection = open_for_reading(path)
        self._clock = clock or SystemClock()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Everything read inside is of one moment: that of the first reading."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def read_after(self, key: bytes, *, rows_max: int, bytes_max: int) -> list[LoggedRequest]:
        """Requests above a key in order, as many as fit; the first one always does."""
        found: list[LoggedRequest] = []
        body_bytes = 0
        with self._rows("SELECT key, body, span_count", key, rows_max) as rows:
            for row_key, body, span_count in rows:
                body_bytes += len(body)
                if found and body_bytes > bytes_max:
                    break
                found.append(LoggedRequest(key=row_key, body=body, span_count=span_count))
        return found

    def read_range(self, first_key: bytes, last_key: bytes) -> list[LoggedRequest]:
        """All requests from one key to another, both included."""
        rows = self._connection.execute(
            "SELECT key, body, span_count FROM requests WHERE key BETWEEN ? AND ? ORDER BY key",
            (first_key, last_key),
        )
        return [LoggedRequest(key=key, body=body, span_count=count) for key, body, count in rows]

    def read_keys(self, first_key: bytes, last_key: bytes) -> list[bytes]:
        """Of the same requests, their keys alone."""
        rows = self._connection.execute(
            "SELECT key FROM requests WHERE key BETWEEN ? AND ? ORDER BY key", (first_key, last_key)
        )
        return [key for (key,) in rows]

    def next_range(self, *, rows_max: int, bytes_max: int) -> KeyRange | None:
        """The flush that was begun, else the oldest requests that fit in one file."""
        begun = self.begun_range()
        if begun is not None:
            return begun
        keys: list[bytes] = []
        spans = body_bytes = 0
        with self._rows("SELECT key, span_count, length(body)", b"", -1) as rows:
            for key, span_count, size in rows:
                spans += span_count
                body_bytes += size
                if keys and (spans > rows_max or body_bytes > bytes_max):
                    break
                keys.append(key)
        if not keys:
            return None
        return KeyRange(first_key=keys[0], last_key=keys[-1], request_count=len(keys))

    def begun_range(self) -> KeyRange | None:
        """The flush that was begun and is not recorded as done."""
        (both,) = facts(self._connection, ["flushing"])
        if both is None:
            return None
        first, last = cast("bytes", both)[:KEY_BYTES], cast("bytes", both)[KEY_BYTES:]
        (count,) = self._connection.execute(
            "SELECT count(*) FROM requests WHERE key BETWEEN ? AND ?", (first, last)
        ).fetchone()
        return KeyRange(first_key=first, last_key=last, request_count=count)

    def listed_files(self) -> list[ListedFile]:
        """Every file that is not confirmed."""
        rows = self._connection.execute(
            "SELECT path, span_count, flushed_at_unix_nano FROM files ORDER BY last_key"
        )
        return [
            ListedFile(path=path, span_count=count, flushed_unix_nano=flushed)
            for path, count, flushed in rows
        ]

    def listed_of(self, paths: Sequence[str]) -> list[str]:
        """Which of the paths are listed."""
        found: set[str] = set()
        for first in range(0, len(paths), PATHS_AT_ONCE):
            some = paths[first : first + PATHS_AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._connection.execute(f"SELECT path FROM files WHERE path IN ({marks})", some)
            found.update(path for (path,) in rows)
        return sorted(found)

    def fact(self, name: str) -> str | None:
        """A text that was remembered under that name."""
        (value,) = facts(self._connection, [name])
        return cast("str | None", value)

    def state(self) -> WalState:
        """The log now."""
        as_of = self._clock.now_unix_nano()
        if self._connection.in_transaction:
            return self._state(as_of)
        with self.moment():
            return self._state(as_of)

    def snapshot(
        self, after_key: bytes, *, rows_max: int, bytes_max: int, batches_max: int | None = None
    ) -> Generator[list[LoggedRequest] | WalState, None, None]:
        """Requests above a key in batches, at last the state, all of one moment.

        With ``batches_max`` only the first ones, if there are more.
        """
        with self.moment():
            state = self.state()
            for _ in repeat(None) if batches_max is None else repeat(None, batches_max):
                batch = self.read_after(after_key, rows_max=rows_max, bytes_max=bytes_max)
                if not batch:
                    break
                yield batch
                after_key = batch[-1].key
            yield state

    def _state(self, as_of_unix_nano: int) -> WalState:
        names = ["wal_id", "newest_key", "flushed_key", "pending_spans", "pending_bytes"]
        wal_id, newest, flushed, spans, body_bytes = facts(self._connection, names)
        files = self._connection.execute(
            "SELECT path, span_count FROM files ORDER BY last_key DESC LIMIT ?",
            (RECENT_FILES_MAX,),
        ).fetchall()
        (listed,) = self._connection.execute("SELECT count(*) FROM files").fetchone()
        (oldest,) = self._connection.execute("SELECT min(key) FROM requests").fetchone()
        return WalState(
            wal_id=cast("str", wal_id),
            newest_key=cast("bytes", newest),
            flushed_key=cast("bytes", flushed),
            recent_files=tuple(
                RecentFile(path=path, span_count=count) for path, count in reversed(files)
            ),
            unlisted_files=listed - len(files),
            pending_spans=cast("int", spans),
            pending_bytes=cast("int", body_bytes),
            oldest_key=oldest,
            as_of_unix_nano=as_of_unix_nano,
        )

    @contextmanager
    def _rows(self, select: str, after_key: bytes, rows_max: int) -> Iterator[sqlite3.Cursor]:
        """Rows in order; closing the cursor ends a reading that stops early."""
        query = f"{select} FROM requests WHERE key > ? ORDER BY key LIMIT ?"
        with closing(self._connection.execute(query, (after_key, rows_max))) as rows:
            yield rows


class ReaderPool:
    """Readers of one log for many threads."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._idle: list[LogReader] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def reader(self) -> Iterator[LogReader]:
        """A reader that nobody else has."""
        with self._lock:
            taken = self._idle.pop() if self._idle else None
        reader = taken or LogReader(self._path, self._clock)
        try:
            yield reader
        finally:
            self._put_back(reader)

    def close(self) -> None:
        """Close the idle readers; the others are closed when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.close()

    def _put_back(self, reader: LogReader) -> None:
        with self._lock:
            keep = not self._closed and len(self._idle) < IDLE_READERS_MAX
            if keep:
                self._idle.append(reader)
        if not keep:
            reader.close()
