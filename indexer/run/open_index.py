"""The catalog that one worker has open, and the pipeline over it: opened, reopened and closed.

The index thread alone changes what is open. Other threads read through it, and a close waits for
them, because DuckDB ends the process when a connection is closed under a query.
"""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import duckdb

from indexer.catalog.commits import Commits
from indexer.catalog.database import Catalog
from indexer.catalog.generations import Generations
from indexer.catalog.reader_lock import ReaderLock
from indexer.errors import CatalogDeleted, CatalogWriteFailed, IndexerError
from indexer.index.pipeline import Pipeline
from indexer.index.session import open_catalog, open_pipeline
from indexer.index.snapshot import SnapshotCopy
from indexer.model import Outstanding
from indexer.settings import Settings
from indexer.system.clock import Clock


class OpenIndex:
    """The current generation of a catalog; nothing before ``open``."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        generations: Generations,
        stopped: Callable[[], bool],
        *,
        accept_removals: bool = False,
    ) -> None:
        """``stopped`` ends the wait for somebody else who has the catalog open.

        ``accept_removals`` holds for the first listing of the storage, and for no later one.
        """
        self._settings = settings
        self._clock = clock
        self._generations = generations
        self._stopped = stopped
        self._accept_removals = accept_removals
        self._catalog: Catalog | None = None
        self._pipeline: Pipeline | None = None
        self._copy: SnapshotCopy | None = None
        self._copied_state: tuple[int, int] | None = None
        self._published: tuple[tuple[int, int] | None, Path] | None = None
        self._identity: tuple[int, int] | None = None
        self.deleted = ""
        """Says that the catalog's files are gone; empty while they are there."""
        self.readers = ReaderLock()
        """Held by whoever reads."""

    @property
    def catalog(self) -> Catalog:
        """Raises CatalogWriteFailed while none is open."""
        if self._catalog is None:
            raise CatalogWriteFailed("the catalog is not open yet")
        return self._catalog

    def check_deleted(self) -> None:
        """Raises CatalogDeleted: what an answer would be read from is not a catalog any more."""
        if self.deleted:
            raise CatalogDeleted(self.deleted, path=str(self._settings.catalog_pointer))

    def notice_deletion(self) -> bool:
        """Whether the files of the open catalog are gone, or others have their names."""
        path = self.catalog.path
        if self._identity is None or _identity(path) == self._identity:
            return False
        self.deleted = f"the catalog {path} was deleted while the worker ran"
        return True

    def keep_pointer(self) -> bool:
        """Make the settings' path lead to the open catalog if it is gone; whether it was."""
        if os.path.lexists(self._generations.pointer):
            return False
        self._generations.point_to(self.catalog.path)
        return True

    @property
    def pipeline(self) -> Pipeline:
        """Raises CatalogWriteFailed while none is open."""
        if self._pipeline is None:
            raise CatalogWriteFailed("the catalog is not open yet")
        return self._pipeline

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A reader's own connection, to be used while ``readers`` is held.

        Raises CatalogDeleted.
        """
        self.check_deleted()
        return self.catalog.cursor()

    def give_back(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """A reader's connection for the next one, while ``readers`` is held."""
        self.catalog.give_back(cursor)

    def commits(self) -> Commits:
        """Those of the catalog that is open; for a reader, while ``readers`` is held."""
        return self.catalog.commits

    def outstanding(self) -> Outstanding:
        """What the index does not hold as it is; for a reader, while ``readers`` is held."""
        return self.pipeline.outstanding()

    def new_files(self, named: Iterable[str]) -> list[str]:
        """Absolute paths of finished files that are not registered or refused, newest first.

        For a reader. Raises IndexerError when it cannot be known.
        """
        return self.pipeline.new_files.find(named)

    def open(self) -> None:
        """Raises CatalogBusy, CatalogUnreadable or CatalogTooNew."""
        self._catalog = open_catalog(self._settings, self._generations, self._stopped)
        self._identity = _identity(self._catalog.path)
        self._pipeline = open_pipeline(
            self._settings,
            self._catalog,
            self._clock,
            accept_removals=self._accept_removals,
            idle_s=lambda: self.readers.idle_s,
        )
        self._accept_removals = False
        self._published = None

    def reopen(self) -> None:
        """After a failed commit: a new connection, and memory read back from the catalog.

        Raises CatalogWriteFailed, also when the files are gone: nobody asked for new ones.
        """
        if self.deleted or self.notice_deletion():
            raise CatalogWriteFailed(self.deleted, hint=CatalogDeleted.hint)
        self.pipeline.close()
        self._give_up_copy()
        with self.readers.alone():
            self.catalog.close()
            try:
                self.open()
            except IndexerError as error:
                raise CatalogWriteFailed(error.message, hint=error.advice) from error

    def close(self) -> None:
        """Fold the log in where there is room for it, and close."""
        if self._pipeline is not None:
            self._pipeline.close()
        self._give_up_copy()
        if self._catalog is not None:
            if not self.deleted:
                with suppress(IndexerError):  # a full disk: the log is replayed at the next start
                    self._catalog.checkpoint()
            with self.readers.alone():
                self._catalog.close()

    @property
    def current_copy(self) -> Path | None:
        """The copy that was published last, while nothing has changed since. For any thread.

        None while a commit is under way: a reader who begins now may see it or not.
        """
        published = self._published
        if published is None or published[0] != self._state:
            return None
        return published[1]

    @property
    def _state(self) -> tuple[int, int] | None:
        """What is the same as long as nothing changes."""
        if self._pipeline is None or self._catalog is None:
            return None
        number = self._catalog.commits.number
        return None if number is None else (self._pipeline.progress.transactions, number)

    def begin_snapshot(self) -> SnapshotCopy | Path:
        """A copy of the catalog as it is now, to be made; the last one while nothing changed.

        Raises CatalogWriteFailed, CatalogDeleted, and CatalogBusy when other transactions are in
        the way of the checkpoint that it begins with.
        """
        self.check_deleted()
        current = self.current_copy
        if current is not None:
            return current
        self._copied_state = self._state
        self._copy = SnapshotCopy(self.catalog, time.time_ns(), self._settings.file_modes)
        return self._copy

    def end_snapshot(self, copy: SnapshotCopy, published: Path | None) -> None:
        """The copy was published there, or not at all. Raises CatalogWriteFailed."""
        if copy is self._copy:
            self._copy = None
            copy.end()
            if published is not None:
                self._published = (self._copied_state, published)

    def _give_up_copy(self) -> None:
        """A catalog that is closed is checkpointed, and nobody may copy it meanwhile."""
        if self._copy is not None:
            self._copy.spoil()
            self._copy = None
            with suppress(CatalogWriteFailed):
                self.catalog.release_checkpoints()


def _identity(path: Path) -> tuple[int, int] | None:
    """Of the file by that name: asked without opening it, which would drop DuckDB's lock."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
