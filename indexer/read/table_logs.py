"""Folders of tables whose log says which of their files count, and with which of their rows."""

import posixpath

from indexer.errors import FormatNotRead
from indexer.read.dialect_fields import Dialect
from indexer.system.storage import LocalStorage

_HINT = (
    "The log says which files of the table count and which of their rows are deleted, and it is "
    "not read. Write the rows that count as Parquet without a log, and index these files."
)


def refuse_beside_log(storage: LocalStorage, dialect: Dialect, path: str) -> None:
    """Raise FormatNotRead for a file in a folder, at any depth, that has the table's log too."""
    if not dialect.refused_beside:
        return
    folder = posixpath.dirname(path)
    while True:
        log = posixpath.join(folder, dialect.refused_beside)
        if storage.folder_identity(log) is not None:
            raise FormatNotRead(f"it is of a table with a log, {log}", path=path, hint=_HINT)
        if not folder:
            return
        folder = posixpath.dirname(folder)
