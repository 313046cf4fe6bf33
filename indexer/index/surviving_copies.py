"""A span that leaves with its file comes back from another file that holds a copy of it.

Those files are read again in the transaction of the removal, so that the index equals a rebuild
after it (invariant I1). While one of them cannot be read, the removal waits.
"""

from collections.abc import Sequence

from indexer.catalog.catalog_update import CatalogUpdate
from indexer.catalog.files import FileRegister
from indexer.discover.backlog import Backlog
from indexer.errors import FileError, FooterUnreadable, TransientError
from indexer.index.read_ahead import Read
from indexer.index.refusals import Refusals
from indexer.model import ParquetFileInfo, QuarantinedFile
from indexer.read.group import GroupRead
from indexer.spans.batch import SpanBatch
from indexer.system.folders import FolderEntry
from indexer.system.storage import LocalStorage, display_path


class SurvivingCopies:
    """Completes updates of one register."""

    def __init__(
        self,
        storage: LocalStorage,
        register: FileRegister,
        backlog: Backlog,
        refusals: Refusals,
        read: Read,
    ) -> None:
        self._storage = storage
        self._register = register
        self._backlog = backlog
        self._refusals = refusals
        self._read_group = read
        self.hindrance = ""
        """Why the last update could not be completed; empty when it was."""

    def complete(
        self,
        removed: set[str],
        batches: Sequence[SpanBatch] = (),
        refused: Sequence[QuarantinedFile] = (),
    ) -> CatalogUpdate | None:
        """Add the files whose copies come back; None when one of them cannot be read now."""
        self.hindrance = ""
        removed, batches, refused = set(removed), list(batches), list(refused)
        while survivors := self._survivors(removed, batches, refused):
            try:
                present = {path: self._storage.stat(path) for path in survivors}
            except TransientError as error:
                self._hinder(error)
                return None
            read = self._read(present)
            if read is None:
                return None
            removed |= {path for path, entry in present.items() if entry is None}
            refused += [self._refusals.refuse(info, error) for info, error in read.refused]
            batches += read.batches
        return CatalogUpdate(batches=batches, removed=frozenset(removed), refused=refused)

    def _survivors(
        self,
        removed: set[str],
        batches: Sequence[SpanBatch],
        refused: Sequence[QuarantinedFile],
    ) -> set[str]:
        arriving = {file.info.relative_path for one in batches for file in one.files}
        gone = {file.relative_path for file in refused if not file.transient}
        return self._register.survivors(removed | arriving | gone) - arriving

    def _read(self, present: dict[str, FolderEntry | None]) -> GroupRead | None:
        found = [entry.info for entry in present.values() if entry is not None]
        read = self._read_group(found)
        for _, hindrance in read.transient[:1]:
            self._hinder(hindrance)
        for info, error in read.refused:
            if self._may_grow(info, error):
                self._backlog.offer(info)
                self._hinder(error)
        return None if self.hindrance else read

    def _hinder(self, error: TransientError | FileError) -> None:
        where = f"{display_path(error.path)}: " if error.path else ""
        self.hindrance = f"a copy of their spans cannot be read now ({where}{error.message})"

    def _may_grow(self, info: ParquetFileInfo, error: FileError) -> bool:
        """Whether a registered file without a footer is being rewritten, rather than damaged."""
        return (
            isinstance(error, FooterUnreadable)
            and self._register.files[info.relative_path].stamp != info.stamp
            and not self._refusals.has_settled(info)
        )
