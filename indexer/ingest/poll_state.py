"""How far a poller has come, in one small SQLite file that no other process can have open.

The key is that of the last span that is in a file. The range of a file is made durable before the
file has its name: if the file is there after a crash, the range is done. Asking for it
again would be wrong, because the service may have deleted some of it since, or received more.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Self

from indexer.errors import CatalogOwned, CatalogUnreadable
from indexer.system.durable_files import (
    SQLITE_FULL_SYNC,
    create_private,
    make_folder,
    sync_folder,
)
from indexer.system.permissions import DEFAULT_MODES, FileModes

BUSY_TIMEOUT_S = 1.0
"""Only another poller can hold it, and that one does not end soon."""
_ROW = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS poller_state (id INTEGER PRIMARY KEY, last_key BLOB);
CREATE TABLE IF NOT EXISTS poller_batch (
    id INTEGER PRIMARY KEY, first_key BLOB NOT NULL, through_key BLOB NOT NULL
)
"""


class PollState:
    """The open file. One thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path, modes: FileModes = DEFAULT_MODES) -> Self:
        """Open, or create for this user alone.

        Raises CatalogOwned while another process has it, CatalogUnreadable.
        """
        make_folder(path.parent, modes)
        create_private(path)
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection)
        except sqlite3.Error as error:
            connection.close()
            raise _refusal(path, error) from error
        sync_folder(path.parent)
        return cls(connection)

    def close(self) -> None:
        """Close; the next process may have it."""
        self._connection.close()

    def last_key(self) -> bytes:
        """Spans up to this key are in files; empty when none is."""
        found = self._one("SELECT last_key FROM poller_state WHERE id = ?")
        return bytes(found[0] or b"") if found else b""

    def unfinished_range(self) -> tuple[bytes, bytes] | None:
        """First and last key of the range whose file may or may not be there."""
        return self._one("SELECT first_key, through_key FROM poller_batch WHERE id = ?")

    def begin(self, first_key: bytes, through_key: bytes) -> None:
        """A file of this range is about to get its name."""
        self._connection.execute(
            "INSERT OR REPLACE INTO poller_batch VALUES (?, ?, ?)", (_ROW, first_key, through_key)
        )

    def finish(self, through_key: bytes) -> None:
        """Spans up to this key are in files, or cannot be in one and are kept elsewhere."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(
                "INSERT OR REPLACE INTO poller_state (id, last_key) VALUES (?, ?)",
                (_ROW, through_key),
            )
            connection.execute("DELETE FROM poller_batch")
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # the error being raised says more
                connection.execute("ROLLBACK")
            raise

    def _one(self, query: str) -> tuple[bytes, bytes] | None:
        found: tuple[bytes, bytes] | None = self._connection.execute(query, (_ROW,)).fetchone()
        return found


def _prepare(connection: sqlite3.Connection) -> None:
    """Take the file's lock for as long as the connection is open, and make the tables."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = FULL")
    for name in SQLITE_FULL_SYNC:
        connection.execute(f"PRAGMA {name} = ON")
    connection.execute("BEGIN EXCLUSIVE")
    for statement in _SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute("COMMIT")


def _refusal(path: Path, error: sqlite3.Error) -> CatalogOwned | CatalogUnreadable:
    if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
        return CatalogOwned(
            f"another process polls with {path}",
            path=str(path),
            hint="Stop that process first, or use another INGESTION_POLLER_STATE_PATH.",
        )
    return CatalogUnreadable(
        f"cannot open {path}: {error}",
        path=str(path),
        hint="Move the file away: polling starts again with the oldest span of the service.",
    )
