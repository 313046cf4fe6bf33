"""What a disk may hold after a power cut, given what was written to it and what was synced.

What was written before a sync of its file began is there once that sync has ended; a name, once
its folder was synced. Of all else anything may be there: each block of each write, each change of
a name, and lengths whose blocks were never written, which read as zeros. That is more than any one
file system does, and what POSIX allows.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.ingest.power.recording import (
    CREATE,
    MAKE_FOLDER,
    RENAME,
    SYNC_BEGINS,
    SYNC_ENDS,
    TRUNCATE,
    UNLINK,
    WRITE,
    Change,
)

BLOCK_BYTES = 4096
"""What reaches the disk whole or not at all."""


@dataclass(eq=False)
class Inode:
    """A file whatever its name: its safe content, and what is not safe yet."""

    safe: bytearray = field(default_factory=bytearray)
    waiting: list[tuple[int, Change]] = field(default_factory=list)

    def settle(self, before: int) -> None:
        """What came before is safe."""
        for at, change in self.waiting:
            if at < before:
                _change(self.safe, change)
        self.waiting = [one for one in self.waiting if one[0] >= before]

    def left(self, chance: random.Random, kept: float) -> bytes:
        """The safe content and some of the rest."""
        content = bytearray(self.safe)
        for _, change in self.waiting:
            for part in _blocks(change):
                if chance.random() < kept:
                    _change(content, part)
                elif part.kind == WRITE and chance.random() < kept:
                    _extend(content, part.offset + len(part.data))
        return bytes(content)


Names = dict[str, Inode | None]
"""Of files and folders; a folder has no content."""


@dataclass(frozen=True)
class NameChange:
    """In one folder: one name goes, another one comes."""

    at: int
    folder: str
    gone: str | None
    come: str | None
    inode: Inode | None

    def apply(self, names: Names) -> None:
        if self.gone is not None:
            names.pop(self.gone, None)
        if self.come is not None:
            names[self.come] = self.inode


class Disk:
    """Follows a record change by change; at any moment it tells what a power cut would leave."""

    def __init__(self, folder: Path, *, ignores: Callable[[Change], bool] = lambda _: False):
        """``ignores`` names syncs that are taken not to have happened."""
        self._folder = folder
        self._ignores = ignores
        self._at = 0
        self._now: Names = {}
        self._safe: Names = {}
        self._waiting: list[NameChange] = []
        self._inodes: dict[int, Inode] = {}
        self._began: dict[int, int] = {}

    def follow(self, change: Change) -> None:
        self._at += 1
        if change.kind == CREATE:
            self._created(change)
        elif change.kind in {WRITE, TRUNCATE}:
            self._inodes[change.inode].waiting.append((self._at, change))
        elif change.kind == MAKE_FOLDER:
            self._named(None, change.path, None)
        elif change.kind == RENAME:
            self._named(change.path, change.other, self._now[change.path])
        elif change.kind == UNLINK:
            self._named(change.path, None, None)
        elif change.kind == SYNC_BEGINS:
            self._began[change.thread] = self._at
        elif change.kind == SYNC_ENDS and not self._ignores(change):
            self._synced(change, self._began[change.thread])

    def everything(self, into: Path) -> None:
        """As if nothing were lost."""
        self._write(self._now, lambda inode: inode.left(random.Random(0), 1.0), into)

    def cut(self, chance: random.Random, kept: float, into: Path) -> None:
        """One of the states that the power cut may leave; ``kept`` of what is not safe."""
        names = dict(self._safe)
        for change in self._waiting:
            if chance.random() < kept:
                change.apply(names)
        self._write(names, lambda inode: inode.left(chance, kept), into)

    def _created(self, change: Change) -> None:
        """Or an existing file opened; its number may be that of one that is gone."""
        known = self._now.get(change.path)
        if known is None or self._inodes.get(change.inode) is not known:
            self._inodes[change.inode] = Inode()
            self._named(None, change.path, self._inodes[change.inode])

    def _named(self, gone: str | None, come: str | None, inode: Inode | None) -> None:
        folders = {str(Path(path).parent) for path in (gone, come) if path is not None}
        assert len(folders) == 1, "a rename from one folder to another is not modelled"
        change = NameChange(self._at, folders.pop(), gone, come, inode)
        change.apply(self._now)
        self._waiting.append(change)

    def _synced(self, change: Change, began: int) -> None:
        if not change.is_folder:
            self._inodes[change.inode].settle(began)
            return
        left = []
        for one in self._waiting:
            if one.folder == change.path and one.at < began:
                one.apply(self._safe)
            else:
                left.append(one)
        self._waiting = left

    def _write(self, names: Names, content: Callable[[Inode], bytes], into: Path) -> None:
        into.mkdir(parents=True)
        for name in sorted(names):  # a folder before what is in it
            target, inode = into / Path(name).relative_to(self._folder), names[name]
            if not target.parent.is_dir():
                continue  # its folder is lost, and so is all that was in it
            if inode is None:
                target.mkdir()
            else:
                target.write_bytes(content(inode))


def _blocks(change: Change) -> list[Change]:
    if change.kind != WRITE:
        return [change]
    first, end = change.offset, change.offset + len(change.data)
    starts = [first, *range(first // BLOCK_BYTES * BLOCK_BYTES + BLOCK_BYTES, end, BLOCK_BYTES)]
    return [
        Change(WRITE, offset=start, data=change.data[start - first : stop - first])
        for start, stop in zip(starts, [*starts[1:], end], strict=True)
    ]


def _change(content: bytearray, change: Change) -> None:
    if change.kind == TRUNCATE:
        del content[change.offset :]
        _extend(content, change.offset)
    else:
        _extend(content, change.offset)
        content[change.offset : change.offset + len(change.data)] = change.data


def _extend(content: bytearray, size: int) -> None:
    content.extend(bytes(max(0, size - len(content))))
