"""What answers have learnt of single files of the index, kept until a commit changes one of them.

Between two commits the same statement has the same result, and a commit says which files it
changes: what is known of the others stays true. The owner of a state says whether it still is when
something is kept.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping

from indexer.query.find.newest_rows import NewestRows
from indexer.query.find.trace_rows import TraceRows
from indexer.query.span import DataFile

FILES_MAX = 10_000
"""Some 600 bytes each; beyond, all are learnt anew."""
ROWS_BYTES_MAX = 64 << 20
"""Of rows of whole files: some 1.5 million spans."""
ASKS_BEFORE_ROWS = 4
"""Traces that a file is asked for before its rows are read; of a large file more."""
STATEMENTS_A_LIST = 3
"""A list's statement over a file takes as long as so many for a trace."""
BYTES_A_STATEMENT = 800_000
"""Of a file whose rows take twice as long to read as one statement, some 10,000 spans. Once
statements have taken half as long as reading would, it is worth it, or has cost three times as much
if none follows."""

IsCurrent = Callable[[], bool]
"""Whether the state that something was read in is still the present one."""


class KeptFiles:
    """For all states of one index, one after the other. For any thread."""

    def __init__(self, rows_bytes_max: int = ROWS_BYTES_MAX) -> None:
        self._rows_bytes_max = rows_bytes_max
        self._files: dict[int, DataFile] = {}
        self._asks: dict[int, int] = {}
        self._rows: OrderedDict[int, TraceRows] = OrderedDict()
        self._newest: dict[int, NewestRows] = {}
        self._rows_bytes = 0
        self._lock = threading.Lock()

    def files(self, file_ids: Iterable[int]) -> dict[int, DataFile]:
        """Those of the files that are known."""
        known = self._files
        return {file_id: known[file_id] for file_id in file_ids if file_id in known}

    def keep_files(self, files: Mapping[int, DataFile], is_current: IsCurrent) -> None:
        """A statement said so."""
        with self._lock:
            if is_current() and len(files) <= FILES_MAX:
                if len(self._files) + len(files) > FILES_MAX:
                    self._files = {}
                self._files.update(files)

    def rows(self, file_id: int) -> TraceRows | None:
        """All of a file, where they are kept."""
        with self._lock:
            found = self._rows.get(file_id)
            if found is not None:
                self._rows.move_to_end(file_id)
            return found

    def newest_rows(self, file_id: int) -> NewestRows | None:
        """The same in the order of lists, in which they are put when they are asked for first."""
        rows = self.rows(file_id)
        if rows is None:
            return None
        known = self._newest.get(file_id)
        if known is not None:
            return known
        known = NewestRows.of(rows)
        with self._lock:
            if self._rows.get(file_id) is rows and file_id not in self._newest:
                self._newest[file_id] = known
                self._rows_bytes += known.nbytes
                self._drop_oldest()
        return known

    def wants_rows(self, file_id: int, statements: int = 1) -> bool:
        """Whether they are worth reading now, instead of a statement over the file; once a file.

        ``statements`` for a trace would take as long as that one.
        """
        with self._lock:
            if len(self._asks) >= FILES_MAX:
                self._asks.clear()
            before = self._asks.get(file_id, 0)
            file = self._files.get(file_id)
            if file is None:
                self._asks[file_id] = min(before + statements, ASKS_BEFORE_ROWS - 1)
                return False
            asks = self._asks[file_id] = before + statements
            enough = max(ASKS_BEFORE_ROWS, file.info.size_bytes // BYTES_A_STATEMENT)
            return before < enough <= asks and self._rows_bytes_max > 0

    def keep_rows(self, file_id: int, rows: TraceRows | None, is_current: IsCurrent) -> None:
        """A statement said so. The file that was not asked for for longest goes first.

        It is asked by statements again until it has paid for its rows once more; so is one whose
        rows are of a state that has passed.
        """
        with self._lock:
            if not is_current():
                self._asks.pop(file_id, None)
                return
            if rows is None or rows.nbytes > self._rows_bytes_max:
                return
            self._drop(file_id)
            self._rows[file_id] = rows
            self._rows_bytes += rows.nbytes
            self._drop_oldest()

    def forget(self, file_ids: Collection[int] | None) -> None:
        """A commit has changed these files; None where it may be any."""
        with self._lock:
            for file_id in self._known if file_ids is None else file_ids:
                self._files.pop(file_id, None)
                self._drop(file_id)

    @property
    def _known(self) -> set[int]:
        return {*self._files, *self._asks, *self._rows}

    def _drop_oldest(self) -> None:
        while self._rows_bytes > self._rows_bytes_max:
            self._drop(next(iter(self._rows)))

    def _drop(self, file_id: int) -> None:
        self._asks.pop(file_id, None)
        for held in (self._rows.pop(file_id, None), self._newest.pop(file_id, None)):
            self._rows_bytes -= 0 if held is None else held.nbytes
