"""The database of the Mastra store: opened once a process, written by one thread at a time.

Stores of one process that name the same file share what is here, because DuckDB does: a lock
orders their writes, so that two of them cannot both find a span missing and insert it twice.
"""

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import duckdb

from indexer.contracts import mastra_migrations
from indexer.deferred_dataclass import dataclass
from indexer.errors import (
    CatalogBusy,
    CatalogTooNew,
    CatalogUnavailable,
    CatalogUnreadable,
    CatalogWriteFailed,
)
from indexer.mastra.filled_columns import FilledColumns, stored_columns
from indexer.mastra.interruption import interruptible
from indexer.mastra.known_keys import KnownKeys
from indexer.system.checkpoint import checkpoint
from indexer.system.duckdb_connection import connect, refuse_other_files
from indexer.system.duckdb_files import create_database, wal_path
from indexer.system.duckdb_migrations import applied_version, apply_migrations
from indexer.system.kept_cursors import KeptCursors
from indexer.system.permissions import PRIVATE_FILE, restrict

MEMORY_LIMIT = "512MiB"
"""A page of a hundred records with inputs of megabytes is read at once."""
THREADS = 2
CHECKPOINT_WAL_BYTES = 64 << 20
"""A checkpoint writes the last row group anew, up to 122,880 rows; to read a log of this size after
a kill takes seconds."""
_OWN_HINT = "Restore it from a backup, or move it away: the next start makes an empty one."
_REOPEN_HINT = "Ask again: the store is opened anew."
_WRITE_HINT = "Free disk space, or give the store more memory; senders try again."


@dataclass(frozen=True, slots=True)
class _Limits:
    memory_limit: str
    threads: int


class Database:
    """An open database, to be released as often as it was opened."""

    _open: ClassVar[dict[str, "Database"]] = {}
    _registry: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, path: Path | None, limits: "_Limits"
    ) -> None:
        self.path = path
        self._connection = connection
        self._cursors = KeptCursors(connection)
        self._limits = limits
        self._is_invalid = False
        self._writing = threading.RLock()
        self.users = 0
        """Stores that have it open: of a file only, one in memory has a single one."""
        self._known_keys: KnownKeys | None = None
        self.filled = FilledColumns()
        self._sequence = 0
        self.committed_sequence = 0
        """The newest number of a span that every reader from now on sees."""
        self.version = 0
        """Of what is committed: a reader that begins at a version sees all of it."""

    @classmethod
    def open(cls, path: Path | None, *, memory_limit: str, threads: int) -> "Database":
        """Open a file, made when there is none, or a database in memory.

        A file that this process has open already keeps its limits. Raises CatalogBusy while
        another process has it, CatalogUnreadable for a damaged file or another program's,
        CatalogTooNew for one that a newer version migrated.
        """
        if path is None:
            return cls._made(None, memory_limit, threads)
        key = os.path.realpath(path)
        with cls._registry:
            found = cls._open.get(key)
            if found is None:
                found = cls._open[key] = cls._made(Path(key), memory_limit, threads)
            found.users += 1
            return found

    def release(self) -> None:
        """Close when nobody else has it; DuckDB checkpoints on the way and frees its lock."""
        with self._registry:
            self.users -= 1
            if self.users > 0:
                return
            if self.path is not None:
                self._open.pop(str(self.path), None)
            with self._writing:
                self._cursors.close()
                self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """All statements inside happen, or none; writers wait for each other.

        Raises CatalogWriteFailed when DuckDB refuses.
        """
        with self._writing:
            connection = self._usable()
            try:
                connection.execute("BEGIN TRANSACTION")
                yield connection
                connection.execute("COMMIT")
                self.committed_sequence = self._sequence
                self.version += 1
                if self.path is not None:
                    restrict([wal_path(self.path)], PRIVATE_FILE)
            except duckdb.Error as error:
                self._is_invalid |= isinstance(error, duckdb.FatalException)
                self._roll_back()
                raise CatalogWriteFailed(_first_line(error), hint=_WRITE_HINT) from error
            except BaseException:
                self._roll_back()
                raise

    def checkpoint(self) -> None:
        """Fold the log into the file, which gives the space of deleted rows back.

        Raises CatalogBusy when other transactions are in the way, and CatalogWriteFailed.
        """
        with self._writing:
            self._checkpoint()

    @contextmanager
    def checkpointed(self) -> Iterator[None]:
        """The file alone is the database inside, and nobody writes."""
        with self._writing:
            self._checkpoint()
            yield

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for one query, which sees one state anyway.

        What the caller registers there it unregisters. Raises CatalogUnavailable for a database
        that has to be opened again, which the next call does, and what
        ``interruption.reads_within`` says.
        """
        self._usable()
        cursors = self._cursors
        cursor = cursors.take()
        try:
            with interruptible(cursor):
                yield cursor
        except BaseException as error:
            cursor.close()
            if not isinstance(error, duckdb.FatalException):
                raise
            self._is_invalid = True
            raise CatalogUnavailable(_first_line(error), hint=_REOPEN_HINT) from error
        cursors.give_back(cursor)

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor in which all queries see the same state. Raises like ``cursor``."""
        with self.cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION")
            yield cursor
            cursor.execute("COMMIT")

    def known_keys(self) -> KnownKeys:
        """Keys of spans that may be stored; the caller is in a transaction."""
        if self._known_keys is None:
            stored = self._connection.execute("SELECT span_key FROM mastra_spans").fetchnumpy()
            self._known_keys = KnownKeys(stored["span_key"])
        return self._known_keys

    def _usable(self) -> duckdb.DuckDBPyConnection:
        """The connection, of a database that is opened again after a fatal error.

        DuckDB refuses every statement after one, until nobody has it open.
        """
        if not self._is_invalid or self.path is None:
            return self._connection
        with self._writing:
            if self._is_invalid:
                self._cursors.close()
                self._connection.close()
                self._connection = _connect(self.path, self._limits)
                self._cursors = KeptCursors(self._connection)
                self._is_invalid = False
                self._known_keys = None
                self.version += 1
                self._prepare()
            return self._connection

    def next_sequence(self, count: int) -> range:
        """So many numbers, larger than all before, restarts and deletions included.

        They begin with the microseconds since 1970, so that numbers of deleted spans do not come
        again. The caller is in a transaction.
        """
        first = max(self._sequence + 1, time.time_ns() // 1000)
        self._sequence = first + count - 1
        return range(first, first + count)

    @classmethod
    def _made(cls, path: Path | None, memory_limit: str, threads: int) -> Self:
        limits = _Limits(memory_limit, threads)
        connection = _connect(path, limits)
        database = cls(connection, path, limits)
        try:
            database._prepare()
        except BaseException:
            connection.close()
            raise
        return database

    def _prepare(self) -> None:
        try:
            self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
            self._connection.execute(f"SET GLOBAL checkpoint_threshold = '{CHECKPOINT_WAL_BYTES}B'")
            version = applied_version(self._connection)
        except duckdb.Error as error:
            raise _unreadable(self.path, _first_line(error)) from error
        known = mastra_migrations()[-1][0]
        if version is None:
            raise _unreadable(self.path, "it is a database of another program")
        if version > known:
            raise CatalogTooNew(
                f"{self.path} has schema version {version}, this program supports {known}",
                path=str(self.path),
                hint="Upgrade this installation.",
            )
        refuse_other_files(self._connection)
        apply_migrations(self.transaction, mastra_migrations(), version)
        if version < known:
            self._connection.execute("CHECKPOINT")  # a log with changes of tables is not replayed
        found = self._connection.execute("SELECT max(sequence) FROM mastra_spans").fetchall()
        self._sequence = self.committed_sequence = found[0][0] or 0
        self.filled.add(stored_columns(self._connection))

    def _checkpoint(self) -> None:
        try:
            checkpoint(self._usable)
        except duckdb.Error as error:
            self._is_invalid |= isinstance(error, duckdb.FatalException)
            raise CatalogWriteFailed(_first_line(error), hint=_WRITE_HINT) from error

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except duckdb.Error:  # the failed statement has already ended the transaction
            return


def _connect(path: Path | None, limits: _Limits) -> duckdb.DuckDBPyConnection:
    try:
        if path is not None:
            create_database(path)
        return connect(
            path,
            memory_limit=limits.memory_limit,
            threads=limits.threads,
            spill_folder=None if path is None else path.parent,
        )
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise CatalogBusy(f"{path} is open in another process", path=str(path)) from error
        raise _unreadable(path, _first_line(error)) from error


def _unreadable(path: Path | None, reason: str) -> CatalogUnreadable:
    return CatalogUnreadable(f"cannot open {path}: {reason}", path=str(path), hint=_OWN_HINT)


def _first_line(error: Any) -> str:
    return re.sub(r"\s+", " ", str(error).strip())[:500]
