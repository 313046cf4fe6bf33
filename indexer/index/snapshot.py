"""A published copy of the catalog, for SQL that must not run in the worker.

CHECKPOINT, a copy made by another process, and a rename. The copy is never made by reading the
live file here: closing it again would drop DuckDB's lock on it. The writer goes on meanwhile: until
the next checkpoint what it commits is in the log, or in blocks of the file that the copied head
does not name (measured on both versions, with inserts, updates and deletes beside a slow copy).
"""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

from indexer.catalog.database import Catalog
from indexer.catalog.generations import snapshot_folder
from indexer.errors import CatalogBusy, CatalogWriteFailed
from indexer.system.durable_files import make_folder
from indexer.system.permissions import DEFAULT_MODES, FileModes, set_mode

COPY_TIMEOUT_S = 300
"""A catalog of 10 GB at 50 MB/s."""
KILLED_WITHIN_S = 1
"""A killed process ends at once, unless its disk does not answer: then nobody waits for it."""

SNAPSHOTS_KEPT = 2


class SnapshotCopy:
    """A copy of a catalog as it is when this is made; ``run`` makes it, beside everything else.

    The caller sees to it that nobody checkpoints or closes the catalog before ``end``.
    """

    def __init__(self, catalog: Catalog, serial: int, modes: FileModes = DEFAULT_MODES) -> None:
        """Raises CatalogWriteFailed or CatalogBusy when the log cannot be folded in."""
        catalog.checkpoint()
        catalog.hold_checkpoints()
        self._catalog = catalog
        self._modes = modes
        self._folder = snapshot_folder(catalog.path)
        self._target = self._folder / f"{catalog.path.name}.snapshot-{serial}"
        self._cancelled = asyncio.Event()
        self._spoiled = False

    async def run(self) -> Path:
        """The path of the copy, in a folder that others may enter.

        The one before is kept for whoever was just told its path; older ones are unlinked, and a
        reader that has one open keeps it. Raises CatalogWriteFailed when there is no room for it,
        CatalogBusy when it was cancelled.
        """
        make_folder(self._folder, self._modes)
        set_mode(self._folder, self._modes.folder)
        temporary = self._target.with_name(self._target.name + ".tmp")
        try:
            await self._copy(temporary)
            self._check_spoiled()
            set_mode(temporary, self._modes.file)
            os.replace(temporary, self._target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self._remove_old()
        return self._target

    def cancel(self) -> None:
        """End the copy at once; whoever runs it gets CatalogBusy. From the thread that runs it."""
        self._cancelled.set()

    def spoil(self) -> None:
        """The catalog's file changes from now on: what is not copied yet never becomes a copy."""
        self._spoiled = True

    def end(self) -> None:
        """The copy is made, or given up: the catalog may be checkpointed again."""
        self._catalog.release_checkpoints()

    def _check_spoiled(self) -> None:
        if self._spoiled:
            raise CatalogBusy("the catalog is being reopened", hint="Ask again.")

    async def _copy(self, temporary: Path) -> None:
        copy = shutil.which("cp")
        if copy is None:
            raise CatalogWriteFailed("no `cp` on this machine to copy the catalog with")
        process = await asyncio.create_subprocess_exec(
            *(copy, "--reflink=auto", "--", self._catalog.path, temporary),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        copying = asyncio.ensure_future(process.communicate())
        cancelled = asyncio.ensure_future(self._cancelled.wait())
        await asyncio.wait(
            {copying, cancelled}, timeout=COPY_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
        )
        cancelled.cancel()
        if not copying.done():
            process.kill()
            await asyncio.wait({copying}, timeout=KILLED_WITHIN_S)
            copying.cancel()
            if self._cancelled.is_set():
                raise CatalogBusy("the catalog is being closed", hint="Ask again.")
            raise CatalogWriteFailed(f"no copy of the catalog within {COPY_TIMEOUT_S} s")
        if process.returncode != 0:
            said = copying.result()[1].decode(errors="replace").strip()
            raise CatalogWriteFailed(f"cannot copy the catalog: {said}")

    def _remove_old(self) -> None:
        name = self._catalog.path.name
        published = [path for path in self._folder.iterdir() if _serial(name, path) >= 0]
        published.sort(key=lambda path: _serial(name, path))
        for old in published[:-SNAPSHOTS_KEPT]:
            old.unlink(missing_ok=True)


def _serial(catalog_name: str, path: Path) -> int:
    """The serial number of a snapshot of the catalog; -1 for any other file."""
    name, _, serial = path.name.rpartition(".snapshot-")
    return int(serial) if name == catalog_name and serial.isdecimal() else -1
