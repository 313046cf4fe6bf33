"""What answers have learnt of the index as it is since its last commit, kept until the next one.

Between two commits the same statement has the same result. Dashboards ask for the same lists again
and again, and every answer for what its files are.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from indexer.catalog.commits import Commits
from indexer.query.find.span_query import SpanQuery
from indexer.query.find.trace_rows import TraceRows
from indexer.query.span import DataFile
from indexer.query.tiers.tier import Candidates

FILES_MAX = 10_000
"""Some 600 bytes each."""
PAGE_SPANS_MAX = 20_000
"""Of all kept pages of lists together, some 400 bytes each; a longer page is not kept."""
PAGE_ENTRY_SPANS = 4
"""What a page takes beside its spans, in spans."""

ROWS_BYTES_MAX = 64 << 20
"""Of rows of whole files: some 600,000 spans."""
ASKS_BEFORE_ROWS = 4
"""Traces that a file is asked for, in one state, before its rows are read; of a large file more."""
BYTES_A_STATEMENT = 200_000
"""Of a file whose rows take as long to read as one statement, some 2,500 spans. Once statements
have taken as long as reading would, it is worth it, or has cost twice as much if none follows."""

PageKey = tuple[SpanQuery, tuple[str, ...]]
"""A list from its beginning or its cursor on, and the files whose attributes are read directly."""


class StateMoved(Exception):
    """A commit came while an answer was found without a transaction. Never leaves ``query``."""


@dataclass(slots=True)
class IndexState:
    """One state of the index. What is learnt while it was replaced is not kept."""

    commits: Commits
    number: int
    rows_bytes_max: int = ROWS_BYTES_MAX
    quarantined: tuple[int, int] | None = None
    """Files that were refused, and those of them whose spans were in the index before."""
    _files: dict[int, DataFile] = field(default_factory=dict)
    _pages: OrderedDict[PageKey, Candidates] = field(default_factory=OrderedDict)
    _page_spans: int = 0
    _asks: dict[int, int] = field(default_factory=dict)
    _rows: dict[int, TraceRows] = field(default_factory=dict)
    _rows_bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_current(self) -> bool:
        """No commit came since, and none is under way."""
        return self.commits.number == self.number

    def keep_quarantined(self, counts: tuple[int, int]) -> None:
        """A statement said so."""
        if self.is_current:
            self.quarantined = counts

    def files(self, file_ids: Iterable[int]) -> dict[int, DataFile]:
        """Those of the files that are known."""
        known = self._files
        return {file_id: known[file_id] for file_id in file_ids if file_id in known}

    def keep_files(self, files: Mapping[int, DataFile]) -> None:
        """A statement said so."""
        with self._lock:
            if self.is_current and len(self._files) + len(files) <= FILES_MAX:
                self._files.update(files)

    def rows(self, file_id: int) -> TraceRows | None:
        """All of a file, where they are kept."""
        return self._rows.get(file_id)

    def wants_rows(self, file_id: int) -> bool:
        """Whether they are worth reading now, as a trace of the file is asked for; once a file."""
        with self._lock:
            asks = self._asks[file_id] = self._asks.get(file_id, 0) + 1
            file = self._files.get(file_id)
            if file is None or self._rows_bytes >= self.rows_bytes_max:
                return False
            return asks == max(ASKS_BEFORE_ROWS, file.info.size_bytes // BYTES_A_STATEMENT)

    def keep_rows(self, file_id: int, rows: TraceRows | None) -> None:
        """A statement said so. What is kept stays: each file that came later would cost another."""
        with self._lock:
            if rows is not None and self.is_current:
                size = rows.nbytes
                if self._rows_bytes + size <= self.rows_bytes_max:
                    self._rows[file_id] = rows
                    self._rows_bytes += size

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
        self._rows_bytes_max = rows_bytes_max
        self._lock = threading.Lock()
        self._state: IndexState | None = None

    def state(self) -> IndexState | None:
        """What is known of the state that a reader sees who begins now; None during a commit."""
        commits = self._commits()
        number = commits.number
        if number is None:
            return None
        with self._lock:
            state = self._state
            if state is None or state.commits is not commits or state.number != number:
                state = self._state = IndexState(commits, number, self._rows_bytes_max)
            return state
