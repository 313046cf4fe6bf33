"""The span storage as this program sees it: list a folder, stat a file, open it for reading.

The only module that asks the operating system about data files, and it has no way to write,
move or delete one (invariant I7).
"""

import os
import stat as stat_bits
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from indexer.errors import (
    FileChanged,
    FileUnreadable,
    FileVanished,
    PermanentError,
    StorageUnavailable,
)
from indexer.model import ParquetFileInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderEntry:
    """One name in a folder. ``info`` is of the target where the entry is a symbolic link."""

    name: str
    is_folder: bool
    is_link: bool
    info: ParquetFileInfo


class LocalStorage:
    """A folder on a mounted file system.

    ``protected`` holds (device, inode) of files that must never be opened here: opening and
    closing the catalog's file inside its owner would drop DuckDB's lock on it.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = os.path.abspath(root)
        self.protected: frozenset[tuple[int, int]] = frozenset()

    def absolute(self, relative_path: str) -> str:
        """The path to open; a link in the root stays as the operator wrote it."""
        return os.path.join(self.root, relative_path) if relative_path else self.root

    def relative(self, path: str) -> str | None:
        """The path below the root with ``/``, or None for a path that is not below it."""
        relative = os.path.relpath(path, self.root)
        if relative == os.pardir or relative.startswith(os.pardir + os.sep):
            return None
        return "" if relative == os.curdir else relative.replace(os.sep, "/")

    def list_folder(self, relative_folder: str) -> list[FolderEntry]:
        """What the folder holds, in no order.

        Raises StorageUnavailable when it cannot be listed. Names that vanish or dangle meanwhile
        are left out.
        """
        try:
            with os.scandir(self.absolute(relative_folder)) as names:
                found = [self._entry(relative_folder, name) for name in names]
        except OSError as error:
            raise StorageUnavailable(
                f"cannot list {self.absolute(relative_folder)}: {error.strerror}",
                path=relative_folder,
            ) from error
        return [entry for entry in found if entry is not None]

    def folder_identity(self, relative_folder: str) -> tuple[int, int] | None:
        """(device, inode) of an existing folder, else None."""
        try:
            status = os.stat(self.absolute(relative_folder))
        except OSError:
            return None
        return (status.st_dev, status.st_ino) if stat_bits.S_ISDIR(status.st_mode) else None

    def is_direct(self, relative_path: str) -> bool:
        """Whether no folder between the root and the path is a symbolic link."""
        folder = os.path.dirname(self.absolute(relative_path))
        below = os.path.relpath(folder, self.root)
        return os.path.realpath(folder) == os.path.normpath(
            os.path.join(os.path.realpath(self.root), below)
        )

    def is_protected(self, info: ParquetFileInfo) -> bool:
        """Whether the file is one that must never be opened here."""
        return (info.device, info.inode) in self.protected

    def nearest_device(self, relative_path: str) -> int | None:
        """The device of the closest folder above the path that exists; None without a root."""
        folder = relative_path
        while folder:
            folder = folder.rpartition("/")[0]
            identity = self.folder_identity(folder)
            if identity is not None:
                return identity[0]
        return None

    def stat(self, relative_path: str) -> FolderEntry | None:
        """The entry at a path now, or None when there is none.

        Raises FileUnreadable when the operating system will not say.
        """
        path = self.absolute(relative_path)
        try:
            status = os.stat(path)
            link = os.path.islink(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(relative_path, error) from error
        return FolderEntry(
            name=os.path.basename(path),
            is_folder=stat_bits.S_ISDIR(status.st_mode),
            is_link=link,
            info=_info(path, relative_path, status),
        )

    @contextmanager
    def open(self, info: ParquetFileInfo) -> Iterator[pa.NativeFile]:
        """Read access to the file as listed.

        Raises FileVanished, FileUnreadable, and FileChanged when the path does not name the
        bytes of ``info``, before they are read or after, whatever the reading made of them.
        Plain reads, no memory map: a truncated map would end the process with SIGBUS.
        """
        self._confirm(info)
        try:
            source = pa.OSFile(self.absolute(info.relative_path), "rb")
        except FileNotFoundError as error:
            raise FileVanished("the file is gone", path=info.relative_path) from error
        except OSError as error:
            raise _unreadable(info.relative_path, error) from error
        with source:
            try:
                yield source
            except PermanentError:
                self._confirm(info)
                raise
        self._confirm(info)

    def _confirm(self, info: ParquetFileInfo) -> None:
        try:
            now = os.stat(self.absolute(info.relative_path))
        except FileNotFoundError as error:
            raise FileVanished("the file is gone", path=info.relative_path) from error
        except OSError as error:
            raise _unreadable(info.relative_path, error) from error
        seen = (now.st_size, now.st_mtime_ns, now.st_dev, now.st_ino)
        if seen != (*info.stamp, info.device, info.inode):
            raise FileChanged("the file changed while it was read", path=info.relative_path)

    def _entry(self, relative_folder: str, name: "os.DirEntry[str]") -> FolderEntry | None:
        try:
            status = name.stat()
            link = name.is_symlink()
        except OSError:  # a dangling or looping link, or gone since it was listed
            return None
        if (status.st_dev, status.st_ino) in self.protected:
            return None
        relative_path = f"{relative_folder}/{name.name}" if relative_folder else name.name
        return FolderEntry(
            name=name.name,
            is_folder=stat_bits.S_ISDIR(status.st_mode),
            is_link=link,
            info=_info(name.path, relative_path, status),
        )


def display_path(path: str) -> str:
    r"""The path as text that any table can hold: bytes that are not UTF-8 become ``\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def is_utf8(path: str) -> bool:
    """Whether a table can hold the path as it is."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _info(path: str, relative_path: str, status: os.stat_result) -> ParquetFileInfo:
    return ParquetFileInfo(
        path=path,
        relative_path=relative_path,
        size_bytes=status.st_size,
        modified_unix_nano=status.st_mtime_ns,
        device=status.st_dev,
        inode=status.st_ino,
    )


def _unreadable(relative_path: str, error: OSError) -> FileUnreadable:
    reason = error.strerror or str(error)
    return FileUnreadable(f"cannot read the file: {reason}", path=relative_path)
