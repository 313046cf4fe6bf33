"""How a question begins its moment of the catalog: in one transaction, or without any.

A transaction costs more than a brief question's statements. These are asked one by one, or not at
all, as of a state of the index; ``Moment.confirmed`` tells whether it was the same throughout.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

import duckdb

from indexer.deferred_dataclass import dataclass
from indexer.model import Outstanding
from indexer.query.deadline import Deadline
from indexer.query.failures import states_as_errors
from indexer.query.lists import count_quarantined
from indexer.query.missing import Missing
from indexer.query.moment import Moment
from indexer.query.tiers.index_state import IndexState
from indexer.system.no_statements import no_statements
from indexer.system.storage import LocalStorage

_BEGIN_TRIES = 3
"""Of a transaction at a moment in which nothing is noticed; beyond, the answer says it lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogMoments:
    """``cursor`` opens a reader's connection; what fails inside is raised as ``Answers`` say."""

    cursor: Callable[[], duckdb.DuckDBPyConnection]
    storage: LocalStorage
    """Whose files the catalog is of."""
    give_back: Callable[[duckdb.DuckDBPyConnection], None] = lambda cursor: cursor.close()
    """Takes one that is in no transaction, for the next question."""
    outstanding: Callable[[], Outstanding | None] = lambda: None
    """What was seen of the storage and is not in the index yet; None where nobody watches."""
    doubts: Callable[[], tuple[Missing, ...]] = lambda: ()
    """What any answer may lack at the moment, whatever is asked."""
    guard: Callable[[], AbstractContextManager[None]] = nullcontext
    """Held while something is read: the catalog is not closed meanwhile."""

    @contextmanager
    def reading(self, deadline: Deadline | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """One connection in one transaction: an answer is of one moment, whatever is committed.

        What the directory is asked inside covers that moment.
        """
        with self.moment(deadline) as moment:
            yield moment.cursor

    @contextmanager
    def moment(
        self, deadline: Deadline | None = None, state: IndexState | None = None
    ) -> Iterator[Moment]:
        """The same, with what the answer knows of and cannot look into.

        With a ``state`` each statement is a transaction of its own.
        """
        deadline = deadline or Deadline()
        deadline.will_wait()
        with self.guard(), states_as_errors():
            cursor = self.cursor()
            is_free = False
            try:
                with deadline.over(cursor):
                    begun = self._begin(cursor) if state is None else self._look(state, cursor)
                    yield self._moment(cursor, deadline, begun, state)
                is_free = state is not None
            finally:
                if is_free:
                    self.give_back(cursor)
                else:
                    cursor.close()

    def without_statements(self, deadline: Deadline, state: IndexState) -> Moment:
        """One of which only what is at hand can be read. For those who hold ``guard``.

        Raises MustWait, now or when a statement is asked.
        """
        cursor = no_statements()
        return self._moment(cursor, deadline, self._look(state, cursor), state)

    def check(self) -> None:
        """Raises what keeps the catalog from answering; asks it for nothing that it holds."""
        with self.guard(), states_as_errors():
            cursor = self.cursor()
            try:
                cursor.execute("SELECT 1")
            finally:
                cursor.close()

    def _moment(
        self,
        cursor: duckdb.DuckDBPyConnection,
        deadline: Deadline,
        begun: tuple[Outstanding | None, tuple[int, int]],
        state: IndexState | None,
    ) -> Moment:
        outstanding, (refused, lost) = begun
        return Moment(
            cursor=cursor,
            deadline=deadline,
            storage=self.storage,
            outstanding=outstanding,
            files_quarantined=refused,
            files_lost=lost,
            doubts=self.doubts(),
            state=state,
            outstanding_now=self.outstanding,
        )

    def _look(
        self, state: IndexState, cursor: duckdb.DuckDBPyConnection
    ) -> tuple[Outstanding | None, tuple[int, int]]:
        """What ``_begin`` gives, as of a state that has to be confirmed."""
        outstanding = self.outstanding()
        counts = state.quarantined
        if counts is None:
            counts = count_quarantined(cursor)
            state.keep_quarantined(counts)
        return outstanding, counts

    def _begin(
        self, cursor: duckdb.DuckDBPyConnection
    ) -> tuple[Outstanding | None, tuple[int, int]]:
        """Begin a transaction whose moment the worker's knowledge is of.

        The statement that counts refused files is its first one, and fixes the moment. What is
        outstanding is asked before, because later a file could be in neither; and again after, in
        case several transactions, of which this one saw the first, worked off what was noticed
        in between.
        """
        before = self.outstanding()
        for _ in range(_BEGIN_TRIES):
            cursor.execute("BEGIN TRANSACTION")
            counts = count_quarantined(cursor)
            after = self.outstanding()
            if before is None or after is None or after.version == before.version:
                return before, counts
            cursor.execute("ROLLBACK")
            before = after
        cursor.execute("BEGIN TRANSACTION")
        unknown = None if before is None else replace(before, lacking=None)
        return unknown, count_quarantined(cursor)
