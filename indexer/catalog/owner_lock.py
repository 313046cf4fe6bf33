"""One indexer per catalog, for life: an ``flock`` on a file beside it.

DuckDB's own lock is not enough: any open and close of the database file inside its owner drops
it. This lock file is never the database, and it names its holder for the operator.
"""

import fcntl
import os
from pathlib import Path
from typing import Self

from indexer.errors import CatalogOwned
from indexer.system.durable_files import make_folder, open_private
from indexer.system.permissions import DEFAULT_MODES, FileModes


class CatalogLock:
    """Held from ``acquire`` to ``release``, or until the process ends, however it ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, catalog_path: Path, *, purpose: str, modes: FileModes = DEFAULT_MODES) -> Self:
        """Take the lock, or raise CatalogOwned naming who has it."""
        path = lock_path(catalog_path)
        make_folder(path.parent, modes)
        descriptor = open_private(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise CatalogOwned(
                f"the catalog {catalog_path} is owned by {holder or 'another process'}",
                path=str(catalog_path),
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{purpose} (process {os.getpid()})\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Give it up. The file stays: removing it would race with the next holder."""
        os.close(self._descriptor)


def lock_path(catalog_path: Path) -> Path:
    """``<catalog>.lock``."""
    return catalog_path.with_name(catalog_path.name + ".lock")
