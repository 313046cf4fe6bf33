"""Which commit a reader sees, known without a question to the database. Pure.

Commits of what no answer about spans rests on are not counted: see ``Catalog.transaction``.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class Commits:
    """The commits of one open catalog, counted by its single writer; for any thread to look at.

    Two looks that find the same number have no commit between them: every statement in between has
    read the same state, each in a transaction of its own or all in one.
    """

    def __init__(self) -> None:
        self._count = 0
        """Odd while a commit is under way: who begins to read meanwhile may see it or not."""

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Around each commit, whether or not it succeeds."""
        self._count += 1
        try:
            yield
        finally:
            self._count += 1

    @property
    def number(self) -> int | None:
        """Of the state that a reader sees who begins now; None while a commit is under way."""
        count = self._count
        return None if count % 2 else count
