"""Files that a writer has finished and the index has not registered, found by looking.

It is what proves an answer complete beside an ingestion whose list of recent files is bounded:
what was flushed before a hot snapshot has its name when the snapshot is there. So a listing that
begins after the snapshot sees every such file, and each is registered, refused or found here.

A complete listing by the sweep has seen what is older. What is newer lies in the folders of the
days since (``day_folders``), below the folder that the ingestion has shown by the paths that it
named, and there only names that are not registered are looked at. While it has named none, or one
that is elsewhere, all of the storage is listed. The ingestion's file names begin with the time of
the flush, which spares nothing more: to know a name takes less than to compare its time.
"""

from collections.abc import Callable, Iterable, Sequence

from indexer.catalog.files import FileRegister
from indexer.deferred_dataclass import dataclass
from indexer.discover.day_folders import above_day_folder, day_folders
from indexer.discover.listing import is_data_file_name, list_files
from indexer.errors import StorageUnavailable
from indexer.model import ParquetFileInfo, RootIdentity
from indexer.system.clock import Clock
from indexer.system.storage import LocalStorage, display_path

FILES_MAX = 1_000
"""An answer reads far fewer of them itself, and names each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """A complete listing: when it began, and of which folder."""

    began_unix_nano: int
    root: RootIdentity


class NewFiles:
    """Looks for files of one storage that one index has not registered."""

    def __init__(self, storage: LocalStorage, register: FileRegister, clock: Clock) -> None:
        self._storage = storage
        self._register = register
        self._clock = clock
        self._listed: _Listed | None = None
        self._writes_to: set[str] = set()
        """Folders that have the years of the ingestion's files."""
        self._lists_all = False
        """It has named a file that is in no folder of a day."""

    def listed(self, began_unix_nano: int, root: RootIdentity | None) -> None:
        """All of the storage was listed without a problem, by a listing that began then."""
        if root is not None:
            self._listed = _Listed(began_unix_nano=began_unix_nano, root=root)

    def find(self, named: Iterable[str] = ()) -> list[str]:
        """Absolute paths of files that came since and are not registered or refused, newest first.

        ``named`` are absolute paths that the ingestion names. One caller at a time, on any thread,
        while the sweep may run.
        Raises StorageUnavailable, and FileUnreadable, when it cannot be known or they are too many.
        """
        listed = self._listed
        if listed is None:
            raise StorageUnavailable("the storage has not been listed without a problem yet")
        for path in named:
            self._learn(path)
        folders = self._newest_folders(listed.began_unix_nano)
        found = self._in_all() if folders is None else self._in_folders(folders)
        if self._storage.root_identity() != listed.root:
            raise StorageUnavailable("the storage root is not the folder that was listed")
        if len(found) > FILES_MAX:
            raise StorageUnavailable(f"{len(found):,} files are not registered yet")
        found.sort(key=lambda info: (-info.modified_unix_nano, info.relative_path))
        return [info.path for info in found]

    def _learn(self, path: str) -> None:
        """Where the ingestion writes, by a path that it names."""
        relative = self._storage.relative(path)
        above = None if relative is None else above_day_folder(relative)
        if above is None:
            self._lists_all = True
        else:
            self._writes_to.add(above)

    def _newest_folders(self, since_unix_nano: int) -> list[str] | None:
        """Where its files since then are; None where that may be anywhere."""
        days = day_folders(since_unix_nano, self._clock.now_unix_nano())
        if self._lists_all or not self._writes_to or days is None:
            return None
        return [f"{above}/{day}" if above else day for above in self._writes_to for day in days]

    def _in_all(self) -> list[ParquetFileInfo]:
        listing = list_files(self._storage)
        if listing.unlisted:
            folder, reason = listing.unlisted[0]
            raise StorageUnavailable(reason, path=folder)
        is_new = self._is_new()
        return [info for info in listing.files if is_new(info)]

    def _in_folders(self, folders: Sequence[str]) -> list[ParquetFileInfo]:
        is_new, registered = self._is_new(), self._register.files
        found: list[ParquetFileInfo] = []
        for folder in folders:
            for name in self._names(folder):
                path = f"{folder}/{name}"
                if not is_data_file_name(name) or path in registered:
                    continue
                entry = self._storage.stat(path)
                if entry is None or entry.is_folder or self._storage.is_protected(entry.info):
                    continue
                if is_new(entry.info):
                    found.append(entry.info)
        return found

    def _names(self, folder: str) -> list[str]:
        """The names in a folder; none where there is no such folder."""
        try:
            return self._storage.names(folder)
        except StorageUnavailable as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return []
            raise

    def _is_new(self) -> Callable[[ParquetFileInfo], bool]:
        """By what is committed now: a transaction that begins later has it too."""
        registered, refused = self._register.files, self._register.refused

        def is_new(info: ParquetFileInfo) -> bool:
            path = info.relative_path
            return path not in registered and refused.get(display_path(path)) != info.stamp

        return is_new
