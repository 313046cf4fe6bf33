"""Whether files that a listing lacks are gone, or the listing is of another place. Pure.

It errs towards keeping: what stays in the index too long costs an answer that says it is not
complete, and what leaves it wrongly costs the spans.

- Below what could not be listed nothing is gone (``Changes.hidden``), nor where the folder is on
  another device than its files were (``Changes.elsewhere``).
- Of a root that is not the recorded folder, nothing is gone unless at least half of the known
  paths are in it: then it is the storage, restored or mounted anew, and is recorded.
- More than half of the files, and more than a few, vanish only after a second look.

An operator who knows better accepts the removals once, and then only the first holds.
"""

from collections.abc import Mapping

from indexer.deferred_dataclass import dataclass
from indexer.discover.changes import Changes
from indexer.discover.moves import same_file
from indexer.model import RegisteredFile, RootIdentity

FEW_FILES = 20
"""So many may vanish at once without a second look, whatever their share."""
SECOND_LOOK_S = 10.0
"""Time for a volume, a restore or a synchronisation that is under way to come back."""


_WAY_OUT = "mount the right one, or start once with --accept-removals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a listing says of the files that it lacks."""

    removed: frozenset[str]
    """Relative paths that are certainly gone."""
    problems: tuple[str, ...] = ()
    """Why others stay in the index."""
    root: RootIdentity | None = None
    """The root to be recorded."""
    look_again_at_s: float | None = None


class RemovalRule:
    """The rule with what it remembers: the recorded root, and since when many files are missing."""

    def __init__(self, recorded: RootIdentity | None, *, accepted: bool = False) -> None:
        self._recorded = recorded
        self._accepted = accepted
        self._missing_since_s: float | None = None

    def judge(
        self,
        changes: Changes,
        registered: Mapping[str, RegisteredFile],
        root: RootIdentity | None,
        now_s: float,
    ) -> Judgement:
        """What of ``changes`` may leave the index; ``root`` is the listed folder, None if none."""
        if root is None:
            return Judgement(removed=frozenset(), problems=_hidden(changes))
        if self._accepted:
            return self._accept(changes, root)
        moved = same_file({path: registered[path] for path in changes.removed}, changes.to_read)
        seen = len(registered) - len(changes.absent) + len(moved)
        if not self._is_known(root):
            if seen * 2 < len(registered):
                return _withheld(changes, _another_root(seen, len(registered)))
            self._recorded = root
        problems = _hidden(changes) + _elsewhere(changes)
        gone = len(changes.removed) - len(moved)
        if gone > FEW_FILES and gone * 2 > len(registered):
            return self._second_look(changes, root, gone, len(registered), now_s, problems)
        self._missing_since_s = None
        return Judgement(removed=frozenset(changes.removed), problems=problems, root=root)

    def is_of_another(self, root: RootIdentity | None) -> bool:
        """Whether this is a folder that no listing was judged of since another one was."""
        return root is not None and self._recorded is not None and not self._is_known(root)

    def _is_known(self, root: RootIdentity) -> bool:
        """By its inode: devices are numbered anew at each mount of some file systems."""
        return self._recorded is not None and self._recorded.inode == root.inode

    def _accept(self, changes: Changes, root: RootIdentity) -> Judgement:
        self._accepted = False
        self._recorded = root
        return Judgement(
            removed=frozenset((*changes.removed, *changes.elsewhere)),
            problems=_hidden(changes),
            root=root,
        )

    def _second_look(
        self,
        changes: Changes,
        root: RootIdentity,
        gone: int,
        total: int,
        now_s: float,
        problems: tuple[str, ...],
    ) -> Judgement:
        if self._missing_since_s is None:
            self._missing_since_s = now_s
        due_s = self._missing_since_s + SECOND_LOOK_S
        if now_s >= due_s:
            self._missing_since_s = None
            return Judgement(removed=frozenset(changes.removed), problems=problems, root=root)
        problem = (
            f"{gone:,} of {total:,} indexed files vanished at once; "
            f"they stay until a second look after {SECOND_LOOK_S:g} s"
        )
        return Judgement(
            removed=frozenset(),
            problems=(*problems, problem),
            root=root,
            look_again_at_s=due_s,
        )


def _withheld(changes: Changes, problem: str) -> Judgement:
    return Judgement(removed=frozenset(), problems=(problem, *_hidden(changes)))


def _another_root(seen: int, total: int) -> str:
    return (
        f"the storage root is another folder than the one that was indexed: it has {seen:,} of "
        f"{total:,} indexed files; {_WAY_OUT}"
    )


def _hidden(changes: Changes) -> tuple[str, ...]:
    """What could not be listed has said so itself; here, the indexed files that it hides."""
    if not changes.hidden:
        return ()
    return (f"{_count(changes.hidden)} where the storage cannot be listed",)


def _elsewhere(changes: Changes) -> tuple[str, ...]:
    if not changes.elsewhere:
        return ()
    where = "in a folder that is not on the device they were indexed from"
    return (f"{_count(changes.elsewhere)} {where}; {_WAY_OUT}",)


def _count(paths: tuple[str, ...]) -> str:
    return f"{len(paths):,} indexed files are not visible (first: {paths[0]})"
