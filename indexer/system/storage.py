"""The span storage as this program sees it: list a folder, stat a file, open it for reading.

The only module that asks the operating system about data files, and it has no way to write,
move or delete one (invariant I7).
"""

import errno
import os
import stat as stat_bits
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from indexer.errors import PermanentError, StorageUnavailable
from indexer.model import ParquetFileInfo, RootIdentity
from indexer.system.file_status import ABSENT, confirm, file_info, unread, unreadable
from indexer.system.folders import FolderContents, FolderEntry, FolderVersion, UnseenEntry

TICK_NS = 10_000_000
"""Of the clock that file systems take their times from: Linux counts at least 100 a second."""
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


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

    def list_folder(self, relative_folder: str) -> FolderContents:
        """What the folder holds, in no order.

        Raises StorageUnavailable when it cannot be listed. Names that vanish or dangle meanwhile
        are left out.
        """
        with self._folder(relative_folder) as descriptor:
            now_ns = time.time_ns()
            version = _version(os.fstat(descriptor))
            is_fresh = abs(now_ns - version.modified_unix_nano) < TICK_NS
            with os.scandir(descriptor) as names:
                entries, unseen = self._entries(relative_folder, names)
        return FolderContents(entries=entries, unseen=unseen, version=version, is_fresh=is_fresh)

    def names(self, relative_folder: str) -> list[str]:
        """The names in the folder, in no order, of which nothing is asked.

        Raises StorageUnavailable when it cannot be listed.
        """
        with self._folder(relative_folder) as descriptor:
            return os.listdir(descriptor)

    def folder_version(self, relative_folder: str) -> FolderVersion | None:
        """The version of a folder now; None when it is gone, or the system will not say."""
        try:
            descriptor = self._open_folder(relative_folder)
        except OSError:
            return None
        try:
            return _version(os.fstat(descriptor))
        finally:
            os.close(descriptor)

    def folder_identity(self, relative_folder: str) -> tuple[int, int] | None:
        """(device, inode) of an existing folder, else None."""
        try:
            status = os.stat(self.absolute(relative_folder))
        except OSError:
            return None
        return (status.st_dev, status.st_ino) if stat_bits.S_ISDIR(status.st_mode) else None

    def root_identity(self) -> RootIdentity | None:
        """The folder that the root is now; None when there is none."""
        found = self.folder_identity("")
        return None if found is None else RootIdentity(device=found[0], inode=found[1])

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
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise unreadable(relative_path, error) from error
        return FolderEntry(
            name=os.path.basename(path),
            is_folder=stat_bits.S_ISDIR(status.st_mode),
            is_link=link,
            info=file_info(path, relative_path, status),
        )

    @contextmanager
    def open(self, info: ParquetFileInfo) -> Iterator[pa.NativeFile]:
        """Read access to the file as listed. Never waits for a writer, as a FIFO would.

        Raises NotRegularFile and PathTooLong for what is never opened, FileVanished,
        FileUnreadable, and FileChanged when the path does not name the bytes of ``info``, before
        they are read or after, whatever the reading made of them. Plain reads, no memory map: a
        truncated map would end the process with SIGBUS.
        """
        with pa.OSFile(self._descriptor(info), "rb") as source:
            try:
                yield source
            except PermanentError:
                self._confirm_again(info)
                raise
        self._confirm_again(info)

    def _descriptor(self, info: ParquetFileInfo) -> int:
        """Of the file, confirmed to be the one of ``info``."""
        path = self.absolute(info.relative_path)
        try:  # its path first: to open a device or a protected file acts
            confirm(info, os.stat(path))
            descriptor = os.open(path, _FILE_FLAGS)
        except OSError as error:
            raise unread(info.relative_path, error) from error
        try:
            confirm(info, os.fstat(descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _confirm_again(self, info: ParquetFileInfo) -> None:
        try:
            confirm(info, os.stat(self.absolute(info.relative_path)))
        except OSError as error:
            raise unread(info.relative_path, error) from error

    @contextmanager
    def _folder(self, relative_folder: str) -> Iterator[int]:
        """A descriptor of the folder. Raises StorageUnavailable for what the system refuses."""
        try:
            descriptor = self._open_folder(relative_folder)
            try:
                yield descriptor
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StorageUnavailable(
                f"cannot list {display_path(self.absolute(relative_folder))}: {error.strerror}",
                path=relative_folder,
            ) from error

    def _open_folder(self, relative_folder: str) -> int:
        """A descriptor of the folder, name by name where its path is beyond the system's limit."""
        try:
            return os.open(self.absolute(relative_folder), _FOLDER_FLAGS)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
        descriptor = os.open(self.root, _FOLDER_FLAGS)
        for name in relative_folder.split("/"):
            outer = descriptor
            try:
                descriptor = os.open(name, _FOLDER_FLAGS, dir_fd=outer)
            finally:
                os.close(outer)
        return descriptor

    def _entries(
        self, relative_folder: str, names: "Iterator[os.DirEntry[str]]"
    ) -> tuple[tuple[FolderEntry, ...], tuple[UnseenEntry, ...]]:
        entries: list[FolderEntry] = []
        unseen: list[UnseenEntry] = []
        for name in names:
            try:
                entry = self._entry(relative_folder, name)
            except OSError as error:
                if error.errno not in ABSENT:
                    unseen.append(_unseen(name, error))
            else:
                if not self.is_protected(entry.info):
                    entries.append(entry)
        unseen.sort(key=lambda entry: entry.name)
        return tuple(entries), tuple(unseen)

    def _entry(self, relative_folder: str, name: "os.DirEntry[str]") -> FolderEntry:
        status = name.stat()
        relative_path = f"{relative_folder}/{name.name}" if relative_folder else name.name
        return FolderEntry(
            name=name.name,
            is_folder=stat_bits.S_ISDIR(status.st_mode),
            is_link=name.is_symlink(),
            info=file_info(self.absolute(relative_path), relative_path, status),
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


def _version(status: os.stat_result) -> FolderVersion:
    return FolderVersion(
        device=status.st_dev, inode=status.st_ino, modified_unix_nano=status.st_mtime_ns
    )


def _unseen(name: "os.DirEntry[str]", error: OSError) -> UnseenEntry:
    try:
        is_file = name.is_file(follow_symlinks=False)
    except OSError:  # the folder does not say, and the system neither
        is_file = False
    return UnseenEntry(name=name.name, is_file=is_file, reason=error.strerror or str(error))
