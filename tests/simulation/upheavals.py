"""What happens to many files at once, or to one without a trace that a listing shows.

Nothing here is told by an event unless it says so: the sweep has to find it. Everything random
comes from a generator of its own, as with ``oddities``.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

from tests.support.catalogs import paths_below
from tests.support.span_files import Span, parquet_bytes

FOLDERS = ("", "a", "b/c", "odd/moved")


class Upheavals:
    """Changes files that their writers have finished."""

    def __init__(self, root: Path, seed: int, spans: Callable[[random.Random], list[Span]]) -> None:
        """``spans`` makes some from a generator."""
        self.random = random.Random(f"upheaval {seed}")
        self._root = root
        self._spans = spans
        self._actions: tuple[Callable[[list[Path]], list[Path]], ...] = (
            self._move_many,
            self._hand_names_on,
            self._rewrite_in_place,
            self._touch_no_byte,
            self._remove_many,
        )

    def happen(self, busy: set[Path]) -> tuple[str, list[Path]]:
        """One of them, or none: its name and all paths that it touched; ``busy`` are left alone."""
        if self.random.random() < 0.7:
            return "", []
        files = [
            path
            for path in paths_below(self._root)
            if path.name[0] in "fgh" and path not in busy and "shut" not in path.parts
        ]
        action = self.random.choice(self._actions)
        return action.__name__.strip("_"), action(files)

    def _move_many(self, files: list[Path]) -> list[Path]:
        """To other names and folders, none of which had a file."""
        touched = []
        for path in self._some(files):
            folder = self._root / self.random.choice(FOLDERS)
            target = folder / f"{path.name[0]}{self.random.randint(0, 99)}.parquet"
            if not target.exists():
                folder.mkdir(parents=True, exist_ok=True)
                path.rename(target)
                touched += [path, target]
        return touched

    def _hand_names_on(self, files: list[Path]) -> list[Path]:
        """As a rotation does: each file has the name of the next one."""
        chosen = self._some(files)
        if len(chosen) < 2:
            return []
        spare = self._root / ".spare"
        chosen[0].rename(spare)
        for lower, upper in zip(chosen[1:], chosen[:-1], strict=True):
            lower.rename(upper)
        spare.rename(chosen[-1])
        return chosen

    def _rewrite_in_place(self, _files: list[Path]) -> list[Path]:
        """Other bytes of the same size, inode and modification time."""
        path = self._root / "odd" / f"h{self.random.randint(0, 2)}.parquet"
        path.parent.mkdir(exist_ok=True)
        spans = self._spans(self.random)
        versions = [
            parquet_bytes(
                [Span(**{**vars(span), "duration": span.duration + more}) for span in spans],
                compression="none",
                use_dictionary=False,
            )
            for more in (0, 1)
        ]
        if len(versions[0]) != len(versions[1]):
            return []
        if not path.exists() or path.stat().st_size != len(versions[0]):
            path.write_bytes(versions[0])
            return [path]
        before = path.stat()
        while path.stat().st_ctime_ns == before.st_ctime_ns:
            path.write_bytes(versions[1])
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return [path]

    def _touch_no_byte(self, files: list[Path]) -> list[Path]:
        """Permissions and links change: the change time moves, and nothing else."""
        chosen = self._some(files)
        for path in chosen:
            path.chmod(self.random.choice((0o600, 0o644)))
        return chosen

    def _remove_many(self, files: list[Path]) -> list[Path]:
        chosen = self._some(files) if self.random.random() < 0.9 else files
        for path in chosen:
            path.unlink()
        return chosen

    def _some(self, files: list[Path]) -> list[Path]:
        return self.random.sample(files, self.random.randint(0, len(files)))
