"""Files that left their places: when their spans leave the index, and what is not known till then.

A listing proves that a file is gone; a hint only says that it is not where it was, and a listing
is wanted. A file that may have become another one leaves in the transaction that registers or
refuses that one, so that no moment lacks its spans (``discover.moves``).
"""

import math
from collections.abc import Collection, Iterable

from indexer.catalog.files import FileRegister
from indexer.discover.changes import Changes
from indexer.discover.moves import Moves, same_file
from indexer.discover.removal_rule import Judgement, RemovalRule
from indexer.errors import TransientError
from indexer.model import ParquetFileInfo, RootIdentity
from indexer.system.clock import Clock
from indexer.system.storage import LocalStorage

SWEEP_SHARE = 0.1
"""A listing that is only wanted because something vanished takes this share of the time at most."""


class Removals:
    """What left its place, since the last listing and by it."""

    def __init__(
        self,
        storage: LocalStorage,
        register: FileRegister,
        clock: Clock,
        *,
        accepted: bool = False,
    ) -> None:
        """``accepted`` says that the first listing is right whatever it lacks."""
        self._storage = storage
        self._register = register
        self._clock = clock
        self._rule = RemovalRule(register.root_identity, accepted=accepted)
        self._moves = Moves()
        self._vanished: set[str] = set()
        self._leaving: frozenset[str] = frozenset()
        self.sightings = 0
        """How often files were found to be gone."""
        self._not_before_s = -math.inf
        self._second_look_s = math.inf

    @property
    def pending(self) -> frozenset[str]:
        """Paths that are not what the index says of them, or whose files are somewhere unknown."""
        return self._moves.gone | self._leaving | frozenset(self._vanished)

    @property
    def listing_due_s(self) -> float:
        """Monotonic time from which a listing is wanted; infinity while none is."""
        wanted = self._not_before_s if self._vanished else math.inf
        return min(wanted, self._second_look_s)

    def is_of_another(self, root: RootIdentity | None) -> bool:
        """Whether the storage root is not the folder whose files are known: to be listed first."""
        return self._rule.is_of_another(root)

    def listed(
        self,
        changes: Changes,
        root: RootIdentity | None,
        *,
        settled: bool,
        began_s: float,
    ) -> tuple[Judgement, frozenset[str]]:
        """What a listing that began at ``began_s`` says, and the files that leave at once.

        ``settled`` says that the listing is of one moment. ``leave`` follows, once those files
        are out of the index. Raises CatalogWriteFailed.
        """
        now_s = self._clock.monotonic_s()
        self._not_before_s = now_s + (now_s - began_s) * (1 / SWEEP_SHARE - 1)
        registered = self._register.files
        judgement = self._rule.judge(changes, registered, root, now_s)
        self._second_look_s = judgement.look_again_at_s or math.inf
        self.sightings += bool(judgement.removed)
        self._moves.clear()
        gone = [registered[path] for path in sorted(judgement.removed)]
        self._moves.match(gone, changes.to_read)
        leaving = judgement.removed - self._moves.gone
        self._vanished = set() if settled else set(leaving)
        self._leaving = leaving if settled else frozenset()
        if judgement.root is not None:
            self._register.record_root(judgement.root)
        return judgement, self._leaving

    def leave(self) -> None:
        """The files that leave at once have left."""
        self._leaving = frozenset()

    def vanish(self, paths: Collection[str], waiting: Collection[ParquetFileInfo]) -> None:
        """Files are not, or not as they were, at these paths.

        ``waiting`` are those that are still to be read: one of them may be the same file.
        """
        self.sightings += 1
        for path in paths:
            self._vanished |= self._moves.give_up(path)
        files = self._register.files
        gone = {path: files[path] for path in paths if path in files}
        renamed = same_file(gone, waiting)
        if renamed:
            self._moves.match((gone[path] for path in renamed), waiting)
        self._vanished |= set(paths) - renamed

    def leaving_with(self, decided: Iterable[str]) -> set[str]:
        """Files that leave in the transaction in which these paths are decided."""
        return {path for path in self._moves.leaving_with(decided) if self.is_gone(path)}

    def decide(self, paths: Iterable[str]) -> None:
        """These paths are in the index, or will not be."""
        self._moves.decide(paths)

    def is_gone(self, path: str) -> bool:
        """Whether a file that a listing lacked is still not at its path, by its own name."""
        if path not in self._register.files:
            return False
        try:
            entry = self._storage.stat(path)
        except TransientError:
            return False
        # A link whose target goes by its own path again is not this file.
        return entry is None or entry.is_link or not self._storage.is_direct(path)
