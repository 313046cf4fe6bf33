"""Which commit a reader sees, known without a question to the database. Pure.

Commits of what no answer about spans rests on are not counted: see ``Catalog.transaction``.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

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

    @contextmanager
    def committing(self, files: Iterable[int] | None = None) -> Iterator[None]:
        """Around each commit, whether or not it succeeds.

        ``files`` are all those of which it adds, changes or removes anything, by number; None where
        it may be any.
        """
        changed = None if files is None else frozenset(files)
        self._count += 1
        try:
            yield
        finally:
            self._changed = (*self._changed[1 - CHANGES_MAX :], (self._count + 1, changed))
            self._count += 1

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
