"""Catalog generations: one database file each, behind a pointer that is swapped by rename.

A new catalog never replaces an old file in place, because a left-over write-ahead log of the old
one would be replayed into it. The path of the settings is a symbolic link to the current
generation; a rebuild makes the next one beside it and moves the link. A kill at any moment
leaves the link on one whole catalog.
"""

import os
import re
from pathlib import Path

from indexer.errors import CatalogUnreadable
from indexer.system.durable_files import make_private_folder, sync_file, sync_folder
from indexer.system.file_locks import user_of
from indexer.system.permissions import DEFAULT_MODES, PRIVATE_FOLDER, FileModes, restrict

SNAPSHOTS = ".snapshots"
_NAME = re.compile(r"^(\d{6})\.duckdb$")


class Generations:
    """The generations of the catalog at ``pointer`` (the path of the settings)."""

    def __init__(self, pointer: Path, modes: FileModes = DEFAULT_MODES) -> None:
        self.pointer = Path(os.path.abspath(pointer))
        self.folder = self.pointer.with_name(self.pointer.name + ".d")
        self._modes = modes

    def current(self) -> Path | None:
        """The real path of the current generation, or None when there is none.

        One that was deleted is none: it is built anew from the files. Raises CatalogUnreadable
        when something else stands at the settings' path.
        """
        self.check_pointer()
        if self.pointer.is_symlink():
            target = self.pointer.parent / os.readlink(self.pointer)
            if target.parent == self.folder and _NAME.match(target.name):
                return target if target.exists() else None
            raise CatalogUnreadable(
                f"{self.pointer} points to {target}, which is not a catalog of this program",
                path=str(self.pointer),
            )
        return None

    def check_pointer(self) -> None:
        """Raise CatalogUnreadable when a file that is not ours stands at the settings' path."""
        if self.pointer.exists() and not self.pointer.is_symlink():
            raise CatalogUnreadable(
                f"{self.pointer} is not a catalog made by this program",
                path=str(self.pointer),
                hint="Move it away, or set JUNJO_DUCKDB_PATH to another path.",
            )

    def next(self) -> Path:
        """The path of a generation that does not exist yet."""
        make_private_folder(self.folder, self._modes)
        numbers = [
            int(match[1]) for name in os.listdir(self.folder) if (match := _NAME.match(name))
        ]
        return self.folder / f"{max(numbers, default=0) + 1:06d}.duckdb"

    def publish(self, generation: Path) -> None:
        """Make a closed, checkpointed generation the current one, durably."""
        sync_file(generation)
        sync_folder(self.folder)
        self.point_to(generation)

    def point_to(self, generation: Path) -> None:
        """Make the settings' path lead to a generation."""
        fresh = self.pointer.with_name(f".{self.pointer.name}.{os.getpid()}.tmp")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path(self.folder.name) / generation.name)
        os.replace(fresh, self.pointer)
        sync_folder(self.pointer.parent)

    def remove_others(self) -> None:
        """Delete generations that the pointer does not name, old snapshots, and left-overs.

        Only for the holder of the lock, before it opens the current one. What somebody has open
        stays until the next time. The folder of an older version, which others could enter, is
        restricted.
        """
        current = self.current() if self.pointer.is_symlink() else None
        kept = set() if current is None else {current.name}
        for folder in (self.folder, _snapshots(self.folder)):
            entries = list(folder.iterdir()) if folder.exists() else []
            current_here = kept if folder == self.folder else set()
            others = [one for one in entries if one.name not in current_here]
            in_use = {one.name for one in others if user_of(one) is not None}
            for entry in others:
                if entry.name.removesuffix(".wal") not in in_use | current_here:
                    _remove(entry)
        restrict([self.folder], PRIVATE_FOLDER)


def snapshot_folder(generation: Path) -> Path:
    """Where copies of a generation are published: ``<catalog>.snapshots``, which others may enter.

    The generation's own folder, ``<catalog>.d``, is private, because DuckDB makes files in it.
    """
    return _snapshots(generation.parent)


def spill_folder(database: Path) -> Path | None:
    """Where a session on a generation or a snapshot may spill, private to the catalog's owner.

    None when this process may not write there, as a reader of another user.
    """
    folder = database.parent
    if folder.name.endswith(SNAPSHOTS):
        folder = folder.with_name(folder.name.removesuffix(SNAPSHOTS) + ".d")
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def _snapshots(folder: Path) -> Path:
    return folder.with_name(folder.name.removesuffix(".d") + SNAPSHOTS)


def _remove(entry: Path) -> None:
    """A left-over file, or the folder a killed process spilled into."""
    if entry.is_dir():
        from shutil import rmtree  # noqa: PLC0415 - commands that only read remove nothing

        rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)
