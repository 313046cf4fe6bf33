"""What a file that was seen at its path means: to be read, as registered, or to be looked at again.

Hints and listings tell of files; most of them are in the index as they are. One whose size and
time are the registered ones is read again only where its footer says that it is another file.
"""

from collections.abc import Iterable

from indexer.catalog.catalog_update import CatalogUpdate
from indexer.catalog.files import FileRegister
from indexer.discover.backlog import Backlog
from indexer.discover.listing import is_data_file_name, is_data_folder_name, list_files
from indexer.errors import TransientError
from indexer.index.racy_files import Recheck, Rechecked
from indexer.index.registration import Registration
from indexer.index.removals import Removals
from indexer.model import ParquetFileInfo
from indexer.system.storage import LocalStorage, display_path


class Sightings:
    """Queues files of one storage for one register."""

    def __init__(
        self,
        storage: LocalStorage,
        register: FileRegister,
        backlog: Backlog,
        removals: Removals,
        recheck: Recheck,
        registration: Registration,
    ) -> None:
        self._storage = storage
        self._register = register
        self._backlog = backlog
        self._removals = removals
        self._recheck = recheck
        self._registration = registration
        self._forced: set[str] = set()

    def look(self, paths: Iterable[str]) -> None:
        """Follow hints: absolute paths where something may have happened.

        None of a root that was not listed yet: its files would stand in the index as those of the
        folder that was, and leave it with the next listing of that one.
        """
        is_elsewhere = self._removals.is_of_another(self._storage.root_identity())
        unclear: set[str] = set()
        for path in paths:
            relative = self._storage.relative(path)
            if relative is None:
                continue
            try:
                if is_elsewhere or not self._look_at(relative):
                    unclear.add(relative)
            except TransientError:  # the sweep asks again, and reports it
                unclear.add(relative)
        if unclear:
            self._removals.vanish(unclear, self._backlog.files())

    def is_known(self, info: ParquetFileInfo) -> bool:
        """A doubled hint: the same bytes were registered or refused meanwhile."""
        if info.relative_path in self._forced:
            return False
        if self._register.refused.get(display_path(info.relative_path)) == info.stamp:
            return True
        known = self._register.files.get(info.relative_path)
        if known is None or known.stamp != info.stamp:
            return False
        if not known.is_still(info):
            self._recheck.suspect(info.relative_path)
        return True

    def settle_identity(self, found: Rechecked) -> None:
        """Take over where files of the registered bytes are now, and read the others again."""
        self._force(found.changed)
        known = self._register.files
        moved = [
            info
            for info in found.same
            if known[info.relative_path].stamp == info.stamp
            and not known[info.relative_path].is_still(info)
        ]
        self._registration.apply(CatalogUpdate(relocated=moved))

    def decided(self, info: ParquetFileInfo) -> None:
        """The file was read, and is registered or refused."""
        self._backlog.done(info)
        self._forced.discard(info.relative_path)

    def _look_at(self, relative: str) -> bool:
        """Queue what is at the path; False where only a whole listing can tell."""
        *folders, name = relative.split("/")
        may_be_data = is_data_file_name(name) or is_data_folder_name(name)
        if not may_be_data or not all(is_data_folder_name(folder) for folder in folders):
            return True
        entry = self._storage.stat(relative)
        if entry is None:
            known = relative in self._register.files or relative in self._backlog
            return not known and not (is_data_folder_name(name) and "." not in name)
        if entry.is_link or not self._storage.is_direct(relative):
            return False
        if entry.is_folder and is_data_folder_name(name):
            for info in list_files(self._storage, relative).files:
                self._offer(info)
        elif is_data_file_name(name) and not self._storage.is_protected(entry.info):
            self._offer(entry.info)
        return True

    def _offer(self, info: ParquetFileInfo) -> None:
        known = self._register.files.get(info.relative_path)
        if known is not None and known.stamp == info.stamp:
            if not known.is_still(info):
                self._recheck.suspect(info.relative_path)
        elif self._register.refused.get(display_path(info.relative_path)) != info.stamp:
            self._backlog.offer(info)

    def _force(self, infos: Iterable[ParquetFileInfo]) -> None:
        """Read files again although their size and time are the registered ones."""
        for info in infos:
            self._forced.add(info.relative_path)
            self._backlog.offer(info)
