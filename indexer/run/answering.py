"""What a worker answers from, what an answer may cost, and what answers remember of the index."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import duckdb

from indexer.errors import QueriesBusy
from indexer.query.answers import Answers
from indexer.query.catalog_moments import CatalogMoments
from indexer.query.find.absences import Absences
from indexer.query.missing import INDEX_STALLED, Missing
from indexer.query.tiers.index_state import IndexMemory
from indexer.run.heartbeat import Heartbeat
from indexer.run.open_index import OpenIndex
from indexer.settings import Settings
from indexer.spans.key_summary import FileKeySummary
from indexer.system.budget import ByteBudget
from indexer.system.storage import LocalStorage
from indexer.system.usage import Usage

if TYPE_CHECKING:  # few workers have them
    from indexer.run.hot_tier import HotTier
    from indexer.run.mastra_store import MastraStore


class Answering:
    """Of one worker, whose catalog may be opened anew, and its storage with it."""

    def __init__(
        self,
        settings: Settings,
        index: OpenIndex,
        heartbeat: Heartbeat,
        *,
        learnt: Callable[[FileKeySummary], None],
        hot: "HotTier | None",
        mastra: "MastraStore | None",
    ) -> None:
        """``learnt`` takes what searches have learnt of a file, for the catalog."""
        self._index = index
        self._heartbeat = heartbeat
        self._hot = hot
        self._mastra = mastra
        self._limits = settings.answer_limits
        self._budget = ByteBudget(settings.bytes_of("answers_bytes_max"), busy=QueriesBusy)
        self._absences = Absences(settings.bytes_of("search_cache_bytes"), keep=learnt)
        self._memory = IndexMemory(
            index.commits, rows_bytes_max=settings.bytes_of("row_cache_bytes")
        )
        self._answers: Answers | None = None

    @property
    def answers(self) -> Answers:
        """The questions of commands and dashboards, over readers' connections."""
        storage = self._index.pipeline.storage
        if self._answers is None or self._answers.moments.storage is not storage:
            self._answers = self._answers_of(storage)
        return self._answers

    @property
    def usage(self) -> Usage:
        """Of payload that all answers in hand hold together."""
        return self._budget.usage

    def reading(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A reader's connection to the catalog as it is open now."""
        return self.answers.moments.reading()

    def _answers_of(self, storage: LocalStorage) -> Answers:
        index, hot = self._index, self._hot
        return Answers(
            moments=CatalogMoments(
                cursor=index.cursor,
                give_back=index.give_back,
                storage=storage,
                outstanding=index.outstanding,
                doubts=self._doubts,
                guard=index.readers.reading,
            ),
            directory=lambda: index.pipeline.register.directory,
            arriving=lambda: index.commits().arriving,
            hot=None if hot is None else hot.ask,
            hot_at_once=(lambda: None) if hot is None else hot.ask_at_once,
            published=None if self._mastra is None else self._mastra.otel_spans,
            limits=self._limits,
            budget=self._budget,
            absences=self._absences,
            memory=self._memory,
        )

    def _doubts(self) -> tuple[Missing, ...]:
        problem = self._heartbeat.problem
        return (Missing(reason=INDEX_STALLED, detail=problem),) if problem else ()
