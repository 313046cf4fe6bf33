"""A copy of the database as it is at one moment, made while it is in use.

The file is copied by another process: to close it here would drop DuckDB's lock on it. Writes wait
until the copy is made; reads go on.
"""

import os
import shutil
import subprocess
from pathlib import Path

from indexer.errors import CatalogWriteFailed, InvalidMastraCall
from indexer.mastra import error_ids
from indexer.mastra.database import Database
from indexer.system.durable_files import make_folder, sync_file, sync_folder
from indexer.system.permissions import PRIVATE_FILE, set_mode

COPY_TIMEOUT_S = 600
"""A database of 20 GB at 35 MB/s."""


def back_up(database: Database, target: Path) -> None:
    """Write a copy of the database to ``target``, in place of what is there.

    Raises InvalidMastraCall for a database in memory or its own path as the target,
    CatalogWriteFailed when no copy was made.
    """
    source = database.path
    if source is None or os.path.realpath(target) == str(source):
        raise InvalidMastraCall(
            "only a database file can be backed up, and not to itself",
            error_id=error_ids.invalid_arguments("BACKUP"),
        )
    make_folder(target.parent)
    temporary = target.with_name(target.name + ".tmp")
    try:
        with database.checkpointed():
            _copy(source, temporary)
        set_mode(temporary, PRIVATE_FILE)
        sync_file(temporary)
        temporary.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise CatalogWriteFailed(f"cannot write {target}: {error}", path=str(target)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    command = shutil.which("cp")
    if command is None:
        raise CatalogWriteFailed("no `cp` on this machine to copy the database with")
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and both paths are after "--"
            [command, "--reflink=auto", "--", str(source), str(target)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COPY_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = f"no copy of the database within {COPY_TIMEOUT_S} s"
        raise CatalogWriteFailed(message, path=str(target)) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise CatalogWriteFailed(f"cannot copy the database: {said}", path=str(target))
