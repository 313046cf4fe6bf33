"""Every tier of one answer, and the order that loses nothing.

What is hot is asked first and the index after it, so that a span that is flushed while the question
is answered is seen at least once; what is seen twice is dropped by ``merge``, cold wins. Files that
the hot tier names and this transaction does not have are read directly, and those whose commit
comes are in memory.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial

import duckdb

from indexer.catalog.arriving_files import NO_FILES, ArrivingFiles
from indexer.catalog.trace_directory import TraceDirectory
from indexer.deferred_dataclass import dataclass
from indexer.query.cost import CostAccount
from indexer.query.deadline import Deadline
from indexer.query.find.absences import Absences
from indexer.query.find.already_indexed import known_files
from indexer.query.find.llm_traces import LlmTraces
from indexer.query.find.promoted_keys import keys_of_query
from indexer.query.find.span_query import SpanQuery
from indexer.query.missing import Missing
from indexer.query.tiers.hot_spans import HotAnswer, HotSpans
from indexer.query.tiers.index_state import IndexState
from indexer.query.tiers.indexed_files import IndexedFiles
from indexer.query.tiers.published_spans import PublishedSpans
from indexer.query.tiers.recent_files import RecentFiles, read_recent_files, with_arriving
from indexer.query.tiers.replaced_spans import without_replaced
from indexer.query.tiers.tier import Candidates, Query, Tier
from indexer.query.tiers.unindexed_spans import UnindexedSpans, every_span, llm_traces_of
from indexer.spans.attributes import tells_llm_calls
from indexer.system.storage import LocalStorage


@dataclass(frozen=True, slots=True, kw_only=True)
class AllTiers:
    """The tiers as of one transaction; no recent and no hot ones without a hot tier's answer."""

    indexed: IndexedFiles
    recent: RecentFiles
    hot: HotSpans | None = None
    published: PublishedSpans | None = None
    """Its records replace what the others have of their spans; None without a Mastra store."""
    recent_paths: tuple[str, ...] = ()
    """Files that are flushed and not indexed, newest first, whether or not they can be read."""

    @property
    def coldest_first(self) -> Sequence[Tier]:
        """Of two copies of a span that of the first tier counts."""
        published = [] if self.published is None else [self.published]
        return [*published, self.indexed, self.recent, *([] if self.hot is None else [self.hot])]

    @property
    def unindexed(self) -> Sequence[UnindexedSpans]:
        """Everything that is not in the index, source by source; hot spans are all decoded.

        Published spans are the first source, and may be in the index as well.
        """
        published = [] if self.published is None else [self.published.spans]
        hot = [] if self.hot is None else [self.hot.all_spans()]
        return [*published, *self.recent.files, *hot]

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What the tiers lack, whatever the question is."""
        published = () if self.published is None else self.published.missing
        return (*published, *self.recent.missing)

    @property
    def hot_count(self) -> int:
        """Hot spans that are looked at."""
        return 0 if self.hot is None else len(self.hot.all_spans().columns)

    def candidates(self, query: Query, llm: LlmTraces | None) -> list[Candidates]:
        """What each tier has of the question, the coldest first, and a span in one of them."""
        if self.published is None:
            return [tier.candidates(query, llm) for tier in self.coldest_first]
        published = self.published.candidates(query, llm)
        indexed = without_replaced(self.indexed, query, llm, self.published, published.spans)
        others: list[Tier] = [self.recent, *([] if self.hot is None else [self.hot])]
        return [published, indexed, *(tier.candidates(query, llm) for tier in others)]

    def llm_traces(self, query: Query) -> tuple[LlmTraces | None, tuple[Missing, ...]]:
        """Which traces have an LLM call, for a question that is of those alone.

        And which files could not be asked.
        """
        if not (isinstance(query, SpanQuery) and query.llm):
            return None, ()
        keys = {key: at for key, at in self.indexed.keys.items() if tells_llm_calls(key)}
        service = query.service if query.llm_in_service else None
        unindexed, missing = llm_traces_of(self.unindexed, list(keys), service)
        llm = LlmTraces(
            cursor=self.indexed.cursor,
            directory=self.indexed.directory,
            unindexed=unindexed,
            service=service,
            keys=keys,
        )
        return llm, missing


def open_tiers(
    cursor: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    hot: HotAnswer | None,
    *,
    query: Query | None = None,
    directory: TraceDirectory | None = None,
    deadline: Deadline | None = None,
    account: CostAccount | None = None,
    absences: Absences | None = None,
    published: PublishedSpans | None = None,
    state: IndexState | None = None,
    arriving: ArrivingFiles = NO_FILES,
) -> AllTiers:
    """Open what the transaction's answer is made from, for a question; recent files are read.

    ``directory`` is the writer's, ``state`` what is known of the index, and ``arriving`` was
    looked at before the index. Raises QueryRefused for an attribute that is not promoted.
    """
    deadline = deadline or Deadline()
    account = account or CostAccount()
    keys = keys_of_query(cursor, query) if isinstance(query, SpanQuery) else {}
    paths = unknown_files(cursor, storage, hot, keys.values(), state)
    come = _not_indexed(cursor, storage, arriving, state)
    others = [path for path in paths if storage.relative(path) not in come]
    recent = read_recent_files(storage, others, account=account, deadline=deadline)
    if come:
        recent = with_arriving(recent, come.values(), account)
    narrow: Callable[[UnindexedSpans], UnindexedSpans] = every_span
    if published is not None:
        narrow = published.without_replaced
        recent = replace(recent, files=tuple(map(narrow, recent.files)))
    relative = [storage.relative(one.source.path) for one in recent.files if one.source.path]
    return AllTiers(
        indexed=IndexedFiles(
            cursor=cursor,
            storage=storage,
            deadline=deadline,
            directory=directory,
            keys=keys,
            limits=account.limits,
            account=account,
            absences=Absences() if absences is None else absences,
            read_directly=[path for path in relative if path],
            state=state,
        ),
        recent=recent,
        published=published,
        hot=None
        if hot is None or hot.view is None
        else HotSpans(view=hot.view, narrow=narrow, deadline=deadline),
        recent_paths=(*(one.file_path for one in come.values()), *others),
    )


def _not_indexed(
    cursor: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    arriving: ArrivingFiles,
    state: IndexState | None,
) -> ArrivingFiles:
    """Those of them that the transaction does not have; in a ``state`` that is none of them."""
    if state is not None or not arriving:
        return arriving
    known = known_files(cursor, storage, [one.file_path for one in arriving.values()])
    return {at: one for at, one in arriving.items() if not known(one.file_path)}


def unknown_files(
    cursor: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    hot: HotAnswer | None,
    key_ids: Collection[int] = (),
    state: IndexState | None = None,
) -> list[str]:
    """Recent files that this transaction does not have, or not with these promoted attributes.

    Newest first. A state knows of files, and is not another one once attributes are recorded.
    """
    if hot is None or hot.view is None or not hot.view.recent_files:
        return []
    fetch = None if state is None or key_ids else partial(state.fetch, cursor)
    known = known_files(cursor, storage, hot.view.recent_files, key_ids, fetch)
    return [path for path in hot.view.recent_files if not known(path)]
