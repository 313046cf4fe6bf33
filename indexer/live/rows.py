"""Rows of segments: made when a query first reads them, kept while there is room and they last."""

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple
from weakref import WeakKeyDictionary, ref

import pyarrow as pa

from indexer.live.ring import Segment

LATEST = 8
"""Rows that do not fit are kept until so many others were made: a query asks for them column by
column, some thousand rows at a time."""


class _Made(NamedTuple):
    """Rows, and their bytes, which take Arrow a while to count."""

    batch: pa.RecordBatch
    size_bytes: int


class KeptRows:
    """Rows of segments, up to so many bytes, for as long as a ring or a query has the segment.

    What does not fit is not kept, rather than something older put out for it: a query reads all
    segments in order, and would then find none of them.
    """

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self._lock = Lock()
        self._kept: WeakKeyDictionary[Segment, dict[str, _Made]] = WeakKeyDictionary()
        self._latest: deque[tuple[ref[Segment], str, pa.RecordBatch]] = deque(maxlen=LATEST)
        # Threads of one query, and queries of many cursors, come to a new segment at once.
        self._making: WeakKeyDictionary[Segment, Lock] = WeakKeyDictionary()

    @property
    def bytes(self) -> int:
        """What the rows take."""
        with self._lock:
            return self._total()

    def get(
        self, segment: Segment, table: str, make: Callable[[], pa.RecordBatch]
    ) -> pa.RecordBatch:
        """The rows of a whole segment in a table: one thread makes them, others wait for it.

        Raises what ``make`` raises.
        """
        with self._lock:
            found = self._found(segment, table)
            making = self._making.setdefault(segment, Lock())
        if found is not None:
            return found
        with making:
            with self._lock:
                found = self._found(segment, table)
            return self._keep(segment, table, make()) if found is None else found

    def _keep(self, segment: Segment, table: str, made: pa.RecordBatch) -> pa.RecordBatch:
        size = int(made.nbytes)
        with self._lock:
            if segment.is_sealed and self._total() + size <= self.bytes_max:
                self._kept.setdefault(segment, {})[table] = _Made(made, size)
            else:
                self._latest.append((ref(segment), table, made))
        return made

    def _found(self, segment: Segment, table: str) -> pa.RecordBatch | None:
        if kept := self._kept.get(segment, {}).get(table):
            return kept.batch
        latest = (batch for of, name, batch in self._latest if of() is segment and name == table)
        return next(latest, None)

    def _total(self) -> int:
        kept = list(self._kept.values())
        return sum(made.size_bytes for tables in kept for made in tables.values())
