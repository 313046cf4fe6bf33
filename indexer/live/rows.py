"""Rows of segments: made when a query first reads them, kept while there is room and they last."""

from collections.abc import Callable
from threading import Lock
from weakref import WeakKeyDictionary

import pyarrow as pa

from indexer.live.ring import Segment


class KeptRows:
    """Rows of segments, up to so many bytes, for as long as a ring or a query has the segment.

    What does not fit is not kept, rather than something older put out for it: a query reads all
    segments in order, and would then find none of them.
    """

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self._lock = Lock()
        self._kept: WeakKeyDictionary[Segment, dict[str, pa.RecordBatch]] = WeakKeyDictionary()

    @property
    def bytes(self) -> int:
        """What the rows take."""
        with self._lock:
            return self._total()

    def get(
        self, segment: Segment, table: str, make: Callable[[], pa.RecordBatch]
    ) -> pa.RecordBatch:
        """The rows of a whole segment in a table. Raises what ``make`` raises."""
        with self._lock:
            found = self._kept.get(segment, {}).get(table)
        if found is not None:
            return found
        made = make()
        if segment.is_sealed:
            with self._lock:
                if self._total() + made.nbytes <= self.bytes_max:
                    self._kept.setdefault(segment, {})[table] = made
        return made

    def _total(self) -> int:
        kept = list(self._kept.values())
        return sum(int(batch.nbytes) for tables in kept for batch in tables.values())
