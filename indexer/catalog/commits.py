"""Which commit a reader sees, known without a question to the database. Pure.

Commits of what no answer about spans rests on are not counted: see ``Catalog.transaction``.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from indexer.catalog.arriving_files import NO_FILES, ArrivingFiles
from indexer.catalog.recent_files import RecentFile, RecentFiles, after_commit

CHANGES_MAX = 256
"""Commits whose files are known: so many come between two questions in a few minutes."""


class Commits:
    """The commits of one open catalog, counted by its single writer; for any thread to look at.

    Two looks that find the same number have no commit between them: every statement in between has
    read the same state, each in a transaction of its own or all in one.
    """

    def __init__(self) -> None:
        self._count = 0
        """Odd while a commit is under way: who begins to read meanwhile may see it or not."""
        self._changed: tuple[tuple[int, frozenset[int] | None], ...] = ()
        """The last states, each with the files that its commit changed."""
        self._refused_since = 0
        """The last state whose commit may have changed which files are refused."""
        self.recent: RecentFiles = {}
        """Files that were registered last, with their rows, as of the present state or of one that
        comes next."""
        self.arriving: ArrivingFiles = NO_FILES
        """Files of the next commit, until it comes. Who looks at them, and then begins to read, has
        each of them: here or in the index."""

    @contextmanager
    def committing(
        self,
        files: Iterable[int] | None = None,
        registered: Sequence[RecentFile] = (),
        *,
        refusals: bool = True,
    ) -> Iterator[None]:
        """Around each commit, whether or not it succeeds.

        ``files`` are all those of which it adds, changes or removes anything, by number; None where
        it may be any. ``registered`` are the rows of those that it adds, where somebody may ask for
        them. ``refusals`` says whether it may change which files are refused.
        """
        changed = None if files is None else frozenset(files)
        recent: RecentFiles = {}
        self._count += 1
        try:
            yield
            recent = after_commit(self.recent, changed, registered)
        finally:
            self.recent = recent
            self.arriving = NO_FILES
            if refusals:
                self._refused_since = self._count + 1
            self._changed = (*self._changed[1 - CHANGES_MAX :], (self._count + 1, changed))
            self._count += 1

    def keeps_refused(self, before: int) -> bool:
        """Whether the same files are refused as in a state before."""
        return self._refused_since <= before

    def files_changed(self, before: int, after: int) -> frozenset[int] | None:
        """Files that are not the same in both states, by number; None where it may be any."""
        changed = [files for number, files in self._changed if before < number <= after]
        known = [files for files in changed if files is not None]
        is_whole = len(known) * 2 == after - before
        return frozenset().union(*known) if is_whole else None

    @property
    def number(self) -> int | None:
        """Of the state that a reader sees who begins now; None while a commit is under way."""
        count = self._count
        return None if count % 2 else count
