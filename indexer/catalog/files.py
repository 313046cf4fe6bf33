"""Register, replace and remove data files: one transaction, exactly what a rebuild would hold.

The catalog is the checkpoint: what is indexed is what ``parquet_files`` says.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import duckdb

from indexer.catalog import file_tables, promoted, quarantine, services
from indexer.catalog import storage_root as storage_roots
from indexer.catalog.arriving_files import NO_FILES, arriving_files
from indexer.catalog.cached_state import Known
from indexer.catalog.catalog_update import CatalogUpdate
from indexer.catalog.database import Catalog
from indexer.catalog.file_scans import insert_scans
from indexer.catalog.key_summaries import insert_summaries, summary_bytes
from indexer.catalog.limits import OPERATIONS_MAX
from indexer.catalog.recent_files import RecentFile, recent_files
from indexer.catalog.staging import Holders, Staged, stage
from indexer.catalog.totals import Change, FileTotals, Totals
from indexer.catalog.trace_directory import TraceDirectory
from indexer.model import RegisteredFile, RootIdentity
from indexer.spans.attributes import PromotedFile
from indexer.spans.batch import SpanBatch
from indexer.spans.file_scan import FileScan
from indexer.spans.key_summary import FileKeySummary
from indexer.system.clock import Clock


class FileRegister:
    """The single writer of a catalog."""

    def __init__(
        self,
        catalog: Catalog,
        clock: Clock,
        storage_root: str,
        *,
        operations_max: int = OPERATIONS_MAX,
        promoted_keys: Sequence[str] | None = None,
    ) -> None:
        """``promoted_keys``, unless None, become the catalog's: see ``promoted.take_keys``."""
        self._catalog = catalog
        self._clock = clock
        self._root = storage_root
        self._operations_max = operations_max
        self._known = Known()
        self._key_ids = promoted.take_keys(catalog, promoted_keys)
        storage_roots.take_path(catalog, storage_root)
        self._root_identity = storage_roots.recorded_identity(catalog.connection)
        self.load()

    @property
    def files(self) -> dict[str, RegisteredFile]:
        """Registered files by relative path. Read only."""
        return self._known.files

    @property
    def refused(self) -> dict[str, tuple[int, int]]:
        """(size, time) of refused bytes by relative path. Read only."""
        return self._known.refused

    @property
    def root_identity(self) -> RootIdentity | None:
        """The storage root that was indexed last; None in a catalog that does not say."""
        return self._root_identity

    def record_root(self, root: RootIdentity) -> None:
        """The catalog is of this folder from now on. Raises CatalogWriteFailed."""
        if root != self._root_identity:
            storage_roots.record_identity(self._catalog, root)
            self._root_identity = root

    def newest(self, count: int) -> list[str]:
        """Relative paths of the files registered last."""
        latest = sorted(self._known.paths, reverse=True)[:count]
        return [self._known.paths[file_id] for file_id in latest]

    @property
    def totals(self) -> Totals:
        """What the catalog holds, in numbers, without asking it; for any thread."""
        return self._known.totals

    @property
    def directory(self) -> TraceDirectory:
        """Which files may hold a trace."""
        return self._known.directory

    @property
    def key_ids(self) -> dict[str, int]:
        """The catalog's number of each promoted attribute. Read only."""
        return self._key_ids

    @property
    def unpromoted(self) -> dict[int, frozenset[int]]:
        """Numbers of the attributes that files have not given yet, by file_id. Read only."""
        return self._known.unpromoted

    @property
    def unscanned(self) -> set[int]:
        """Files whose columns were not looked at yet, by file_id. Read only."""
        return self._known.unscanned

    def file(self, file_id: int) -> RegisteredFile:
        """A registered file by its number."""
        return self._known.files[self._known.paths[file_id]]

    def is_file_indexed(self, file_path: str) -> bool:
        """Whether the absolute path is registered."""
        return os.path.relpath(file_path, self._root).replace(os.sep, "/") in self._known.files

    def get_indexed_file_paths(self) -> set[str]:
        """Absolute paths of all registered files: the checkpoint."""
        return {os.path.join(self._root, path) for path in self._known.files}

    def register_parquet_file(self, batch: SpanBatch) -> list[int]:
        """Register the files of one batch in one transaction; their new ids, in order."""
        self.apply(CatalogUpdate(batches=(batch,)))
        return [self._known.files[file.info.relative_path].file_id for file in batch.files]

    def survivors(self, relative_paths: Iterable[str]) -> set[str]:
        """Registered files that lost spans to these, and would own them if these went.

        They have to be read again in the transaction that removes or replaces the given files.
        """
        given = {path for path in relative_paths if path in self._known.files}
        closure = set(given)
        frontier = given
        while frontier:
            ids = [self._known.files[path].file_id for path in closure]
            frontier = file_tables.holders_of_copies(self._catalog.connection, ids) - closure
            closure |= frontier
        return closure - given

    @contextmanager
    def arriving(self, batches: Sequence[SpanBatch], new: Collection[str]) -> Iterator[bool]:
        """Until they are committed inside, traces are answered from these files of the batches.

        Of ``new`` ones nothing is known but what the batches say, and nothing else may be learnt
        inside. False where they are none, or too many.
        """
        commits, known = self._catalog.commits, self._known
        commits.arriving = arriving_files(batches, new, known.directory, known.paths, self._root)
        try:
            yield bool(commits.arriving)
        finally:
            commits.arriving = NO_FILES

    def apply(self, update: CatalogUpdate) -> None:
        """Do all of it in one transaction, or none of it.

        Raises CatalogWriteFailed; then nothing has changed, and ``load`` must be called before
        the next use.
        """
        leaving = self._leaving(update)
        leaving_ids = [self._known.files[path].file_id for path in leaving]
        changed = {*leaving_ids, *self._relocated_ids(update)}
        recent: list[RecentFile] = []
        refusals = bool(update.refused or self._released(update))
        with self._catalog.transaction(
            files=changed, registered=recent, refusals=refusals
        ) as connection:
            now_unix_nano = self._clock.now_unix_nano()
            resum = services.services_of(connection, leaving_ids) if leaving_ids else set()
            change = Change(removed=FileTotals.read(connection, leaving_ids))
            file_tables.delete_files(connection, leaving_ids)
            staged = self._stage(connection, update, set(leaving_ids))
            added = None
            if staged is not None:
                changed.update(staged.file_ids.tolist(), staged.lost_file_ids.tolist())
                files, added = file_tables.insert_files(
                    connection,
                    staged,
                    storage_root=self._root,
                    operations_max=self._operations_max,
                    now_unix_nano=now_unix_nano,
                )
                recent += recent_files(
                    staged.files, staged.file_ids.tolist(), staged.owned_spans, self._root
                )
                resum |= file_tables.take_over(connection, staged, self._operations_max)
                change = replace(
                    change,
                    added=FileTotals.of_rows(files, staged.trace_files.num_rows),
                    lost_spans=len(staged.lost),
                )
                # Before the commit: a reader that sees it must find its traces.
                self._known.directory.add(staged.trace_keys, staged.trace_file_ids)
            names = services.follow_files(connection, self._known.services, added, resum)
            file_tables.relocate_files(connection, update.relocated)
            quarantine.refuse(connection, update.refused, self._known.files, now_unix_nano)
            quarantine.release(connection, self._released(update))
            of_files = self._known.of_files.after(connection, change, len(names))
        self._remember(update, leaving, staged)
        self._known.of_files, self._known.services = of_files, names

    def promote(self, files: Sequence[PromotedFile]) -> None:
        """Take in what registered files have given, in one transaction.

        Raises CatalogWriteFailed; then nothing has changed.
        """
        live = [file for file in files if file.file_id in self._known.paths]
        if not live:
            return
        with self._catalog.transaction(files=(), refusals=False) as connection:
            promoted.insert_promoted(connection, live)
        for file in live:
            self._known.unpromoted.pop(file.file_id, None)
            if file.is_refused:
                self._known.unreadable.add(file.file_id)

    def record_scans(self, scans: Mapping[int, FileScan]) -> None:
        """Take in what was seen of registered files, in one transaction.

        Raises CatalogWriteFailed; then nothing has changed.
        """
        live = {file_id: scan for file_id, scan in scans.items() if file_id in self._known.paths}
        if live:
            with self._catalog.transaction(is_counted=False) as connection:
                insert_scans(connection, live)
            self._known.unscanned -= live.keys()

    def record_key_summaries(self, learnt: Iterable[FileKeySummary], bytes_max: int) -> None:
        """Take in what searches have learnt of files that are as they were, in one transaction.

        Of all that was ever learnt about ``bytes_max`` are kept. Raises CatalogWriteFailed; then
        nothing has changed.
        """
        live: dict[int, list[FileKeySummary]] = {}
        for one in learnt:
            file = self._known.files.get(one.relative_path)
            as_read = (one.footer_digest, one.stamp)
            if file is not None and (file.footer_digest, file.stamp) == as_read:
                live.setdefault(file.file_id, []).append(one)
        if live or summary_bytes(self._catalog.connection) > bytes_max:
            now_unix_nano = self._clock.now_unix_nano()
            with self._catalog.transaction(is_counted=False) as connection:
                insert_summaries(connection, live, now_unix_nano, bytes_max)

    def load(self) -> None:
        """Read from the catalog what is kept in memory."""
        self._known = Known.load(self._catalog.connection)

    def _leaving(self, update: CatalogUpdate) -> list[str]:
        """Registered paths whose present rows go: removed, refused or replaced."""
        paths = {file.info.relative_path for batch in update.batches for file in batch.files}
        paths |= update.removed
        paths |= {file.relative_path for file in update.refused if not file.transient}
        return [path for path in paths if path in self._known.files]

    def _relocated_ids(self, update: CatalogUpdate) -> list[int]:
        known = self._known.files
        paths = [info.relative_path for info in update.relocated]
        return [known[path].file_id for path in paths if path in known]

    def _released(self, update: CatalogUpdate) -> set[str]:
        indexed = {file.info.relative_path for batch in update.batches for file in batch.files}
        refused = {file.relative_path for file in update.refused}
        candidates = (indexed | update.released | update.removed) - refused
        return candidates & self._known.refused.keys()

    def _stage(
        self, connection: duckdb.DuckDBPyConnection, update: CatalogUpdate, leaving: set[int]
    ) -> Staged | None:
        if not update.batches:
            return None
        known = self._known
        recent = self._catalog.commits.recent
        holders = Holders(known.directory, known.paths, frozenset(leaving), recent)
        return stage(connection, update.batches, known.next_file_id, holders)

    def _remember(
        self, update: CatalogUpdate, leaving: Iterable[str], staged: Staged | None
    ) -> None:
        known = self._known
        known.release(self._released(update))
        known.forget(leaving)
        if staged is not None:
            known.add(staged, frozenset(self._key_ids.values()))
        known.relocate(update.relocated)
        known.refuse(update.refused)
