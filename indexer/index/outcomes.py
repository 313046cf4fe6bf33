"""What becomes of files that were read: registered, refused, put off, or found to be gone.

Those that moved leave their old places in the same transaction, and a file that this program
cannot register costs no other file its place.
"""

import time
from collections.abc import Callable, Sequence

from indexer.catalog.catalog_update import CatalogUpdate
from indexer.catalog.files import FileRegister
from indexer.discover.backlog import Backlog
from indexer.errors import FileChanged, FileFault, FileVanished, IndexerError
from indexer.index.racy_files import Recheck
from indexer.index.read_ahead import Read
from indexer.index.refusals import Refusals
from indexer.index.registration import Registration
from indexer.index.removals import Removals
from indexer.index.scan_checks import ASKED_S
from indexer.index.sightings import Sightings
from indexer.index.surviving_copies import SurvivingCopies
from indexer.model import ParquetFileInfo, QuarantinedFile
from indexer.read.group import GroupRead
from indexer.system.storage import display_path
from indexer.telemetry.log import FILE_FAULT, log_fault

GIVE_WAY_S = 0.005
"""A file waits so long for its commit where somebody asks. Measured from rename to answered, with a
question every two milliseconds: 17.6 ms without, 15.9 at 3 ms, 14.0 at 5."""


class Outcomes:
    """Settles the files of one backlog."""

    def __init__(
        self,
        register: FileRegister,
        backlog: Backlog,
        *,
        sightings: Sightings,
        recheck: Recheck,
        removals: Removals,
        refusals: Refusals,
        survivors: SurvivingCopies,
        registration: Registration,
        read: Read,
        idle_s: Callable[[], float],
    ) -> None:
        """``idle_s`` says for how long nobody has asked."""
        self._register = register
        self._backlog = backlog
        self._sightings = sightings
        self._recheck = recheck
        self._removals = removals
        self._refusals = refusals
        self._survivors = survivors
        self._registration = registration
        self._read = read
        self._idle_s = idle_s

    def settle(self, read: GroupRead) -> None:
        """Register what was read, with the files that moved there, and settle what was not.

        Raises CatalogWriteFailed; the files in hand come back with the next sweep.
        """
        refused = self._refusals.standing(read.refused) + self._postponed(read)
        decided = {file.info.relative_path for one in read.batches for file in one.files}
        decided |= {
            info.relative_path
            for info, _ in read.refused
            if info.relative_path in self._backlog.in_hand
        }
        reported = {file.relative_path for file in refused}
        leaving = self._removals.leaving_with(decided | reported)
        update = self._survivors.complete(leaving, read.batches, refused)
        if update is None:
            for info in read.taken:
                self._refusals.put_off(info, self._survivors.hindrance)
            return
        with self._register.arriving(read.batches, self._new_files(read)) as are_answered:
            if are_answered:
                self._give_way(read)
            fault = self._fault_of(update)
        if fault is not None:
            self._isolate(read.taken, fault)
            return
        self._removals.decide(decided | reported)
        for info in read.taken:
            if info.relative_path in decided:
                self._sightings.decided(info)
        for file in (file for one in read.batches for file in one.files):
            self._recheck.mark(file.info)

    def _new_files(self, read: GroupRead) -> frozenset[str]:
        """Those that are in the index in no form, and were not seen otherwise since they were read.

        Nothing else is noticed before the commit: hints are looked at by the thread that commits.
        """
        otherwise = (self._register.files, self._backlog.ready, self._removals.pending)
        paths = (file.info.relative_path for one in read.batches for file in one.files)
        return frozenset(path for path in paths if not any(path in one for one in otherwise))

    def _give_way(self, read: GroupRead) -> None:
        """Let who asks for these files have the interpreter, where no other file waits.

        They are answered from already, and a commit beside them takes three times as long to
        answer.
        """
        waits = self._backlog.ready or len(self._backlog.in_hand) > len(read.taken)
        if not waits and self._idle_s() < ASKED_S:
            time.sleep(GIVE_WAY_S)

    def _fault_of(self, update: CatalogUpdate) -> Exception | None:
        """Apply the update; the fault of this program that kept it from that."""
        try:
            self._registration.apply(update)
        except IndexerError:
            raise
        except Exception as fault:  # noqa: BLE001 - logged; no file costs others their place
            self._register.load()
            return fault
        return None

    def _isolate(self, taken: Sequence[ParquetFileInfo], fault: Exception) -> None:
        """One of these files cannot be registered: each goes by itself, that one is refused."""
        if len(taken) > 1:
            for info in taken:
                self.settle(self._read([info]))
            return
        (info,) = taken
        path = display_path(info.relative_path)
        reason = f"it cannot be registered: {type(fault).__name__}: {fault}"
        log_fault(FILE_FAULT, f"{path}: {reason}", fault)
        refusal = self._refusals.refuse(info, FileFault(reason, path=path))
        self._registration.apply(CatalogUpdate(refused=[refusal]))
        self._removals.decide([info.relative_path])
        self._sightings.decided(info)

    def _postponed(self, read: GroupRead) -> list[QuarantinedFile]:
        """Put transient failures off; those that have failed often enough to be reported."""
        reported: list[QuarantinedFile] = []
        vanished: list[str] = []
        for info, error in read.transient:
            path = info.relative_path
            if isinstance(error, (FileVanished, FileChanged)):
                self._backlog.drop(path)
                if isinstance(error, FileChanged):
                    self._sightings.look([info.path])
                if path not in self._backlog:
                    vanished.append(path)
            elif (row := self._refusals.postpone(info, error)) is not None:
                reported.append(row)
        if vanished:
            self._removals.vanish(vanished, self._backlog.files())
        return reported
