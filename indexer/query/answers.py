"""The questions that commands and dashboards ask, over one source of connections.

The worker answers them beside its writer; a command answers them itself when no worker runs.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import field
from functools import partial
from typing import Any

from indexer.catalog.arriving_files import NO_FILES, ArrivingFiles
from indexer.catalog.totals import Totals
from indexer.catalog.trace_directory import TraceDirectory
from indexer.deferred_dataclass import dataclass
from indexer.hot.metadata import HotMetadata
from indexer.hot.view import HotView
from indexer.mastra.interruption import reads_within
from indexer.query.answer import IndexAnswer, ServicesAnswer, SpansAnswer
from indexer.query.catalog_moments import CatalogMoments
from indexer.query.cost import CostAccount
from indexer.query.deadline import Deadline
from indexer.query.find.absences import Absences
from indexer.query.find.span_query import SpanQuery
from indexer.query.find.trace_query import TraceQuery
from indexer.query.hot_handover import SpansApart
from indexer.query.index_alone import index_alone
from indexer.query.limits import ROWS_MAX, AnswerLimits
from indexer.query.lists import IndexList, list_rows
from indexer.query.moment import Moment, OpenAnswer
from indexer.query.service_list import add_spans, list_services, without_replaced
from indexer.query.span_cache import EncodedSpanCache
from indexer.query.stages import find_spans, show_spans
from indexer.query.tiers.all_tiers import open_tiers
from indexer.query.tiers.beside_index import beside_index
from indexer.query.tiers.hot_spans import AskHot, HotAnswer, ask_hot
from indexer.query.tiers.index_state import IndexMemory, IndexState, StateMoved
from indexer.query.tiers.published_spans import PublishedStore, published_spans
from indexer.query.tiers.tier import Query
from indexer.query.window import ANY_TIME, Window
from indexer.system.budget import ByteBudget, Reservation
from indexer.system.cached_storage import MustWait


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """``directory`` is the writer's, if there is one.

    Every question raises QueryTimedOut or QueryCancelled when its deadline says so, and
    AnswerOutOfMemory or CatalogUnavailable for what DuckDB cannot do at the moment.
    """

    moments: CatalogMoments
    directory: Callable[[], TraceDirectory | None] = lambda: None
    arriving: Callable[[], ArrivingFiles] = lambda: NO_FILES
    """Files of the writer's next commit."""
    hot: AskHot | None = None
    """Asks for the spans that are in no indexed file yet."""
    hot_at_once: Callable[[], HotView | None] = lambda: None
    """The same where there is nothing to wait for; None where there is."""
    published: PublishedStore | None = None
    """Where the spans are that Mastra applications have published."""
    limits: AnswerLimits = field(default_factory=AnswerLimits)
    absences: Absences = field(default_factory=Absences)
    """What searches have learnt of files, for the next."""
    memory: IndexMemory | None = None
    """What was learnt of the index since its last commit; None where nobody counts commits."""
    apart: SpansApart = field(default_factory=SpansApart)
    """Remembers which hot spans the index does not have."""
    budget: ByteBudget | None = None
    """Payload of all answers that are being made, together; None where there is one at a time."""

    def trace(
        self,
        asked: TraceQuery | str,
        deadline: Deadline | None = None,
        encoding: EncodedSpanCache | None = None,
        *,
        payload: bool = True,
    ) -> SpansAnswer:
        """One trace, or part of it, in order of start; without its payload no file is opened.

        With an ``encoding`` the answer has each span's encoded form instead of its payload.

        Raises InvalidId for an invalid trace ID, QueryTooLarge for one in too many files,
        QueriesBusy while answers in hand hold all the memory that they may, MustWait where the
        ``deadline`` says that it may not wait and something is not at hand.
        """
        query = TraceQuery.of(asked) if isinstance(asked, str) else asked
        return self._spans(query, deadline, encoding, payload=payload)

    def spans(
        self,
        query: SpanQuery,
        *,
        payload: bool = True,
        deadline: Deadline | None = None,
        encoding: EncodedSpanCache | None = None,
    ) -> SpansAnswer:
        """One page of a list of spans, newest first.

        With an ``encoding`` the answer has each span's encoded form instead of its payload.

        Raises QueryRefused for an attribute that is not promoted, QueryTooLarge for a page that
        would be read from too many files, QueriesBusy like ``trace``.
        """
        return self._spans(query, deadline, encoding, payload=payload)

    def services(
        self, deadline: Deadline | None = None, window: Window = ANY_TIME
    ) -> ServicesAnswer:
        """Every service with spans in the window, by name."""
        with self.open(deadline) as opened:
            services = list_services(opened.cursor, window)
            beside = beside_index(opened.tiers, window)
            services = without_replaced(opened.cursor, services, beside.replaced, window)
            return ServicesAnswer(
                services=add_spans(services, beside.added),
                completeness=opened.completeness(opened.tiers.hot_count),
                cost=opened.account.total(),
            )

    def index_alone(self, deadline: Deadline | None = None) -> IndexAnswer:
        """What the index alone says of itself, and what it lacks, for those who ask it by SQL.

        Ask before the catalog that is read then is as it is, so that what is flushed in between is
        seen at least once.
        """
        hot = self._ask_hot()
        with self.moments.moment(deadline) as moment:
            return index_alone(moment, hot, published_spans(self.published, None, moment.deadline))

    def are_apart(
        self, parts: Sequence[HotMetadata], state: Hashable, deadline: Deadline | None = None
    ) -> bool:
        """Whether the index has none of these hot spans, and no span is there twice.

        ``state`` is the same as before where no commit came since.
        """
        with self.moments.reading(deadline) as cursor:
            return self.apart.are_apart(parts, cursor, self.directory(), state)

    def rows(
        self, listed: IndexList, limit: int = ROWS_MAX, deadline: Deadline | None = None
    ) -> list[dict[str, Any]]:
        """A list of the index alone."""
        with self.moments.reading(deadline) as cursor:
            return list_rows(cursor, listed, min(limit, ROWS_MAX))

    def totals(self) -> Totals:
        """What the index holds, in numbers: for those who have no writer that keeps them."""
        with self.moments.reading() as cursor:
            return Totals.read(cursor)

    def _spans(
        self,
        query: Query,
        deadline: Deadline | None,
        encoding: EncodedSpanCache | None,
        *,
        payload: bool,
    ) -> SpansAnswer:
        """Found by statements one by one, if no commit comes meanwhile; else in one transaction."""
        deadline = deadline or Deadline()
        state = None if self.memory is None else self.memory.state()
        is_brief = _is_brief(query)
        if state is not None and is_brief:
            with suppress(StateMoved):
                if not deadline.may_wait:
                    return self._at_once(query, deadline, encoding, state, payload=payload)
                with self._open(deadline, query, state) as opened:
                    return _answer(opened, query, encoding, payload=payload)
        deadline.will_wait()
        with self._open(deadline, query, before=None if is_brief else state) as opened:
            return _answer(opened, query, encoding, payload=payload)

    def _at_once(
        self,
        query: Query,
        deadline: Deadline,
        encoding: EncodedSpanCache | None,
        state: IndexState,
        *,
        payload: bool,
    ) -> SpansAnswer:
        """The same without any statement, and so with nothing to interrupt. Raises MustWait."""
        hot = self._hot_at_once(query)
        arriving = self._arriving_for(query)
        with self.moments.guard(), self._reservation() as held:
            moment = self.moments.without_statements(deadline, state)
            opened = self._opened(moment, hot, query, arriving, state, held)
            return _answer(opened, query, encoding, payload=payload)

    @contextmanager
    def open(
        self, deadline: Deadline | None = None, query: Query | None = None
    ) -> Iterator[OpenAnswer]:
        """What one answer is made from; the tiers are opened for the question.

        What is hot is asked before the transaction begins. Raises like ``spans``.
        """
        with self._open(deadline or Deadline(), query) as opened:
            yield opened

    @contextmanager
    def _open(
        self,
        deadline: Deadline,
        query: Query | None,
        state: IndexState | None = None,
        before: IndexState | None = None,
    ) -> Iterator[OpenAnswer]:
        """The same; with a ``state`` there is no transaction, and ``Moment.confirm`` tells.

        ``before`` is the state of before the transaction, which is of it if no commit came since.
        """
        deadline.will_wait()
        hot = self._ask_hot()
        arriving = self._arriving_for(query)
        with (
            nullcontext() if self.published is None else reads_within(deadline.over),
            self.moments.moment(deadline, state) as moment,
            self._reservation() as held,
        ):
            if before is not None and before.is_current:
                state = before
            yield self._opened(moment, hot, query, arriving, state, held)

    def _arriving_for(self, query: Query | None) -> ArrivingFiles:
        return self.arriving() if isinstance(query, TraceQuery) else NO_FILES

    def _reservation(self) -> AbstractContextManager[Reservation | None]:
        """Of what all answers may hold together, until one is made."""
        return nullcontext() if self.budget is None else self.budget.reservation()

    def _opened(
        self,
        moment: Moment,
        hot: HotAnswer | None,
        query: Query | None,
        arriving: ArrivingFiles,
        state: IndexState | None,
        held: Reservation | None,
    ) -> OpenAnswer:
        account = CostAccount(limits=self.limits, held=held)
        tiers = open_tiers(
            moment.cursor,
            moment.storage,
            hot,
            query=query,
            directory=self.directory(),
            deadline=moment.deadline,
            account=account,
            absences=self.absences,
            published=published_spans(self.published, query, moment.deadline),
            state=state,
            arriving=arriving,
        )
        return OpenAnswer(moment=moment, hot=hot, tiers=tiers, account=account)

    def _ask_hot(self) -> HotAnswer | None:
        """Before a transaction begins: what leaves the hot tier meanwhile is seen in the index."""
        return None if self.hot is None else ask_hot(self.hot)

    def _hot_at_once(self, query: Query | None) -> HotAnswer | None:
        """The same. Raises MustWait also where a list has hot spans, all of which it looks at."""
        if self.hot is None:
            return None
        view = self.hot_at_once()
        if view is None or not (isinstance(query, TraceQuery) or not view.rows.count()):
            raise MustWait
        return ask_hot(lambda: view)


def _is_brief(query: Query) -> bool:
    """Whether finding its spans reads no file, and so is over before the next commit mostly."""
    return isinstance(query, TraceQuery) or not (query.asks_payload or query.llm)


def _answer(
    opened: OpenAnswer, query: Query, encoding: EncodedSpanCache | None, *, payload: bool
) -> SpansAnswer:
    """Raises StateMoved where a commit came while the spans were found."""
    tiers, account = opened.tiers, opened.account
    if isinstance(query, SpanQuery):
        query = opened.of_first_page(query)
    found = opened.moment.confirmed(partial(find_spans, query, tiers))
    shown = show_spans(query, found, tiers, account, payload=payload, encoding=encoding)
    hot_spans = [span.source.tier for span in shown.spans].count("hot")
    return SpansAnswer(
        spans=shown.spans,
        encoded=shown.encoded,
        altered=shown.altered,
        completeness=opened.completeness_of_page(query, hot_spans, shown.missing),
        cost=account.total(),
        trace_id=query.trace_id if isinstance(query, TraceQuery) else None,
        next_cursor=shown.next_cursor,
    )
