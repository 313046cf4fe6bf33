"""What else may lie in a storage folder: entries that are no files, odd times and names, closed
folders. They have a folder of their own beside the files of the other writers.

Everything random comes from a generator of its own, so a seed that found something before these
were there replays the history that it found it in.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

from tests.support.catalogs import paths_below
from tests.support.odd_entries import (
    link_to_device,
    link_to_itself,
    link_to_nowhere,
    make_fifo,
    make_socket,
    write_deep,
)

FAR_TIMES_S = (-11_676_096_000, -1, 0, 9_223_416_000, 10_413_792_000)
"""The years 1600, 1969, 1970, and two moments after the last one of nanoseconds in an int64."""
MODES = (0, 0o444, 0o755)
LEFT_ALONE = ("_metadata.parquet", "_temporary/g.parquet", "_delta_log/g.parquet")


class Oddities:
    """Changes ``root/odd``, one thing at a time."""

    def __init__(self, root: Path, seed: int, content: Callable[[], bytes]) -> None:
        """``content`` gives the bytes of a span file."""
        self.random = random.Random(f"odd {seed}")
        self._root = root
        self._folder = root / "odd"
        self._content = content
        self._actions: tuple[Callable[[], list[Path]], ...] = (
            self._entry,
            self._far_time,
            self._copy,
            self._not_utf8,
            self._left_alone,
            self._deep,
            self._close,
            self._remove,
        )

    def happen(self) -> tuple[str, list[Path]]:
        """One of them, or none: its name, and the paths that a hint may name."""
        if self.random.random() < 0.5:
            return "", []
        self._folder.mkdir(exist_ok=True)
        (self._folder / "shut").mkdir(exist_ok=True)
        action = self.random.choice(self._actions)
        return f"odd{action.__name__}", action()

    @property
    def has_closed_folder(self) -> bool:
        """Whether there are files that cannot be read, or not even seen."""
        shut = self._folder / "shut"
        return shut.exists() and shut.stat().st_mode & 0o777 != 0o755

    def open_folders(self) -> None:
        """Permissions come back."""
        for folder in (self._folder / "shut", self._folder):
            if folder.exists():
                folder.chmod(0o755)

    def _entry(self) -> list[Path]:
        """Something that is not a file under a file's name, perhaps in the place of one."""
        path = self._path()
        if path.exists() or path.is_symlink():
            path.unlink()
        make = self.random.choice(
            (make_fifo, make_socket, link_to_device, link_to_itself, link_to_nowhere)
        )
        make(path)
        return [path]

    def _far_time(self) -> list[Path]:
        path = self._write(self._path())
        moment = self.random.choice(FAR_TIMES_S) + self.random.randint(0, 10**6)
        os.utime(path, (moment, moment))
        return [path]

    def _copy(self) -> list[Path]:
        """Of another writer's file, so that its spans survive here."""
        files = [path for path in paths_below(self._root) if path.name.startswith("f")]
        if not files:
            return []
        path = self._path()
        self._replace(path, self.random.choice(files).read_bytes())
        return [path]

    def _not_utf8(self) -> list[Path]:
        path = Path(os.fsdecode(os.fsencode(self._folder) + b"/caf\xe9.parquet"))
        return [self._write(path)]

    def _left_alone(self) -> list[Path]:
        path = self._folder / self.random.choice(LEFT_ALONE)
        path.parent.mkdir(exist_ok=True)
        return [self._write(path)]

    def _deep(self) -> list[Path]:
        """Once: a file whose path is longer than the system takes."""
        if not any(path.name.startswith("nn") for path in self._folder.iterdir()):
            write_deep(self._folder, 20, self._content())
        return []

    def _close(self) -> list[Path]:
        (self._folder / "shut").chmod(self.random.choice(MODES))
        return []

    def _remove(self) -> list[Path]:
        path = self._path()
        if path.exists() or path.is_symlink():
            path.unlink()
        return [path]

    def _path(self) -> Path:
        """In the folder itself, or in the one that may be closed, which opens for it."""
        folder = self.random.choice((self._folder, self._folder / "shut"))
        folder.chmod(0o755)
        return folder / f"g{self.random.randint(0, 3)}.parquet"

    def _write(self, path: Path) -> Path:
        self._replace(path, self._content())
        return path

    def _replace(self, path: Path, content: bytes) -> None:
        temporary = path.with_name(path.name + ".part")
        temporary.write_bytes(content)
        os.replace(temporary, path)
