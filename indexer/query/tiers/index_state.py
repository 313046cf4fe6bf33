"""What answers have learnt of the index as it is since its last commit, kept until the next one.

Between two commits the same statement has the same result. Dashboards ask for the same lists again
and again. What is known of single files outlives commits that leave them as they are.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

import duckdb

from indexer.catalog.commits import Commits
from indexer.catalog.recent_files import RecentFile, RecentFiles
from indexer.deferred_dataclass import dataclass
from indexer.query.find.newest_rows import NewestRows
from indexer.query.find.span_query import SpanQuery
from indexer.query.find.trace_rows import TraceRows
from indexer.query.span import DataFile
from indexer.query.tiers.kept_files import ROWS_BYTES_MAX, KeptFiles
from indexer.query.tiers.tier import Candidates

PAGE_SPANS_MAX = 20_000
"""Of all kept pages of lists together, some 400 bytes each; a longer page is not kept."""
PAGE_ENTRY_SPANS = 4
"""What a page takes beside its spans, in spans."""

Rows = Sequence[tuple[Any, ...]]
FETCHED_ROWS_MAX = 10_000
"""Of all kept results of statements about files and keys together."""
_ROW_BYTES = 150
"""What one takes, about: a statement counts as so many rows as it is long."""

PageKey = tuple[SpanQuery, tuple[str, ...]]
"""A list from its beginning or its cursor on, and the files whose attributes are read directly."""


class StateMoved(Exception):
    """A commit came while an answer was found without a transaction. Never leaves ``query``."""


@dataclass(slots=True)
class IndexState:
    """One state of the index. What is learnt while it was replaced is not kept."""

    commits: Commits
    number: int
    kept: KeptFiles = field(default_factory=KeptFiles)
    """Of the states before as well, but for files that are others now."""
    recent: RecentFiles = field(default_factory=dict)
    """Files that were registered last, with their rows."""
    quarantined: tuple[int, int] | None = None
    """Files that were refused, and those of them whose spans were in the index before."""
    _pages: OrderedDict[PageKey, Candidates] = field(default_factory=OrderedDict)
    _page_spans: int = 0
    _fetched: dict[str, Rows] = field(default_factory=dict)
    _fetched_rows: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_current(self) -> bool:
        """No commit came since, and none is under way."""
        return self.commits.number == self.number

    def keep_quarantined(self, counts: tuple[int, int]) -> None:
        """A statement said so."""
        if self.is_current:
            self.quarantined = counts

    def rows(self, file_id: int) -> TraceRows | None:
        """All of a file, where they are kept, or in memory because it has come just now."""
        found = self.kept.rows(file_id)
        recent = self.recent.get(file_id)
        if found is None and recent is not None:
            found = TraceRows.of(file_id, recent.spans)
            self.keep_rows(file_id, found)
        return found

    def newest_rows(self, file_id: int) -> NewestRows | None:
        """The rows of a file in the order of lists, where they are kept; none once a commit came.

        A transaction goes on in this state after it.
        """
        found = self.kept.newest_rows(file_id)
        return found if self.is_current else None

    def files(self, file_ids: Iterable[int]) -> dict[int, DataFile]:
        """Those of the files that are known; none once a commit came."""
        found = self.kept.files(file_ids)
        return found if self.is_current else {}

    def keep_files(self, files: Mapping[int, DataFile]) -> None:
        """A statement said so."""
        self.kept.keep_files(files, lambda: self.is_current)

    def recent_files(self, file_ids: Iterable[int]) -> dict[int, RecentFile]:
        """Those of the files that came last; none once a commit came."""
        found = {at: self.recent[at] for at in file_ids if at in self.recent}
        return found if self.is_current else {}

    def keep_rows(self, file_id: int, rows: TraceRows | None) -> None:
        """A statement said so."""
        self.kept.keep_rows(file_id, rows, lambda: self.is_current)

    def fetched(self, sql: str) -> Rows | None:
        """What a statement gave, where it is known."""
        return self._fetched.get(sql)

    def keep_fetched(self, sql: str, rows: Rows) -> None:
        """A statement gave these. What is kept stays: most lists ask for the same."""
        count = len(rows) + 1 + len(sql) // _ROW_BYTES
        with self._lock:
            is_known = sql in self._fetched
            if self.is_current and not is_known and self._fetched_rows + count <= FETCHED_ROWS_MAX:
                self._fetched[sql] = rows
                self._fetched_rows += count

    def fetch(self, cursor: duckdb.DuckDBPyConnection, sql: str) -> Rows:
        """The rows of a statement that answers of all kinds ask for, kept or asked now."""
        known = self.fetched(sql)
        if known is None:
            known = cursor.execute(sql).fetchall()
            self.keep_fetched(sql, known)
        return known

    def page(self, key: PageKey) -> Candidates | None:
        """What the index has of a list, where it is known."""
        with self._lock:
            found = self._pages.get(key)
            if found is not None:
                self._pages.move_to_end(key)
            return found

    def keep_page(self, key: PageKey, found: Candidates) -> None:
        """Statements said so. The page that was not asked for for longest goes first."""
        spans = len(found.spans) + PAGE_ENTRY_SPANS
        with self._lock:
            if not self.is_current or key in self._pages or spans > PAGE_SPANS_MAX:
                return
            self._pages[key] = found
            self._page_spans += spans
            while self._page_spans > PAGE_SPANS_MAX:
                _, oldest = self._pages.popitem(last=False)
                self._page_spans -= len(oldest.spans) + PAGE_ENTRY_SPANS


class IndexMemory:
    """The present state of an index, for all answers over it. For any thread."""

    def __init__(
        self, commits: Callable[[], Commits], *, rows_bytes_max: int = ROWS_BYTES_MAX
    ) -> None:
        """``commits`` are those of the catalog that is open when a question comes."""
        self._commits = commits
        self._kept = KeptFiles(rows_bytes_max)
        self._lock = threading.Lock()
        self._state: IndexState | None = None

    def state(self) -> IndexState | None:
        """What is known of the state that a reader sees who begins now.

        None during a commit, and for who was overtaken by one since it was looked at.
        """
        commits = self._commits()
        number = commits.number
        if number is None:
            return None
        with self._lock:
            state, quarantined = self._state, None
            if state is None or state.commits is not commits:
                self._kept.forget(None)
            elif state.number == number:
                return state
            elif state.number > number:
                return None
            else:
                self._kept.forget(commits.files_changed(state.number, number))
                quarantined = state.quarantined if commits.keeps_refused(state.number) else None
            self._state = IndexState(commits, number, self._kept, commits.recent, quarantined)
            return self._state
