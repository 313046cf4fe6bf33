"""The SQLite file of the write-ahead log: its lock, its connections and its schema.

One process owns the log, by an ``flock`` on a file beside it, and one of its connections writes.
Every other connection, in that process or another, is read-only: only the writing
connection checkpoints, so no checkpoint ever runs beside another one or beside a write.
"""

import fcntl
import os
import sqlite3
import uuid
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from indexer.errors import CatalogOwned, CatalogTooNew, CatalogUnreadable
from indexer.system.durable_files import (
    SQLITE_FULL_SYNC,
    create_private,
    open_private,
    sync_folder,
)
from indexer.system.permissions import PRIVATE_FILE, restrict

SCHEMA_VERSION = 1
PAGE_BYTES = 16 * 1024
"""Bodies of 150 KB: 2,700 appends/s, against 1,200 with pages of 4 KiB and 3,000 of 64 KiB."""
CHECKPOINT_BYTES = 16 * 1024 * 1024
"""SQLite folds its own log in at this size: 1.6x the appends of its default of 4 MiB."""
BUSY_TIMEOUT_S = 5.0
SYNCHRONOUS = ("FULL", "NORMAL", "OFF")
_BESIDE = ("-wal", "-shm")
"""SQLite makes these with the mode of the file itself."""

_SCHEMA = """
CREATE TABLE requests (key BLOB PRIMARY KEY, span_count INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE files (
    path TEXT PRIMARY KEY,
    span_count INTEGER NOT NULL,
    first_key BLOB NOT NULL,
    last_key BLOB NOT NULL,
    flushed_at_unix_nano INTEGER NOT NULL
);
CREATE TABLE facts (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
"""
_FIRST_FACTS = {"newest_key": b"", "flushed_key": b"", "pending_spans": 0, "pending_bytes": 0}


class LogLock:
    """One process per log, for life."""

    def __init__(self, path: Path) -> None:
        """Take the lock, or raise CatalogOwned naming who has it."""
        name = path.with_name(path.name + ".lock")
        self._descriptor = open_private(name)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 200, 0).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise CatalogOwned(
                f"the log {path} is owned by {holder or 'another process'}",
                path=str(path),
                hint="Stop that process first, or give this one another log (INGESTION_WAL_PATH).",
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"ingestion (process {os.getpid()})\n".encode(), 0)

    def release(self) -> None:
        """Release the lock. The file stays: removing it would race with the next holder."""
        os.close(self._descriptor)


def open_for_writing(path: Path, synchronous: str) -> sqlite3.Connection:
    """The one writing connection; the file is made when there is none, for this user alone.

    Raises CatalogUnreadable for a file that is not a log, CatalogTooNew for a newer version's.
    """
    if synchronous not in SYNCHRONOUS:
        raise ValueError(f"synchronous is one of {SYNCHRONOUS}, not {synchronous!r}")
    create_private(path)
    restrict((path.with_name(path.name + end) for end in _BESIDE), PRIVATE_FILE)
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(connection, path, synchronous)
    except sqlite3.Error as error:
        connection.close()
        raise unreadable_log(path, str(error)) from error
    except BaseException:
        connection.close()
        raise
    sync_folder(path.parent)
    return connection


def open_for_reading(path: str | Path) -> sqlite3.Connection:
    """A connection that can change nothing, for one thread at a time."""
    return sqlite3.connect(
        f"file:{quote(os.path.abspath(path))}?mode=ro",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def facts(connection: sqlite3.Connection, names: Sequence[str]) -> list[bytes | int | str | None]:
    """Values by name, None for what is not known."""
    marks = ",".join("?" * len(names))
    found = dict(connection.execute(f"SELECT key, value FROM facts WHERE key IN ({marks})", names))
    return [found.get(name) for name in names]


def _prepare(connection: sqlite3.Connection, path: Path, synchronous: str) -> None:
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise CatalogTooNew(
            f"{path} has version {version}, this program supports {SCHEMA_VERSION}",
            path=str(path),
            hint="Upgrade this installation, or let the newer one flush the log first.",
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    for name in SQLITE_FULL_SYNC:
        connection.execute(f"PRAGMA {name} = ON")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_BYTES // PAGE_BYTES}")
    if version == 0:
        _create(connection, path)


def _create(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() != (0,):
        raise unreadable_log(path, "it is another program's database")
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA.split(";"):
        connection.execute(statement)
    first = {"wal_id": uuid.uuid4().hex, **_FIRST_FACTS}
    connection.executemany("INSERT INTO facts VALUES (?, ?)", first.items())
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def unreadable_log(path: Path, reason: str) -> CatalogUnreadable:
    """What is raised for a file that cannot be used as a log, and what to do with it."""
    return CatalogUnreadable(
        f"cannot open the log {path}: {reason}",
        path=str(path),
        hint="Move the file away and keep it: a new log is made, and what is in files stays.",
    )
