"""A published copy of the catalog, for SQL that must not run in the worker.

CHECKPOINT, a copy made by another process, and a rename. The copy is never made by reading the
live file here: closing it again would drop DuckDB's lock on it. The caller makes sure that
nothing is written between the checkpoint and the end of the copy.
"""

import os
import shutil
import subprocess
from pathlib import Path

from indexer.catalog.database import Catalog
from indexer.catalog.generations import snapshot_folder
from indexer.errors import CatalogWriteFailed
from indexer.system.durable_files import make_folder
from indexer.system.permissions import DEFAULT_MODES, FileModes, set_mode

COPY_TIMEOUT_S = 300
"""A catalog of 10 GB at 50 MB/s."""

SNAPSHOTS_KEPT = 2


def publish_snapshot(catalog: Catalog, serial: int, modes: FileModes = DEFAULT_MODES) -> Path:
    """Copy the catalog as it is now; the path of the copy, in a folder that others may enter.

    The one before is kept for whoever was just told its path; older ones are unlinked, and a
    reader that has one open keeps it. Raises CatalogWriteFailed when there is no room for it.
    """
    catalog.checkpoint()
    folder = snapshot_folder(catalog.path)
    make_folder(folder, modes)
    set_mode(folder, modes.folder)
    target = folder / f"{catalog.path.name}.snapshot-{serial}"
    temporary = folder / f"{catalog.path.name}.snapshot-{serial}.tmp"
    copy = shutil.which("cp")
    if copy is None:
        raise CatalogWriteFailed("no `cp` on this machine to copy the catalog with")
    done = subprocess.run(  # noqa: S603 - our own paths, no shell
        [copy, "--reflink=auto", "--", catalog.path, temporary],
        check=False,
        capture_output=True,
        timeout=COPY_TIMEOUT_S,
        text=True,
    )
    if done.returncode != 0:
        temporary.unlink(missing_ok=True)
        raise CatalogWriteFailed(f"cannot copy the catalog: {done.stderr.strip()}")
    set_mode(temporary, modes.file)
    os.replace(temporary, target)
    published = [path for path in folder.iterdir() if _serial(catalog.path, path) >= 0]
    published.sort(key=lambda path: _serial(catalog.path, path))
    for old in published[:-SNAPSHOTS_KEPT]:
        old.unlink(missing_ok=True)
    return target


def _serial(catalog_path: Path, path: Path) -> int:
    """The serial number of a snapshot of the catalog; -1 for any other file."""
    name, _, serial = path.name.rpartition(".snapshot-")
    return int(serial) if name == catalog_path.name and serial.isdecimal() else -1
