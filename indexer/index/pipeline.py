"""The index path, composed: discover -> read -> register, one synchronous step at a time.

The worker, the one-shot run, the rebuild and the simulation all drive this. It owns no thread
but its readers, and no decision that a stage could make: it only passes values on.

    sweep   list the storage, compare, remove what is gone, queue what is new
    look    queue what a hint points to
    drain   read and register until nothing is ready, reading ahead of the writer

``promotion`` is the second pass, over what is registered, and ``scan_checks`` the third.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from indexer.catalog.catalog_update import CatalogUpdate
from indexer.catalog.files import FileRegister
from indexer.discover.backlog import Backlog
from indexer.discover.changes import Changes, compare
from indexer.discover.listing import Walk
from indexer.index.crash_notes import CrashNotes
from indexer.index.new_files import NewFiles
from indexer.index.outcomes import Outcomes
from indexer.index.promotion import Promotion
from indexer.index.racy_files import Recheck
from indexer.index.read_ahead import ReadAhead
from indexer.index.refusals import Refusals
from indexer.index.registration import Registration
from indexer.index.removals import Removals
from indexer.index.scan_checks import ScanChecks
from indexer.index.sightings import Sightings
from indexer.index.surviving_copies import SurvivingCopies
from indexer.model import Limits, Listing, Outstanding, ParquetFileInfo, Progress
from indexer.read.group import GroupRead, read_group
from indexer.system.clock import Clock
from indexer.system.counted_nouns import counted
from indexer.system.storage import LocalStorage, display_path
from indexer.telemetry.log import STORAGE_DOUBTFUL, SWEEP_DONE, log

LACKING_MAX = 1_000
"""Files that are named one by one as not indexed yet; an answer reads far fewer of them itself."""
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
        self._is_listed = False
        self.new_files = NewFiles(storage, register, clock)
        self.promotion = Promotion(storage, register, clock, limits, self.progress, self._notes)
        self.scan_checks = ScanChecks(storage, register, clock, idle_s)
        self.removals = Removals(storage, register, clock, accepted=accept_removals)
        self._recheck = Recheck(storage, register, clock)
        self._registration = Registration(register, clock, self.progress, self._registered)
        self._sightings = Sightings(
            storage, register, self.backlog, self.removals, self._recheck, self._registration
        )
        refusals = Refusals(self.backlog, clock, root=storage.root, settle_s=limits.settle_s)
        self._survivors = SurvivingCopies(storage, register, self.backlog, refusals, self._read)
        self._outcomes = Outcomes(
            register,
            self.backlog,
            sightings=self._sightings,
            recheck=self._recheck,
            removals=self.removals,
            refusals=refusals,
            survivors=self._survivors,
            registration=self._registration,
            read=self._read,
            idle_s=idle_s,
        )
        self._readers = ThreadPoolExecutor(limits.readers, thread_name_prefix="reader")
        self._ahead = ReadAhead(
            self.backlog, limits, clock, self._readers, self._read, self._sightings.is_known
        )

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
        self._sightings.settle_identity(self._recheck.compare(changes.relocated))
        problems += self._remove(leaving)
        self._report(problems)
        self._is_listed = True
        if not problems:
            self.new_files.listed(began_unix_nano, root)
        self.wake()
        swept = counted(len(listing.files), "file")
        log(SWEEP_DONE, f"swept {swept}, {len(self.backlog):,} to read")

    def look(self, paths: Iterable[str]) -> None:
        """Follow hints: absolute paths where something may have happened."""
        self._sightings.look(paths)

    def drain(self, stop: Callable[[], bool], between: Callable[[], None] | None = None) -> None:
        """Read and register, newest first, until nothing is ready or ``stop`` says so.

        ``between`` runs after every transaction: the worker absorbs hints there. Raises
        CatalogWriteFailed; the files in hand come back with the next sweep.
        """
        try:
            while (read := self._ahead.next_transaction(stop)).taken:
                self._outcomes.settle(read)
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
        self._sightings.settle_identity(self._recheck.look())

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
