"""What answers have learnt of single files of the index, kept until a commit changes one of them.

Between two commits the same statement has the same result, and a commit says which files it
changes: what is known of the others stays true. The owner of a state says whether it still is when
something is kept.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping

from indexer.query.find.trace_rows import TraceRows
from indexer.query.span import DataFile

FILES_MAX = 10_000
"""Some 600 bytes each; beyond, all are learnt anew."""
ROWS_BYTES_MAX = 64 << 20
"""Of rows of whole files: some 1.5 million spans."""
ASKS_BEFORE_ROWS = 4
"""Traces that a file is asked for before its rows are read; of a large file more."""
BYTES_A_STATEMENT = 400_000
"""Of a file whose rows take as long to read as one statement, some 5,000 spans. Once statements
have taken as long as reading would, it is worth it, or has cost twice as much if none follows."""

IsCurrent = Callable[[], bool]
"""Whether the state that something was read in is still the present one."""


class KeptFiles:
    """For all states of one index, one after the other. For any thread."""

    def __init__(self, rows_bytes_max: int = ROWS_BYTES_MAX) -> None:
        self._rows_bytes_max = rows_bytes_max
        self._files: dict[int, DataFile] = {}
        self._asks: dict[int, int] = {}
        self._rows: OrderedDict[int, TraceRows] = OrderedDict()
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

    def wants_rows(self, file_id: int) -> bool:
        """Whether they are worth reading now, as a trace of the file is asked for; once a file."""
        with self._lock:
            if len(self._asks) >= FILES_MAX:
                self._asks.clear()
            asks = self._asks[file_id] = self._asks.get(file_id, 0) + 1
            file = self._files.get(file_id)
            if file is None or not self._rows_bytes_max:
                return False
            return asks == max(ASKS_BEFORE_ROWS, file.info.size_bytes // BYTES_A_STATEMENT)

    def keep_rows(self, file_id: int, rows: TraceRows | None, is_current: IsCurrent) -> None:
        """A statement said so. The file that was not asked for for longest goes first.

        It is asked by statements again until it has paid for its rows once more.
        """
        with self._lock:
            if rows is None or not is_current() or rows.nbytes > self._rows_bytes_max:
                return
            self._drop(file_id)
            self._rows[file_id] = rows
            self._rows_bytes += rows.nbytes
            while self._rows_bytes > self._rows_bytes_max:
                self._drop(next(iter(self._rows)))

    def forget(self, file_ids: Collection[int] | None) -> None:
        """A commit has changed these files; None where it may be any."""
        with self._lock:
            for file_id in self._known if file_ids is None else file_ids:
                self._files.pop(file_id, None)
                self._drop(file_id)

    @property
    def _known(self) -> set[int]:
        return {*self._files, *self._asks, *self._rows}

    def _drop(self, file_id: int) -> None:
        rows = self._rows.pop(file_id, None)
        self._asks.pop(file_id, None)
        if rows is not None:
            self._rows_bytes -= rows.nbytes
