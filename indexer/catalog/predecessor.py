"""The files that an older generation knows, read without bringing it up to date.

A rebuild asks it what must not be lost. It may be of any version, or damaged: what cannot be read
is not known, for the rebuild is the way out of that.
"""

from pathlib import Path

import duckdb

from indexer.catalog.storage_root import recorded_identity
from indexer.deferred_dataclass import dataclass
from indexer.model import RegisteredFile, RootIdentity
from indexer.system.duckdb_connection import connect
from indexer.system.duckdb_rows import plain_rows

_FILES = """
SELECT file_id, relative_path, size_bytes, modified_unix_nano, device, inode, footer_digest
FROM parquet_files
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predecessor:
    """What an older generation says of its storage."""

    root: RootIdentity | None
    files: dict[str, RegisteredFile]
    """By relative path."""


def read_predecessor(path: Path) -> Predecessor | None:
    """What the catalog at the path knows; None when it cannot be read."""
    try:
        with connect(path, read_only=True) as connection:
            files = [RegisteredFile(**row) for row in plain_rows(connection, _FILES)]
            root = recorded_identity(connection)
    except duckdb.Error:
        return None
    return Predecessor(root=root, files={file.relative_path: file for file in files})
