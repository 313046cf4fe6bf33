"""The index path, composed: discover -> read -> register, one synchronous step at a time.

The worker, the one-shot run, the rebuild and the simulation all drive this. It owns no thread
but its readers, and no decision that a stage could make: it only passes values on.

    sweep   list the storage, compare, remove what is gone, queue what is new
    look    queue what a hint points to
    drain   read and register until nothing is ready, reading ahead of the writer

``promotion`` is the second pass, over what is registered.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from indexer.catalog.files import CatalogUpdate, FileRegister
from indexer.discover.backlog import Backlog
from indexer.discover.changes import compare
from indexer.discover.listing import is_data_file_name, is_data_folder_name, list_files
from indexer.errors import (
    FileChanged,
    FileError,
    FileFault,
    FileVanished,
    FooterUnreadable,
    IndexerError,
    TransientError,
)
from indexer.index.promotion import Promotion
from indexer.index.racy_files import Recheck
from indexer.index.read_ahead import ReadAhead
from indexer.model import Limits, ParquetFileInfo, Progress, QuarantinedFile
from indexer.read.group import GroupRead, read_group
from indexer.spans.batch import ParquetFileData, SpanBatch
from indexer.system import retry
from indexer.system.clock import Clock
from indexer.system.storage import LocalStorage, display_path
from indexer.telemetry import metrics
from indexer.telemetry.log import (
    FILE_FAULT,
    FILE_POSTPONED,
    FILE_QUARANTINED,
    FILES_REGISTERED,
    FILES_REMOVED,
    ROWS_REJECTED,
    STORAGE_DOUBTFUL,
    SWEEP_DONE,
    log,
    log_fault,
)
from indexer.telemetry.tracing import registering


class Pipeline:
    """Keeps one catalog equal to one storage."""

    def __init__(
        self, storage: LocalStorage, register: FileRegister, clock: Clock, limits: Limits
    ) -> None:
        self.storage = storage
        self.register = register
        self.clock = clock
        self.limits = limits
        self.backlog = Backlog()
        self.progress = Progress()
        self.problems: tuple[str, ...] = ()
        """Why the storage is not fully visible; empty when it is."""
        self.sweep_wanted = False
        """A hint was too vague to follow by itself."""
        self._forced: set[str] = set()
        self._absent: set[str] = set()
        self._recheck = Recheck(storage, register, clock)
        self._readers = ThreadPoolExecutor(limits.readers, thread_name_prefix="reader")
        self._ahead = ReadAhead(
            self.backlog, limits, clock, self._readers, self._read, self._is_known
        )
        self.promotion = Promotion(storage, register, clock, limits, self.progress, self._readers)

    def close(self) -> None:
        """Wait for the readers and end them."""
        self._readers.shutdown(cancel_futures=True)
        self.promotion.close()

    def sweep(self) -> None:
        """List the storage, make the index follow removals, queue everything to be read."""
        self.sweep_wanted = False
        listing = list_files(self.storage)
        changes = compare(
            listing, self.register.files, self.register.refused, self.storage.nearest_device
        )
        self._report(listing.unlisted, changes.withheld)
        for info in changes.to_read:
            self.backlog.offer(info)
        present = {info.relative_path for info in listing.files}
        if not self.problems:
            for path in [*self.backlog.ready, *self.backlog.waiting]:
                if path not in present and path not in self.backlog.in_hand:
                    self.backlog.drop(path)
            shown = {display_path(path) for path in present}
            self._apply(CatalogUpdate(released=frozenset(self.register.refused.keys() - shown)))
        same, others = self._recheck.compare(changes.relocated)
        self._apply(CatalogUpdate(relocated=same))
        self._force(others)
        self._remove(set(changes.removed), proven=True)
        self.wake()
        log(SWEEP_DONE, f"swept {len(present)} files, {len(self.backlog)} to read")

    def look(self, paths: Iterable[str]) -> None:
        """Follow hints: absolute paths where something may have happened."""
        for path in paths:
            relative = self.storage.relative(path)
            if relative is None:
                continue
            try:
                self._look_at(relative)
            except TransientError:
                continue  # the sweep asks again, and reports it

    def drain(self, stop: Callable[[], bool], between: Callable[[], None] | None = None) -> None:
        """Read and register, newest first, until nothing is ready or ``stop`` says so.

        ``between`` runs after every transaction: the worker absorbs hints there. Raises
        CatalogWriteFailed; the files in hand come back with the next sweep.
        """
        try:
            while (read := self._ahead.next_transaction(stop)).taken:
                self._finish(read)
                self._remove(self._absent - self.backlog.in_hand.keys())
                if between is not None:
                    between()
        finally:
            self._ahead.give_back()
        self._remove(set(self._absent))
        self.progress.files_pending = len(self.backlog)

    def next_due_s(self) -> float | None:
        """Monotonic time of the earliest thing that time alone makes due."""
        due = [one.next_due_s() for one in (self.backlog, self._recheck, self.promotion)]
        return min((at_s for at_s in due if at_s is not None), default=None)

    def wake(self) -> None:
        """Look again at files whose identity was too fresh to trust."""
        self._force(self._recheck.changed())

    def _look_at(self, relative: str) -> None:
        *folders, name = relative.split("/")
        if not all(is_data_folder_name(folder) for folder in folders):
            return
        entry = self.storage.stat(relative)
        if entry is None:
            if relative in self.register.files or relative in self.backlog.in_hand:
                self._absent.add(relative)
            elif is_data_folder_name(name) and "." not in name:
                self.sweep_wanted = True  # perhaps a folder of files
        elif entry.is_link or not self.storage.is_direct(relative):
            self.sweep_wanted = True  # only a whole listing says which path names the file
        elif entry.is_folder and is_data_folder_name(name):
            for info in list_files(self.storage, relative).files:
                self._offer(info)
        elif is_data_file_name(name) and not self.storage.is_protected(entry.info):
            self._offer(entry.info)

    def _offer(self, info: ParquetFileInfo) -> None:
        known = self.register.files.get(info.relative_path)
        unchanged = known is not None and known.stamp == info.stamp and known.inode == info.inode
        if (
            not unchanged
            and self.register.refused.get(display_path(info.relative_path)) != info.stamp
        ):
            self.backlog.offer(info)

    def _is_known(self, info: ParquetFileInfo) -> bool:
        """A doubled hint: the same bytes were registered or refused meanwhile."""
        if info.relative_path in self._forced:
            return False
        if self.register.refused.get(display_path(info.relative_path)) == info.stamp:
            return True
        known = self.register.files.get(info.relative_path)
        return known is not None and (known.stamp, known.inode) == (info.stamp, info.inode)

    def _force(self, infos: Iterable[ParquetFileInfo]) -> None:
        """Read files again although their size and time are the registered ones."""
        for info in infos:
            self._forced.add(info.relative_path)
            self.backlog.offer(info)

    def _read(self, infos: Sequence[ParquetFileInfo]) -> GroupRead:
        return read_group(self.storage, infos, self.limits.rows_max)

    def _finish(self, read: GroupRead) -> None:
        """Register what was read and settle what was not."""
        refused = [self._refusal(info, error) for info, error in self._settle(read.refused)]
        refused += [self._refusal(info, error) for info, error in self._postponed(read.transient)]
        update = self._complete(set(), read.batches, refused)
        if update is None:
            for info in read.taken:
                self._postpone(info, "a surviving copy cannot be read now")
            return
        fault = self._fault_of(update)
        if fault is not None:
            self._isolate(read.taken, fault)
            return
        for file in (file for one in read.batches for file in one.files):
            self._decide(file.info)
            self._recheck.mark(file.info)
        for info, _ in read.refused:
            if info.relative_path in self.backlog.in_hand:
                self._decide(info)

    def _fault_of(self, update: CatalogUpdate) -> Exception | None:
        """Apply the update; the fault of this program that kept it from that."""
        try:
            self._apply(update)
        except IndexerError:
            raise
        except Exception as fault:  # noqa: BLE001 - logged; no file costs others their place
            self.register.load()
            return fault
        return None

    def _isolate(self, taken: Sequence[ParquetFileInfo], fault: Exception) -> None:
        """One of these files cannot be registered: each goes by itself, that one is refused."""
        if len(taken) > 1:
            for info in taken:
                self._finish(self._read([info]))
            return
        (info,) = taken
        path = display_path(info.relative_path)
        reason = f"it cannot be registered: {type(fault).__name__}: {fault}"
        log_fault(FILE_FAULT, f"{path}: {reason}", fault)
        refusal = self._refusal(info, FileFault(reason, path=path))
        self._apply(CatalogUpdate(refused=[refusal]))
        self._decide(info)

    def _decide(self, info: ParquetFileInfo) -> None:
        self.backlog.done(info)
        self._forced.discard(info.relative_path)

    def _settle(
        self, refused: Iterable[tuple[ParquetFileInfo, FileError]]
    ) -> list[tuple[ParquetFileInfo, FileError]]:
        """Refusals that stand: a file without a footer may still be growing."""
        now_s = self.clock.monotonic_s()
        return [
            (info, error)
            for info, error in refused
            if not isinstance(error, FooterUnreadable)
            or not self.backlog.unfinished(info, settle_s=self.limits.settle_s, now_s=now_s)
        ]

    def _postponed(
        self, transient: Iterable[tuple[ParquetFileInfo, TransientError]]
    ) -> list[tuple[ParquetFileInfo, IndexerError]]:
        """Put transient failures off; those that have failed often enough to be reported."""
        reported: list[tuple[ParquetFileInfo, IndexerError]] = []
        for info, error in transient:
            if isinstance(error, FileVanished):
                self.backlog.drop(info.relative_path)
                self._absent.add(info.relative_path)
            elif isinstance(error, FileChanged):
                self.backlog.drop(info.relative_path)
                self.look([info.path])
            elif self._postpone(info, error.message) >= retry.FILE_TRIES_BEFORE_REPORT:
                reported.append((info, error))
        return reported

    def _postpone(self, info: ParquetFileInfo, reason: str) -> int:
        backoff_s = retry.FILE.pause_s(self.backlog.tries(info.relative_path) + 1)
        log(FILE_POSTPONED, f"{info.relative_path}: {reason}; again in {backoff_s:.1f} s")
        return self.backlog.postpone(info, backoff_s=backoff_s, now_s=self.clock.monotonic_s())

    def _refusal(self, info: ParquetFileInfo, error: IndexerError) -> QuarantinedFile:
        path = display_path(info.relative_path)
        log(
            FILE_QUARANTINED,
            f"quarantined {path}: {error.error_type}: {error.message}",
            file_path=path,
            error_type=error.error_type,
        )
        return QuarantinedFile(
            relative_path=path,
            file_path=os.path.join(self.storage.root, path),
            error_type=error.error_type,
            error_message=error.message,
            hint=error.advice,
            transient=isinstance(error, TransientError),
            size_bytes=info.size_bytes,
            modified_unix_nano=info.modified_unix_nano,
        )

    def _complete(
        self, removed: set[str], batches: list[SpanBatch], refused: list[QuarantinedFile]
    ) -> CatalogUpdate | None:
        """Add the files whose surviving copies come back; None when one cannot be read now."""
        while True:
            arriving = {file.info.relative_path for one in batches for file in one.files}
            gone = {file.relative_path for file in refused if not file.transient}
            survivors = self.register.survivors(removed | arriving | gone) - arriving
            if not survivors:
                break
            try:
                present = {path: self.storage.stat(path) for path in survivors}
            except TransientError:
                return None
            vanished = {path for path, entry in present.items() if entry is None}
            found = [entry.info for entry in present.values() if entry is not None]
            read = self._read(found)
            growing = [info for info, error in read.refused if self._may_grow(info, error)]
            if read.transient or growing:
                for info in growing:
                    self.backlog.offer(info)
                return None
            removed |= vanished
            refused = refused + [self._refusal(info, error) for info, error in read.refused]
            batches = [*batches, *read.batches]
        return CatalogUpdate(batches=batches, removed=frozenset(removed), refused=refused)

    def _may_grow(self, info: ParquetFileInfo, error: FileError) -> bool:
        """Whether a registered file without a footer is being rewritten, rather than damaged."""
        return (
            isinstance(error, FooterUnreadable)
            and self.register.files[info.relative_path].stamp != info.stamp
            and not self.backlog.has_settled(
                info, settle_s=self.limits.settle_s, now_s=self.clock.monotonic_s()
            )
        )

    def _apply(self, update: CatalogUpdate) -> None:
        if update.is_empty:
            return
        files = sum(len(one.files) for one in update.batches)
        spans = sum(len(one.columns) for one in update.batches)
        with registering(files=files, spans=spans, removed=len(update.removed)):
            self.register.apply(update)
        self._count(update, files, spans)

    def _count(self, update: CatalogUpdate, files: int, spans: int) -> None:
        self.progress.transactions += 1
        self.progress.files_registered += files
        self.progress.spans_registered += spans
        self.progress.files_removed += len(update.removed)
        self.progress.files_quarantined += len(update.refused)
        if files:
            self.promotion.registered()
            metrics.files_indexed(
                (file.info.modified_unix_nano for one in update.batches for file in one.files),
                spans=spans,
                now_unix_nano=self.clock.now_unix_nano(),
            )
            newest = update.batches[0].files[0].info.relative_path
            more = f" and {files - 1} more" if files > 1 else ""
            log(
                FILES_REGISTERED,
                f"indexed {newest}{more}: {spans:,} spans",
                files=files,
                spans=spans,
            )
        _report_rejected(file for one in update.batches for file in one.files)
        if update.removed:
            log(FILES_REMOVED, f"removed {len(update.removed)} files", files=len(update.removed))

    def _remove(self, paths: set[str], *, proven: bool = False) -> None:
        """Take files out of the index that are certainly gone; doubt leaves them in.

        ``proven`` says that a whole listing has already ruled out an unmounted volume.
        """
        self._absent -= paths
        certain = {path for path in paths if self._is_gone(path, proven=proven)}
        if not certain:
            return
        update = self._complete(certain, [], [])
        if update is not None:
            self._apply(update)

    def _is_gone(self, path: str, *, proven: bool) -> bool:
        known = self.register.files.get(path)
        if known is None:
            return False
        try:
            entry = self.storage.stat(path)
        except TransientError:
            return False
        if entry is not None:  # a link whose target goes by its own path again is not this file
            return proven and (entry.is_link or not self.storage.is_direct(path))
        return proven or self.storage.nearest_device(path) == known.device

    def _report(self, unlisted: Sequence[tuple[str, str]], withheld: Sequence[str]) -> None:
        problems = [reason for _, reason in unlisted]
        if withheld:
            problems.append(
                f"{len(withheld)} indexed files are not visible, and their folder is not the one "
                f"they were indexed from (first: {withheld[0]})"
            )
        if problems and tuple(problems) != self.problems:
            log(STORAGE_DOUBTFUL, problems[0], problems=problems)
        self.problems = tuple(problems)


def _report_rejected(files: Iterable[ParquetFileData]) -> None:
    for file in files:
        if file.rejected_spans:
            path = display_path(file.info.relative_path)
            log(
                ROWS_REJECTED,
                f"{path}: {file.rejected_spans:,} rows have no valid trace ID and span ID; "
                f"{file.rejected_example}",
                file_path=path,
                rows=file.rejected_spans,
            )
