"""What one answer is made from: a state of the index, what is hot, the tiers, its account."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

import duckdb

from indexer.deferred_dataclass import dataclass
from indexer.model import Outstanding
from indexer.query.answer import Completeness, HotShare
from indexer.query.cost import CostAccount
from indexer.query.deadline import Deadline
from indexer.query.find.span_query import SpanQuery
from indexer.query.missing import Missing
from indexer.query.missing_files import missing_files
from indexer.query.tiers.all_tiers import AllTiers
from indexer.query.tiers.hot_spans import HotAnswer
from indexer.query.tiers.index_state import IndexState, StateMoved
from indexer.query.tiers.tier import Query
from indexer.system.storage import LocalStorage

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One state of the catalog, and what its answers cannot look into.

    A transaction has one; without it statements have the same one as long as no commit comes.
    """

    cursor: duckdb.DuckDBPyConnection
    deadline: Deadline
    storage: LocalStorage
    outstanding: Outstanding | None
    """What the worker knows of and this transaction may not have; None where nobody watches."""
    files_quarantined: int
    files_lost: int
    """Of these, the ones whose spans were in the index before."""
    doubts: tuple[Missing, ...] = ()
    state: IndexState | None = None
    """Where there is no transaction: what is read has to be of this one."""
    outstanding_now: Callable[[], Outstanding | None] = lambda: None

    def confirmed(self, read: Callable[[], T]) -> T:
        """What is read, all of one state, and of what was outstanding then.

        Raises StateMoved where it may not be; what failed meanwhile may have failed for that.
        """
        try:
            found = read()
        except Exception as error:
            if self._has_moved:
                raise StateMoved from error
            raise
        if self._has_moved:
            raise StateMoved
        return found

    @property
    def _has_moved(self) -> bool:
        if self.state is None:
            return False
        now, before = self.outstanding_now(), self.outstanding
        is_same = now is None or before is None or now.version == before.version
        return not (is_same and self.state.is_current)

    def completeness(
        self,
        hot: HotAnswer | None,
        hot_spans: int,
        missing: Iterable[Missing],
        recent_paths: tuple[str, ...] = (),
    ) -> Completeness:
        """What an answer of this moment says of itself, with the recent files that it has."""
        view = None if hot is None else hot.view
        share = None
        if hot is not None:
            share = HotShare(source=None if view is None else view.source, spans=hot_spans)
        return Completeness(
            missing=(
                *missing,
                *self.doubts,
                *(() if hot is None else hot.missing),
                *missing_files(self.storage, self.outstanding, recent_paths, self.files_lost),
            ),
            as_of_unix_nano=None if view is None else view.as_of_unix_nano,
            hot=share,
            recent_files=recent_paths,
            files_pending=None if self.outstanding is None else self.outstanding.files,
            files_quarantined=self.files_quarantined,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAnswer:
    """An answer that is being made, inside its transaction."""

    moment: Moment
    hot: HotAnswer | None
    """What the hot tier said before; None without one."""
    tiers: AllTiers
    account: CostAccount

    @property
    def cursor(self) -> duckdb.DuckDBPyConnection:
        """The connection of the transaction."""
        return self.moment.cursor

    def of_first_page(self, query: SpanQuery) -> SpanQuery:
        """The query with the moment of its list: that of this answer on the first page."""
        view = None if self.hot is None else self.hot.view
        if view is None or query.after is not None:
            return query
        return replace(query, as_of_unix_nano=view.as_of_unix_nano)

    def completeness_of_page(
        self, query: Query, hot_spans: int, missing: Iterable[Missing]
    ) -> Completeness:
        """What a page says of itself: as of the moment of its list's first page."""
        found = self.completeness_of(hot_spans, missing)
        first = query.as_of_unix_nano if isinstance(query, SpanQuery) else None
        if found.as_of_unix_nano is None or first is None:
            return found
        return replace(found, as_of_unix_nano=min(first, found.as_of_unix_nano))

    def completeness(self, hot_spans: int, missing: Iterable[Missing] = ()) -> Completeness:
        """What an answer over all spans says of itself, with recent files that were not read."""
        return self.completeness_of(hot_spans, (*self.tiers.missing, *missing))

    def completeness_of(self, hot_spans: int, missing: Iterable[Missing]) -> Completeness:
        """The same of one whose tiers have said what they lack of it."""
        return self.moment.completeness(self.hot, hot_spans, missing, self.tiers.recent_paths)
