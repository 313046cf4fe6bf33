"""The DuckDB database: open it, bring it to the current schema, run transactions in it.

Exactly one process opens a catalog for writing (see ``lock``), and inside it exactly one thread
writes; readers take cursors of their own.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Self

import duckdb

from indexer.catalog.commits import Commits
from indexer.catalog.generations import spill_folder
from indexer.catalog.recent_files import RecentFile
from indexer.contracts import migrations, schema_version
from indexer.errors import (
    CatalogBusy,
    CatalogTooNew,
    CatalogUnreadable,
    CatalogWriteFailed,
)
from indexer.system.checkpoint import checkpoint
from indexer.system.duckdb_connection import connect, refuse_other_files
from indexer.system.duckdb_files import create_database, size_bytes, wal_bytes, wal_path
from indexer.system.duckdb_migrations import applied_version, apply_migrations
from indexer.system.duckdb_statements import forget_statements
from indexer.system.kept_cursors import KeptCursors
from indexer.system.permissions import PRIVATE_FILE, restrict

_NO_CHECKPOINT_BYTES = 1 << 50
CHECKPOINT_WAL_BYTES = 16 * 1024 * 1024
"""DuckDB checkpoints by itself beyond this, 0.1 s; the worker does it earlier, when it is idle."""


class Catalog:
    """An open catalog file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self.connection = connection
        self.path = path
        self._cursors = KeptCursors(connection)
        self.commits = Commits()
        """Those of ``transaction``, by which everything is written that answers keep."""
        self._holds_checkpoints = False

    @classmethod
    def open(
        cls, path: Path, *, memory_limit: str = "1GiB", threads: int = 2, read_only: bool = False
    ) -> Self:
        """Open, or create when it does not exist and is not read-only.

        Raises CatalogBusy while another process has it, CatalogUnreadable for a damaged file,
        CatalogTooNew for one that a newer version migrated.
        """
        if not read_only:
            try:
                create_database(path)
            except duckdb.Error as error:
                raise CatalogWriteFailed(_first_line(error), path=str(path)) from error
        try:
            connection = connect(
                path,
                read_only=read_only,
                memory_limit=memory_limit,
                threads=threads,
                spill_folder=spill_folder(path),
            )
        except duckdb.IOException as error:
            if "Could not set lock" in str(error):
                raise CatalogBusy(f"{path} is open in another process", path=str(path)) from error
            raise unreadable(path, error) from error
        except duckdb.Error as error:
            raise unreadable(path, error) from error
        catalog = cls(connection, path)
        try:
            catalog._prepare(migrate=not read_only)
        except BaseException:
            connection.close()
            raise
        return catalog

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A reader's own connection to the same database, to be closed or given back."""
        return self._cursors.take()

    def give_back(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """A reader's connection for the next one: in no transaction, with no tables registered."""
        self._cursors.give_back(cursor)

    def check(self) -> None:
        """Raises CatalogWriteFailed when DuckDB has given the database up and it must be reopened.

        A failure inside any statement, one of readers included, can end it for all of them.
        """
        try:
            self.connection.execute("SELECT 1")
        except duckdb.Error as error:
            raise CatalogWriteFailed(_first_line(error), path=str(self.path)) from error

    @contextmanager
    def transaction(
        self,
        *,
        is_counted: bool = True,
        files: Collection[int] | None = None,
        registered: Sequence[RecentFile] = (),
        refusals: bool = True,
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """All statements inside happen, or none, whatever is raised inside.

        One is not counted that writes what only SQL and searches read: what answers keep of the
        index stays true. ``files`` and ``registered`` have at the end what ``Commits.committing``
        is told, and ``refusals`` is the same. Raises CatalogWriteFailed when DuckDB refuses.
        """
        try:
            self.connection.execute("BEGIN TRANSACTION")
            yield self.connection
            commit = self.commits.committing(files, registered, refusals=refusals)
            with commit if is_counted else nullcontext():
                self.connection.execute("COMMIT")
            restrict([wal_path(self.path)], PRIVATE_FILE)
        except duckdb.Error as error:
            self._rollback()
            raise CatalogWriteFailed(_first_line(error), path=str(self.path)) from error
        except Exception:
            self._rollback()
            raise

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the database file, unless checkpoints are held.

        Raises CatalogBusy when other transactions are in the way, and CatalogWriteFailed.
        """
        if self._holds_checkpoints:
            return
        try:
            checkpoint(lambda: self.connection)
        except duckdb.Error as error:
            raise CatalogWriteFailed(_first_line(error), path=str(self.path)) from error

    def hold_checkpoints(self) -> None:
        """From now on commits go to the log, and the file keeps the last checkpoint readable."""
        self._set_checkpoint_bytes(_NO_CHECKPOINT_BYTES)
        self._holds_checkpoints = True

    def release_checkpoints(self) -> None:
        """The next commit or ``checkpoint`` may fold the log in."""
        self._holds_checkpoints = False
        self._set_checkpoint_bytes(CHECKPOINT_WAL_BYTES)

    def _set_checkpoint_bytes(self, count: int) -> None:
        try:
            self.connection.execute("SET checkpoint_threshold = $bytes", {"bytes": f"{count}B"})
        except duckdb.Error as error:
            raise CatalogWriteFailed(_first_line(error), path=str(self.path)) from error

    def wal_bytes(self) -> int:
        """Size of the write-ahead log, 0 when there is none."""
        return wal_bytes(self.path)

    def size_bytes(self) -> int:
        """Size of the database file and of its write-ahead log, 0 when somebody deleted it."""
        return size_bytes(self.path)

    def close(self) -> None:
        """Close; DuckDB checkpoints on the way."""
        self._cursors.close()
        self.connection.close()

    def fact(self, key: str) -> str | None:
        """A value of ``catalog_facts``."""
        found = self.connection.execute(
            "SELECT value FROM catalog_facts WHERE key = ?", [key]
        ).fetchall()
        return found[0][0] if found else None

    def _rollback(self) -> None:
        forget_statements(self.connection)
        try:
            self.connection.execute("ROLLBACK")
        except duckdb.Error:  # the failed statement has already ended the transaction
            return

    def _prepare(self, *, migrate: bool) -> None:
        try:
            self.connection.execute("SET GLOBAL TimeZone = 'UTC'")  # for cursors, too
            self.connection.execute(
                "SET checkpoint_threshold = $bytes", {"bytes": f"{CHECKPOINT_WAL_BYTES}B"}
            )
            version = self._version()
        except duckdb.Error as error:
            raise unreadable(self.path, error) from error
        if version > schema_version():
            raise CatalogTooNew(
                f"{self.path} has schema version {version}, "
                f"this program supports {schema_version()}",
                path=str(self.path),
            )
        if migrate:
            refuse_other_files(self.connection)
            apply_migrations(self.transaction, migrations(), version)
        elif version < schema_version():
            raise CatalogUnreadable(
                f"{self.path} has schema version {version}, this program needs {schema_version()}",
                path=str(self.path),
                hint="Start the worker, or run it with --once: either migrates the catalog.",
            )

    def _version(self) -> int:
        version = applied_version(self.connection)
        if version is None:
            raise CatalogUnreadable(
                f"{self.path} is a DuckDB database, but not a catalog of this program",
                path=str(self.path),
            )
        return version


def unreadable(path: Path, error: Any) -> CatalogUnreadable:
    """DuckDB's refusal to read a catalog file, as a fact."""
    return CatalogUnreadable(f"cannot open {path}: {_first_line(error)}", path=str(path))


def _first_line(error: Any) -> str:
    return re.sub(r"\s+", " ", str(error).strip())[:500]
