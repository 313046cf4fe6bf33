"""Every change of the log, each one transaction, all by the one thread that calls.

What the disk refuses is WalBusy: the transaction has not happened and the next one may.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from indexer.errors import WalBusy
from indexer.ingest.key_sequence import KeySequence
from indexer.ingest.log_file import (
    BUSY_TIMEOUT_S,
    PAGE_BYTES,
    facts,
    open_for_writing,
    unreadable_log,
)
from indexer.system.clock import Clock

SPARE_PAGES = 64 * 1024 * 1024 // PAGE_BYTES
"""Free pages kept in the file for the next requests: two flushes' worth."""
VACUUM_PAGES_MAX = 64 * 1024 * 1024 // PAGE_BYTES
"""Free pages given back at a time, 0.1 s: acknowledgements wait for it."""


class LogWriter:
    """The one writing connection."""

    def __init__(self, path: Path, synchronous: str, clock: Clock) -> None:
        """Raises like ``open_for_writing``, also for a log whose facts cannot be read."""
        self.connection = open_for_writing(path, synchronous)
        self._clock = clock
        try:
            wal_id, newest, pending = _facts(self.connection, path)
        except BaseException:
            self.connection.close()
            raise
        self.wal_id = cast("str", wal_id)
        self.pending_bytes = cast("int", pending)
        self._keys = KeySequence(cast("bytes", newest), clock)

    def close(self) -> None:
        """Close; SQLite folds its own log in on the way."""
        self.connection.close()

    def insert(self, requests: Sequence[tuple[bytes, int]]) -> list[bytes]:
        """Log (body, span count) in this order; the keys they have once this returns."""
        rows = [(self._keys.next(), spans, body) for body, spans in requests]
        size = sum(len(body) for _, _, body in rows)
        with self._transaction():
            self.connection.executemany("INSERT INTO requests VALUES (?, ?, ?)", rows)
            self._set("newest_key", rows[-1][0])
            self._add("pending_spans", sum(spans for _, spans, _ in rows))
            self._add("pending_bytes", size)
        self.pending_bytes += size
        return [key for key, _, _ in rows]

    def flushing(self, first_key: bytes, last_key: bytes) -> None:
        """Remember the range whose file is about to be written."""
        with self._transaction():
            self._set("flushing", first_key + last_key)

    def mark_flushed(self, through_key: bytes, path: str | None, span_count: int) -> None:
        """The requests up to a key are in a file (or in none, if they have no span)."""
        with self._transaction():
            first, spans, size = self.connection.execute(
                "SELECT min(key), coalesce(sum(span_count), 0), coalesce(sum(length(body)), 0) "
                "FROM requests WHERE key <= ?",
                (through_key,),
            ).fetchone()
            if first is not None:
                self._forget(through_key, spans, size)
            if first is not None and path is not None:
                self._list(path, span_count, first, through_key)
        self.pending_bytes -= size
        self._reclaim()

    def unlist(self, paths: Iterable[str]) -> None:
        """Nobody needs to be told of these files: they are in the index, or there are none."""
        with self._transaction():
            self.connection.executemany(
                "DELETE FROM files WHERE path = ?", [(path,) for path in paths]
            )

    def remember(self, name: str, text: str) -> None:
        """Keep a text under a name."""
        with self._transaction():
            self._set(name, text)

    def _forget(self, through_key: bytes, spans: int, size: int) -> None:
        self.connection.execute("DELETE FROM requests WHERE key <= ?", (through_key,))
        self.connection.execute("DELETE FROM facts WHERE key = 'flushing'")
        self._set("flushed_key", through_key)
        self._add("pending_spans", -spans)
        self._add("pending_bytes", -size)

    def _list(self, path: str, span_count: int, first_key: bytes, last_key: bytes) -> None:
        now = self._clock.now_unix_nano()
        self.connection.execute(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)",
            (path, span_count, first_key, last_key, now),
        )

    def _reclaim(self) -> None:
        """Give room back. What a reader or the disk prevents now happens after the next flush."""
        try:
            (free,) = self.connection.execute("PRAGMA freelist_count").fetchone()
            if free > SPARE_PAGES:
                pages = min(free - SPARE_PAGES, VACUUM_PAGES_MAX)
                # ``execute`` steps a pragma once, and each step of this one frees one page.
                self.connection.executescript(f"PRAGMA incremental_vacuum({pages})")
            self.connection.execute("PRAGMA busy_timeout = 0")
            # While requests come in, what SQLite has written is written over: a file that grows
            # anew with each of them costs a sixth of the time that logging takes.
            kind = "RESTART" if self.pending_bytes else "TRUNCATE"
            self.connection.execute(f"PRAGMA wal_checkpoint({kind})").fetchall()
        except sqlite3.Error:
            return
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")

    def _set(self, name: str, value: bytes | str) -> None:
        self.connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def _add(self, name: str, change: int) -> None:
        self.connection.execute("UPDATE facts SET value = value + ? WHERE key = ?", (change, name))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._rollback()
            raise WalBusy(f"the log refused a transaction: {error}") from error
        except BaseException:
            self._rollback()
            raise

    def _rollback(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")


def _facts(connection: sqlite3.Connection, path: Path) -> list[bytes | int | str | None]:
    names = ["wal_id", "newest_key", "pending_bytes"]
    try:
        found = facts(connection, names)
    except sqlite3.Error as error:
        raise unreadable_log(path, str(error)) from error
    if None in found:
        raise unreadable_log(path, f"it has no {names[found.index(None)]}")
    return found
