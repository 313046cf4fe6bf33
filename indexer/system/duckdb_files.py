"""A DuckDB database as files: made in a format that every supported version opens, for us alone."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from indexer.system.duckdb_connection import connect
from indexer.system.duckdb_rows import text_literal
from indexer.system.durable_files import make_folder
from indexer.system.permissions import PRIVATE_FILE, restrict, set_mode

STORAGE_VERSION = "v1.5.0"
"""The database format: the oldest supported DuckDB must open what the newest one creates."""


def wal_path(path: Path) -> Path:
    """DuckDB's write-ahead log of a database. It is made anew after each checkpoint."""
    return path.with_name(path.name + ".wal")


def size_bytes(path: Path) -> int:
    """Size of the database file and of its write-ahead log, 0 when somebody deleted it."""
    try:
        return path.stat().st_size + wal_bytes(path)
    except FileNotFoundError:
        return 0


def wal_bytes(path: Path) -> int:
    """Size of the write-ahead log, 0 when there is none."""
    try:
        return wal_path(path).stat().st_size
    except FileNotFoundError:
        return 0


def create_database(path: Path) -> None:
    """Make an empty database in the oldest supported format, if there is none.

    DuckDB makes it with the umask and takes no empty file for one, so it is made in a folder
    that nobody else can enter, and then has its name. One that is there, and its log, are taken
    from everybody else. Raises duckdb.Error and OSError.
    """
    if not path.exists():
        _create(path)
    restrict([path, wal_path(path)], PRIVATE_FILE)


def _create(path: Path) -> None:
    make_folder(path.parent)
    with TemporaryDirectory(dir=path.parent, prefix=".new-") as folder, connect() as memory:
        fresh = Path(folder, path.name)
        target = text_literal(str(fresh))
        memory.execute(f"ATTACH {target} AS fresh (STORAGE_VERSION '{STORAGE_VERSION}')")
        memory.execute("DETACH fresh")
        set_mode(fresh, PRIVATE_FILE)
        wal_path(path).unlink(missing_ok=True)  # of a dead one by that name: it would be replayed
        os.replace(fresh, path)
