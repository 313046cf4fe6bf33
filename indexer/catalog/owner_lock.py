"""One indexer per catalog, for life: an ``flock`` on a file beside it, and a look at the catalog.

DuckDB's own lock is not enough: any open and close of the database file inside its owner drops
it. This lock file is never the database, and it names its holder for the operator. It is not
enough either, because whoever deletes the file makes room for a second lock: so the holder looks
whether its file is still there, and a newcomer whether somebody writes the catalog.
"""

import fcntl
import os
from pathlib import Path
from typing import Self

from indexer.errors import CatalogOwned
from indexer.system.durable_files import make_folder, open_private
from indexer.system.file_locks import writer_of
from indexer.system.permissions import DEFAULT_MODES, FileModes


class CatalogLock:
    """Held from ``acquire`` to ``release``, or until the process ends, however it ends."""

    def __init__(self, path: Path, catalog_path: Path, purpose: str, modes: FileModes) -> None:
        self._path = path
        self._catalog_path = catalog_path
        self._purpose = purpose
        self._modes = modes
        self._descriptor = -1

    @classmethod
    def acquire(cls, catalog_path: Path, *, purpose: str, modes: FileModes = DEFAULT_MODES) -> Self:
        """Take the lock, or raise CatalogOwned naming who has it."""
        lock = cls(lock_path(catalog_path), catalog_path, purpose, modes)
        lock._take()
        writer = writer_of(catalog_path.resolve())
        if writer is not None:
            lock.release()
            raise CatalogOwned(
                f"the catalog {catalog_path} is open for writing in process {writer}, "
                "which has lost its lock file or is another program",
                path=str(catalog_path),
            )
        return lock

    def keep(self) -> bool:
        """Look whether the lock is still what others meet; if its file is gone, make it again.

        Returns whether it had to be made again. Raises CatalogOwned when somebody else has it.
        """
        if self._is_met():
            return False
        lost = self._descriptor
        self._take()
        os.close(lost)
        return True

    def release(self) -> None:
        """Give it up. The file stays: removing it would race with the next holder."""
        os.close(self._descriptor)

    def _take(self) -> None:
        make_folder(self._path.parent, self._modes)
        descriptor = open_private(self._path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise CatalogOwned(
                f"the catalog {self._catalog_path} is owned by {holder or 'another process'}",
                path=str(self._catalog_path),
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{self._purpose} (process {os.getpid()})\n".encode(), 0)
        self._descriptor = descriptor

    def _is_met(self) -> bool:
        try:
            found = os.stat(self._path)
        except OSError:
            return False
        held = os.fstat(self._descriptor)
        return (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)


def lock_path(catalog_path: Path) -> Path:
    """``<catalog>.lock``."""
    return catalog_path.with_name(catalog_path.name + ".lock")
