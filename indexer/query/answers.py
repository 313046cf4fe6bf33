"""The questions that commands and dashboards ask, over one source of connections.

The worker answers them beside its writer; a command answers them itself when no worker runs.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import duckdb

from indexer.catalog.totals import Totals
from indexer.catalog.trace_directory import TraceDirectory
from indexer.query import lists
from indexer.query.deadline import Deadline
from indexer.query.failures import states_as_errors
from indexer.query.find.span_query import SpanQuery
from indexer.query.find.trace import TraceQuery, find_trace
from indexer.query.limits import ROWS_MAX
from indexer.query.payload import AnswerLimits, Cost
from indexer.query.span_cache import EncodedSpanCache
from indexer.query.span_page import Sources, page
from indexer.query.tiers import AskHot, consult, whole_services, whole_trace
from indexer.query.window import WHENEVER, Window
from indexer.system.budget import ByteBudget
from indexer.system.storage import LocalStorage


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """``cursor`` opens a reader's connection; ``directory`` is the writer's, if there is one.

    Every question raises QueryTimedOut or QueryCancelled when its deadline says so, and
    AnswerOutOfMemory or CatalogUnavailable for what DuckDB cannot do at the moment.
    """

    cursor: Callable[[], duckdb.DuckDBPyConnection]
    storage: LocalStorage
    directory: Callable[[], TraceDirectory | None] = lambda: None
    pending: Callable[[], int | None] = lambda: None
    """Files that were seen and are not in the index yet; None where nobody watches."""
    hot: AskHot | None = None
    """Asks for the spans that are in no indexed file yet."""
    guard: Callable[[], AbstractContextManager[None]] = nullcontext
    """Held while something is read: the catalog is not closed meanwhile."""
    limits: AnswerLimits = field(default_factory=AnswerLimits)
    budget: ByteBudget | None = None
    """Payload of all answers that are being made, together; None where there is one at a time."""

    def trace(
        self,
        asked: TraceQuery | str,
        deadline: Deadline | None = None,
        form: EncodedSpanCache | None = None,
    ) -> dict[str, Any]:
        """One trace, or part of it, with its payload, in order of start.

        With a ``form`` each span has its ``shown``, and its payload only where it had to be read.

        Raises InvalidId for an invalid trace ID, QueryTooLarge for one in too many files,
        QueriesBusy while answers in hand hold all the memory that they may.
        """
        asked = TraceQuery.of(asked) if isinstance(asked, str) else asked
        hot = consult(self.hot)
        with self._transaction(deadline) as (cursor, behind), self._spending() as cost:
            cold = find_trace(
                cursor,
                self.storage,
                asked,
                directory=self.directory(),
                deadline=deadline,
                form=form,
                cost=cost,
            )
            answer = whole_trace(cursor, self.storage, cold, hot, asked)
            if form is not None:
                form.rest(answer["spans"])
            return {**answer, **behind}

    def spans(
        self,
        query: SpanQuery,
        *,
        payload: bool = True,
        deadline: Deadline | None = None,
        form: EncodedSpanCache | None = None,
    ) -> dict[str, Any]:
        """One page of a list of spans, newest first.

        With a ``form`` each span has its ``shown``, and its payload only where it had to be read.

        Raises QueryRefused for an attribute that is not promoted, QueryTooLarge for a page that
        would be read from too many files.
        """
        hot = consult(self.hot)
        with self._transaction(deadline) as (cursor, behind), self._spending() as cost:
            sources = Sources(
                cursor=cursor,
                storage=self.storage,
                hot=hot,
                deadline=deadline or Deadline(),
                directory=self.directory(),
                cost=cost,
            )
            answer = page(sources, query, payload=payload, form=form)
            return {**answer, **behind}

    def services(
        self, deadline: Deadline | None = None, window: Window = WHENEVER
    ) -> dict[str, Any]:
        """Every service with spans in the window, by name."""
        hot = consult(self.hot)
        with self._transaction(deadline) as (cursor, behind):
            cold = lists.list_services(cursor, window)
            answer = whole_services(cursor, self.storage, cold, hot, window)
            return {**answer, **behind}

    def files(
        self, limit: int = ROWS_MAX, deadline: Deadline | None = None
    ) -> list[dict[str, Any]]:
        """Indexed files, newest first."""
        with self.reading(deadline) as cursor:
            return lists.list_files(cursor, min(limit, ROWS_MAX))

    def quarantine(
        self, limit: int = ROWS_MAX, deadline: Deadline | None = None
    ) -> list[dict[str, Any]]:
        """Refused files, latest first."""
        with self.reading(deadline) as cursor:
            return lists.list_quarantine(cursor, min(limit, ROWS_MAX))

    def totals(self) -> Totals:
        """What the index holds, in numbers: for those who have no writer that keeps them."""
        with self.reading() as cursor:
            return Totals.read(cursor)

    def check(self) -> None:
        """Raises what keeps the catalog from answering; asks it for nothing that it holds."""
        with self.guard(), states_as_errors():
            cursor = self.cursor()
            try:
                cursor.execute("SELECT 1")
            finally:
                cursor.close()

    @contextmanager
    def _spending(self) -> Iterator[Cost]:
        """The account of one answer, whose payload is held against the budget until it is made."""
        if self.budget is None:
            yield Cost(limits=self.limits)
            return
        with self.budget.reservation() as held:
            yield Cost(limits=self.limits, held=held)

    @contextmanager
    def reading(self, deadline: Deadline | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """One connection in one transaction: an answer is of one moment, whatever is committed.

        What the directory is asked inside covers that moment.
        """
        with self._transaction(deadline) as (cursor, _):
            yield cursor

    @contextmanager
    def _transaction(
        self, deadline: Deadline | None
    ) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, Any]]]:
        """The same, with how many files the answer knows of and cannot look into.

        The statement that counts them is the first one, and fixes the moment.
        """
        with self.guard(), states_as_errors():
            cursor = self.cursor()
            try:
                with (deadline or Deadline()).over(cursor):
                    pending = self.pending()  # later, a file could be in neither
                    cursor.execute("BEGIN TRANSACTION")
                    quarantined = lists.count_quarantined(cursor)
                    yield cursor, {"files_pending": pending, "files_quarantined": quarantined}
            finally:
                cursor.close()
