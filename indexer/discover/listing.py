"""List every data file below the storage root, once, whatever the links in it.

A symbolic link and its target are one file: the target's own path names it when it lies below
the root, else the smallest link path does. Folders are visited once each, so a loop of links
ends. Names that begin with ``.`` or ``_`` (``_temporary``, ``_delta_log``: Hadoop's rule), ``tmp``
folders and temporary names belong to writers at work.
"""

import os
import time
from collections.abc import Iterable, Mapping

from indexer.errors import StorageUnavailable
from indexer.model import Listing, ParquetFileInfo
from indexer.system.folders import FolderContents, FolderEntry
from indexer.system.storage import TICK_NS, LocalStorage, display_path

DATA_FILE_SUFFIX = ".parquet"
WORK_FOLDERS = frozenset({"tmp"})
LOOKS_MAX = 5
"""Of one walk at the folders that it has listed; a folder that changes all the time has no end."""
WORK_PREFIXES = (".", "_")
PATH_BYTES_MAX = 16_384
"""Folders below a longer path are not listed: each costs a step for every folder above it."""


def is_data_file_name(name: str) -> bool:
    """Whether a file of this name is a finished-or-growing data file, not a writer's own."""
    return name.endswith(DATA_FILE_SUFFIX) and not name.startswith(WORK_PREFIXES)


def is_data_folder_name(name: str) -> bool:
    """Whether a folder of this name may hold data files."""
    return not name.startswith(WORK_PREFIXES) and name not in WORK_FOLDERS


def scan_parquet_files(base_path: str) -> list[ParquetFileInfo]:
    """All data files below ``base_path``, in order of relative path.

    Raises StorageUnavailable when the root or any folder below it cannot be listed; the worker
    uses ``list_files``, which says which part is missing instead.
    """
    listing = list_files(LocalStorage(base_path))
    if listing.unlisted:
        folder, reason = listing.unlisted[0]
        raise StorageUnavailable(reason, path=folder)
    return list(listing.files)


def list_files(storage: LocalStorage, below: str = "") -> Listing:
    """All data files in and below a folder, in order of relative path."""
    return Walk(storage, below).listing()


class Walk:
    """A walk over the folders, each listed once, that can be made good where they changed.

    A file that moves from a folder that is still to be listed into one that has been would be in
    neither. ``settle`` lists again what changed since, until the listing is of one moment.
    """

    def __init__(self, storage: LocalStorage, below: str = "") -> None:
        self._storage = storage
        self._below = below
        self._known: dict[str, FolderContents] = {}

    def listing(self) -> Listing:
        """What the folders held when they were listed, in order of relative path."""
        walk = _Pass(self._storage, self._known)
        walk.folder(self._below)
        walk.linked_folders()
        self._known = walk.contents
        files = walk.files + list(_linked_files(walk.files, walk.linked_files))
        files.sort(key=lambda info: info.relative_path)
        return Listing(files=tuple(files), unlisted=tuple(walk.unlisted))

    def settle(self) -> bool:
        """List folders again that changed since they were listed.

        True when at last none had: then the listing is of the moment before this look.
        """
        for _ in range(LOOKS_MAX):
            changed = [folder for folder in self._known if self._has_changed(folder)]
            if not changed:
                return True
            time.sleep(TICK_NS / 1e9)
            for folder in changed:
                del self._known[folder]
            self.listing()
        return False

    def _has_changed(self, folder: str) -> bool:
        """Whether its names may differ from those that are known."""
        contents = self._known[folder]
        if contents.version is None:
            return False
        return contents.is_fresh or self._storage.folder_version(folder) != contents.version


class _Pass:
    """One pass over the folders: real ones first, linked ones after, each once."""

    def __init__(self, storage: LocalStorage, known: Mapping[str, FolderContents]) -> None:
        """``known`` are folders that need not be listed again."""
        self.storage = storage
        self.contents: dict[str, FolderContents] = {}
        self.files: list[ParquetFileInfo] = []
        self.linked_files: list[ParquetFileInfo] = []
        self.unlisted: list[tuple[str, str]] = []
        self._known = known
        self._linked_folders: list[FolderEntry] = []
        self._visited: set[tuple[int, int]] = set()

    def folder(self, start: str) -> None:
        pending = [start]
        identity = self.storage.folder_identity(start)
        if identity is not None:
            self._visited.add(identity)
        while pending:
            for entry in self._entries(pending.pop()):
                self._sort_in(entry, pending)

    def linked_folders(self) -> None:
        while self._linked_folders:
            waiting = sorted(self._linked_folders, key=lambda entry: entry.info.relative_path)
            self._linked_folders = []
            for entry in waiting:
                if (entry.info.device, entry.info.inode) not in self._visited:
                    self.folder(entry.info.relative_path)

    def _entries(self, relative_folder: str) -> tuple[FolderEntry, ...]:
        contents = self._known.get(relative_folder)
        try:
            contents = contents or self._contents(relative_folder)
        except StorageUnavailable as error:
            gone = isinstance(error.__cause__, FileNotFoundError)
            if not gone or relative_folder == "":  # a folder removed meanwhile is not a failure
                self.unlisted.append((relative_folder, error.message))
            return ()
        self.contents[relative_folder] = contents
        self._name_unseen(relative_folder, contents)
        return contents.entries

    def _contents(self, relative_folder: str) -> FolderContents:
        size = len(os.fsencode(relative_folder))
        if size > PATH_BYTES_MAX:
            message = f"cannot list a folder {size:,} bytes below the root, the limit is "
            raise StorageUnavailable(f"{message}{PATH_BYTES_MAX:,}", path=relative_folder)
        return self.storage.list_folder(relative_folder)

    def _name_unseen(self, relative_folder: str, contents: FolderContents) -> None:
        """Names that may be data and cannot be looked at: one problem for all of a folder."""
        unseen = [
            entry
            for entry in contents.unseen
            if is_data_file_name(entry.name)
            or (not entry.is_file and is_data_folder_name(entry.name))
        ]
        if unseen:
            inside = f"{relative_folder}/" if relative_folder else ""
            first, others = inside + unseen[0].name, len(unseen) - 1
            more = f" and {others} more names beside it" if others else ""
            path = display_path(self.storage.absolute(first))
            reason = f"cannot look at {path}{more}: {unseen[0].reason}"
            self.unlisted.append((relative_folder if others else first, reason))

    def _sort_in(self, entry: FolderEntry, pending: list[str]) -> None:
        if entry.is_folder:
            if not is_data_folder_name(entry.name):
                return
            if entry.is_link:
                self._linked_folders.append(entry)
            elif (entry.info.device, entry.info.inode) not in self._visited:
                self._visited.add((entry.info.device, entry.info.inode))
                pending.append(entry.info.relative_path)
        elif is_data_file_name(entry.name):
            (self.linked_files if entry.is_link else self.files).append(entry.info)


def _linked_files(
    real: Iterable[ParquetFileInfo], linked: list[ParquetFileInfo]
) -> Iterable[ParquetFileInfo]:
    taken = {(info.device, info.inode) for info in real}
    for info in sorted(linked, key=lambda info: info.relative_path):
        if (info.device, info.inode) not in taken:
            taken.add((info.device, info.inode))
            yield info
