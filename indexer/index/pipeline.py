"""The index path, composed: discover -> read -> register, one synchronous step at a time.

The worker, the one-shot run, the rebuild and the simulation all drive this. It owns no thread
but its readers, and no decision that a stage could make: it only passes values on.

    sweep   list the storage, compare, remove what is gone, queue what is new
    look    queue what a hint points to
    drain   read and register until nothing is ready, reading ahead of the writer

``promotion`` is the second pass, over what is registered, and ``scan_checks`` the third.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from indexer.catalog.catalog_update import CatalogUpdate
from indexer.catalog.files import FileRegister
from indexer.discover.backlog import Backlog
from indexer.discover.changes import Changes, compare
from indexer.discover.listing import Walk, is_data_file_name, is_data_folder_name, list_files
from indexer.errors import FileChanged, FileFault, FileVanished, IndexerError, TransientError
from indexer.index.crash_notes import CrashNotes
from indexer.index.new_files import NewFiles
from indexer.index.promotion import Promotion
from indexer.index.racy_files import Recheck, Rechecked
from indexer.index.read_ahead import ReadAhead
from indexer.index.refusals import Refusals
from indexer.index.registration import Registration
from indexer.index.removals import Removals
from indexer.index.scan_checks import ASKED_S, ScanChecks
from indexer.index.surviving_copies import SurvivingCopies
from indexer.model import Limits, Listing, Outstanding, ParquetFileInfo, Progress, QuarantinedFile
from indexer.read.group import GroupRead, read_group
from indexer.system.clock import Clock
from indexer.system.counted_nouns import counted
from indexer.system.storage import LocalStorage, display_path
from indexer.telemetry.log import FILE_FAULT, STORAGE_DOUBTFUL, SWEEP_DONE, log, log_fault

LACKING_MAX = 1_000
"""Files that are named one by one as not indexed yet; an answer reads far fewer of them itself."""
GIVE_WAY_S = 0.005
"""A file waits so long for its commit where somebody asks. Measured from rename to answered, with a
question every two milliseconds: 17.6 ms without, 15.9 at 3 ms, 14.0 at 5."""
NOT_LISTED = "the storage has not been listed since the start"


class Pipeline:
    """Keeps one catalog equal to one storage."""

    def __init__(
        self,
        storage: LocalStorage,
        register: FileRegister,
        clock: Clock,
        limits: Limits,
        *,
        accept_removals: bool = False,
        notes: CrashNotes | None = None,
        idle_s: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """With ``accept_removals`` the first listing is right, whatever it lacks.

        ``notes`` are closed with the pipeline. ``idle_s`` says for how long nobody has asked.
        """
        self.storage = storage
        self.register = register
        self.clock = clock
        self.limits = limits
        self.backlog = Backlog()
        self.progress = Progress()
        self.problems: tuple[str, ...] = ()
        """Why the storage is not fully visible; empty when it is."""
        self._notes = CrashNotes(None) if notes is None else notes
        self._idle_s = idle_s
        self._is_listed = False
        self._forced: set[str] = set()
        self._recheck = Recheck(storage, register, clock)
        self.new_files = NewFiles(storage, register, clock)
        self._readers = ThreadPoolExecutor(limits.readers, thread_name_prefix="reader")
        self._ahead = ReadAhead(
            self.backlog, limits, clock, self._readers, self._read, self._is_known
        )
        self.promotion = Promotion(storage, register, clock, limits, self.progress, self._notes)
        self.removals = Removals(storage, register, clock, accepted=accept_removals)
        self._refusals = Refusals(self.backlog, clock, root=storage.root, settle_s=limits.settle_s)
        self._survivors = SurvivingCopies(
            storage, register, self.backlog, self._refusals, self._read
        )
        self.scan_checks = ScanChecks(storage, register, clock, idle_s)
        self._registration = Registration(register, clock, self.progress, self._registered)

    def close(self) -> None:
        """Wait for the readers and end them."""
        self._readers.shutdown(cancel_futures=True)
        self.promotion.close()
        self._notes.close()
        self.scan_checks.close()

    @property
    def sweep_wanted(self) -> bool:
        """Whether a listing is due: a hint was too vague to follow, or something vanished."""
        return self.removals.listing_due_s <= self.clock.monotonic_s()

    def outstanding(self) -> Outstanding:
        """What the index does not hold as it is. For any thread."""
        pending, removals = self.backlog.paths(), self.removals.pending
        registered = self.register.files
        unfinished = self.backlog.unfinished_paths() if pending else ()
        unfinished = {path for path in unfinished if path not in registered}
        lacking = (pending - unfinished) | removals | self._recheck.suspects
        return Outstanding(
            files=len(pending | removals),
            lacking=frozenset(lacking) if len(lacking) <= LACKING_MAX else None,
            problems=self.problems if self._is_listed else (NOT_LISTED,),
            version=self.backlog.sightings + self.removals.sightings,
        )

    def _registered(self) -> None:
        self.promotion.registered()
        self.scan_checks.registered()

    def sweep(self) -> None:
        """List the storage, make the index follow removals, queue everything to be read."""
        began_s, began_unix_nano = self.clock.monotonic_s(), self.clock.now_unix_nano()
        listing, changes, settled = self._list()
        identity = self.storage.root_identity()
        root = None if any(path == "" for path, _ in listing.unlisted) else identity
        for info in changes.to_read:
            self.backlog.offer(info)
        for info in changes.relocated:
            self._recheck.suspect(info.relative_path)
        judgement, leaving = self.removals.listed(changes, root, settled=settled, began_s=began_s)
        problems = [*(reason for _, reason in listing.unlisted), *judgement.problems]
        if not problems:
            self._forget_absent(listing)
        self._settle_identity(self._recheck.compare(changes.relocated))
        problems += self._remove(leaving)
        self._report(problems)
        self._is_listed = True
        if not problems:
            self.new_files.listed(began_unix_nano, root)
        self.wake()
        swept = counted(len(listing.files), "file")
        log(SWEEP_DONE, f"swept {swept}, {len(self.backlog):,} to read")

    def look(self, paths: Iterable[str]) -> None:
        """Follow hints: absolute paths where something may have happened.

        None of a root that was not listed yet: its files would stand in the index as those of the
        folder that was, and leave it with the next listing of that one.
        """
        is_elsewhere = self.removals.is_of_another(self.storage.root_identity())
        unclear: set[str] = set()
        for path in paths:
            relative = self.storage.relative(path)
            if relative is None:
                continue
            try:
                if is_elsewhere or not self._look_at(relative):
                    unclear.add(relative)
            except TransientError:  # the sweep asks again, and reports it
                unclear.add(relative)
        if unclear:
            self.removals.vanish(unclear, self.backlog.files())

    def drain(self, stop: Callable[[], bool], between: Callable[[], None] | None = None) -> None:
        """Read and register, newest first, until nothing is ready or ``stop`` says so.

        ``between`` runs after every transaction: the worker absorbs hints there. Raises
        CatalogWriteFailed; the files in hand come back with the next sweep.
        """
        try:
            while (read := self._ahead.next_transaction(stop)).taken:
                self._finish(read)
                if between is not None:
                    between()
        finally:
            self._ahead.give_back()
        self.progress.files_pending = len(self.backlog)

    def next_due_s(self) -> float | None:
        """Monotonic time of the earliest thing that time alone makes due."""
        due = [one.next_due_s() for one in (self.backlog, self._recheck, self.promotion)]
        due.append(self.next_sweep_s())
        return min((at_s for at_s in due if at_s is not None), default=None)

    def next_sweep_s(self) -> float | None:
        """Monotonic time from which a listing is wanted; None while none is."""
        due_s = self.removals.listing_due_s
        return None if due_s == math.inf else due_s

    def wake(self) -> None:
        """Look again at files whose identity was too fresh to trust, or is not the registered."""
        self._settle_identity(self._recheck.look())

    def _list(self) -> tuple[Listing, Changes, bool]:
        """A listing, what it changes, and whether it proves that what it lacks is gone."""
        walk = Walk(self.storage)
        listing = walk.listing()
        changes = self._compare(listing)
        if not changes.removed:
            return listing, changes, True
        settled = walk.settle()
        listing = walk.listing()
        return listing, self._compare(listing), settled

    def _compare(self, listing: Listing) -> Changes:
        register = self.register
        return compare(listing, register.files, register.refused, self.storage.nearest_device)

    def _forget_absent(self, listing: Listing) -> None:
        """Files that were waiting, or refused, and are not there any more."""
        present = {info.relative_path for info in listing.files}
        for path in [*self.backlog.ready, *self.backlog.waiting]:
            if path not in present and path not in self.backlog.in_hand:
                self.backlog.drop(path)
        shown = {display_path(path) for path in present}
        released = frozenset(self.register.refused.keys() - shown)
        self._registration.apply(CatalogUpdate(released=released))

    def _look_at(self, relative: str) -> bool:
        """Queue what is at the path; False where only a whole listing can tell."""
        *folders, name = relative.split("/")
        may_be_data = is_data_file_name(name) or is_data_folder_name(name)
        if not may_be_data or not all(is_data_folder_name(folder) for folder in folders):
            return True
        entry = self.storage.stat(relative)
        if entry is None:
            known = relative in self.register.files or relative in self.backlog
            return not known and not (is_data_folder_name(name) and "." not in name)
        if entry.is_link or not self.storage.is_direct(relative):
            return False
        if entry.is_folder and is_data_folder_name(name):
            for info in list_files(self.storage, relative).files:
                self._offer(info)
        elif is_data_file_name(name) and not self.storage.is_protected(entry.info):
            self._offer(entry.info)
        return True

    def _offer(self, info: ParquetFileInfo) -> None:
        known = self.register.files.get(info.relative_path)
        if known is not None and known.stamp == info.stamp:
            if not known.is_still(info):
                self._recheck.suspect(info.relative_path)
        elif self.register.refused.get(display_path(info.relative_path)) != info.stamp:
            self.backlog.offer(info)

    def _is_known(self, info: ParquetFileInfo) -> bool:
        """A doubled hint: the same bytes were registered or refused meanwhile."""
        if info.relative_path in self._forced:
            return False
        if self.register.refused.get(display_path(info.relative_path)) == info.stamp:
            return True
        known = self.register.files.get(info.relative_path)
        if known is None or known.stamp != info.stamp:
            return False
        if not known.is_still(info):
            self._recheck.suspect(info.relative_path)
        return True

    def _settle_identity(self, found: Rechecked) -> None:
        """Take over where files of the registered bytes are now, and read the others again."""
        self._force(found.changed)
        known = self.register.files
        moved = [
            info
            for info in found.same
            if known[info.relative_path].stamp == info.stamp
            and not known[info.relative_path].is_still(info)
        ]
        self._registration.apply(CatalogUpdate(relocated=moved))

    def _force(self, infos: Iterable[ParquetFileInfo]) -> None:
        """Read files again although their size and time are the registered ones."""
        for info in infos:
            self._forced.add(info.relative_path)
            self.backlog.offer(info)

    def _read(self, infos: Sequence[ParquetFileInfo]) -> GroupRead:
        deadly = self._notes.deadly(infos)
        sound = [info for info in infos if info.relative_path not in deadly]
        with self._notes.reading(sound):
            read = read_group(self.storage, sound, self.limits.rows_max)
        read.taken = list(infos)
        read.refused += [
            (info, deadly[info.relative_path]) for info in infos if info.relative_path in deadly
        ]
        return read

    def _finish(self, read: GroupRead) -> None:
        """Register what was read, with the files that moved there, and settle what was not."""
        refused = self._refusals.standing(read.refused) + self._postponed(read)
        decided = {file.info.relative_path for one in read.batches for file in one.files}
        decided |= {
            info.relative_path
            for info, _ in read.refused
            if info.relative_path in self.backlog.in_hand
        }
        reported = {file.relative_path for file in refused}
        leaving = self.removals.leaving_with(decided | reported)
        update = self._survivors.complete(leaving, read.batches, refused)
        if update is None:
            for info in read.taken:
                self._refusals.put_off(info, self._survivors.hindrance)
            return
        with self.register.arriving(read.batches, self._new_files(read)) as are_answered:
            if are_answered:
                self._give_way(read)
            fault = self._fault_of(update)
        if fault is not None:
            self._isolate(read.taken, fault)
            return
        self.removals.decide(decided | reported)
        for info in read.taken:
            if info.relative_path in decided:
                self._decide(info)
        for file in (file for one in read.batches for file in one.files):
            self._recheck.mark(file.info)

    def _new_files(self, read: GroupRead) -> frozenset[str]:
        """Those that are in the index in no form, and were not seen otherwise since they were read.

        Nothing else is noticed before the commit: hints are looked at by the thread that commits.
        """
        otherwise = (self.register.files, self.backlog.ready, self.removals.pending)
        paths = (file.info.relative_path for one in read.batches for file in one.files)
        return frozenset(path for path in paths if not any(path in one for one in otherwise))

    def _give_way(self, read: GroupRead) -> None:
        """Let who asks for these files have the interpreter, where no other file waits.

        They are answered from already, and a commit beside them takes three times as long to
        answer.
        """
        waits = self.backlog.ready or len(self.backlog.in_hand) > len(read.taken)
        if not waits and self._idle_s() < ASKED_S:
            time.sleep(GIVE_WAY_S)

    def _fault_of(self, update: CatalogUpdate) -> Exception | None:
        """Apply the update; the fault of this program that kept it from that."""
        try:
            self._registration.apply(update)
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
        refusal = self._refusals.refuse(info, FileFault(reason, path=path))
        self._registration.apply(CatalogUpdate(refused=[refusal]))
        self.removals.decide([info.relative_path])
        self._decide(info)

    def _decide(self, info: ParquetFileInfo) -> None:
        self.backlog.done(info)
        self._forced.discard(info.relative_path)

    def _postponed(self, read: GroupRead) -> list[QuarantinedFile]:
        """Put transient failures off; those that have failed often enough to be reported."""
        reported: list[QuarantinedFile] = []
        vanished: list[str] = []
        for info, error in read.transient:
            path = info.relative_path
            if isinstance(error, (FileVanished, FileChanged)):
                self.backlog.drop(path)
                if isinstance(error, FileChanged):
                    self.look([info.path])
                if path not in self.backlog:
                    vanished.append(path)
            elif (row := self._refusals.postpone(info, error)) is not None:
                reported.append(row)
        if vanished:
            self.removals.vanish(vanished, self.backlog.files())
        return reported

    def _remove(self, leaving: frozenset[str]) -> list[str]:
        """Take files out of the index that a listing lacks; why they stay, if they do."""
        gone = {path for path in leaving if self.removals.is_gone(path)}
        update = self._survivors.complete(gone)
        if update is None:
            hindrance = self._survivors.hindrance
            files = counted(len(gone), "file that is gone stays", "files that are gone stay")
            return [f"{files} in the index: {hindrance}"]
        self._registration.apply(update)
        self.removals.leave()
        return []

    def _report(self, problems: list[str]) -> None:
        if problems and tuple(problems) != self.problems:
            log(STORAGE_DOUBTFUL, problems[0], problems=problems)
        self.problems = tuple(problems)
