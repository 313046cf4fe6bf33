"""Catalog generations: one database file each, behind a pointer that is swapped by rename.

A new catalog never replaces an old file in place, because a left-over write-ahead log of the old
one would be replayed into it. The path of the settings is a symbolic link to the current
generation; a rebuild makes the next one beside it and moves the link. A kill at any moment
leaves the link on one whole catalog.
"""

import os
import re
import shutil
from pathlib import Path

from indexer.errors import CatalogUnreadable

_NAME = re.compile(r"^(\d{6})\.duckdb$")


class Generations:
    """The generations of the catalog at ``pointer`` (the path of the settings)."""

    def __init__(self, pointer: Path) -> None:
        self.pointer = Path(os.path.abspath(pointer))
        self.folder = self.pointer.with_name(self.pointer.name + ".d")

    def current(self) -> Path | None:
        """The real path of the current generation, or None when there is none yet.

        Raises CatalogUnreadable when something else stands at the settings' path.
        """
        self.check_pointer()
        if self.pointer.is_symlink():
            target = self.pointer.parent / os.readlink(self.pointer)
            if target.parent == self.folder and _NAME.match(target.name) and target.exists():
                return target
            raise CatalogUnreadable(
                f"{self.pointer} points to {target}, which is no catalog of this program",
                path=str(self.pointer),
            )
        return None

    def check_pointer(self) -> None:
        """Raise CatalogUnreadable when a file that is not ours stands at the settings' path."""
        if self.pointer.exists() and not self.pointer.is_symlink():
            raise CatalogUnreadable(
                f"{self.pointer} is a file that this program did not make",
                path=str(self.pointer),
                hint="Move it away, or set JUNJO_DUCKDB_PATH to another path.",
            )

    def next(self) -> Path:
        """The path of a generation that does not exist yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        numbers = [
            int(match[1]) for name in os.listdir(self.folder) if (match := _NAME.match(name))
        ]
        return self.folder / f"{max(numbers, default=0) + 1:06d}.duckdb"

    def publish(self, generation: Path) -> None:
        """Make a closed, checkpointed generation the current one, durably."""
        _sync(generation)
        _sync(self.folder)
        fresh = self.pointer.with_name(f".{self.pointer.name}.{os.getpid()}.tmp")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path(self.folder.name) / generation.name)
        os.replace(fresh, self.pointer)
        _sync(self.pointer.parent)

    def remove_others(self) -> None:
        """Delete generations that the pointer does not name, old snapshots, and left-overs.

        Only for the holder of the lock. A reader that has one open keeps reading it.
        """
        current = self.current() if self.pointer.is_symlink() else None
        if not self.folder.exists():
            return
        for entry in self.folder.iterdir():
            if current is None or entry.name not in {current.name, current.name + ".wal"}:
                _remove(entry)


def _remove(entry: Path) -> None:
    """A left-over file, or the folder a killed process spilled into."""
    if entry.is_dir():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
