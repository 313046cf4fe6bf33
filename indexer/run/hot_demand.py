"""Whether somebody asks for hot spans: lately, for all of them or those of a trace, for what part.

What nobody asks for is not decoded, and a view tells when all of its rows are asked for.
"""

import math
from collections.abc import Callable, Sequence

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.hot.metadata import HotMetadata, ReadColumns
from indexer.hot.view import HotRow, HotRows, HotView
from indexer.spans.identity import SpanKeys
from indexer.system.clock import Clock

KEEP_UP_FOR_S = 60.0
"""After a question for all rows: a dashboard that refreshes asks again within that time. After one
for a trace the log's state is asked for, and what came, but nothing is decoded."""


class HotDemand:
    """Of one hot tier. For any thread."""

    def __init__(self, clock: Clock, listed: Callable[[], None]) -> None:
        """``listed`` is called when all rows are asked for and were not lately."""
        self._clock = clock
        self._listed = listed
        self._asked_s = self._decoded_s = self._metadata_s = -math.inf
        self._read: ReadColumns | None = None

    @property
    def is_asked(self) -> bool:
        """Whether a question came lately."""
        return self._clock.monotonic_s() - self._asked_s <= KEEP_UP_FOR_S

    @property
    def is_listed(self) -> bool:
        """Whether one came that needs all rows, whatever of them."""
        return self.needs_payload or self.metadata is not None

    @property
    def needs_payload(self) -> bool:
        """Whether one came that needs all of all rows."""
        return self._clock.monotonic_s() - self._decoded_s <= KEEP_UP_FOR_S

    @property
    def metadata(self) -> ReadColumns | None:
        """How one reads the metadata of all rows; None where none came that does."""
        is_late = self._clock.monotonic_s() - self._metadata_s > KEEP_UP_FOR_S
        return None if is_late else self._read

    def note_question(self) -> bool:
        """Somebody asks; whether nobody did lately."""
        was_quiet = not self.is_asked
        self._asked_s = self._clock.monotonic_s()
        return was_quiet

    def telling(self, view: HotView) -> HotView:
        """The view for who asks: one that needs all of its rows is noted."""
        return view.with_rows(
            _ListedRows(view.rows, self._note_list, self._note_metadata), view.as_of_unix_nano
        )

    def _note_list(self) -> None:
        """Somebody asks for all rows."""
        was_listed = self.is_listed
        self._decoded_s = self._clock.monotonic_s()
        if not was_listed:
            self._listed()

    def _note_metadata(self, read: ReadColumns) -> None:
        """Somebody asks for the metadata of all rows."""
        was_listed = self.is_listed
        self._read, self._metadata_s = read, self._clock.monotonic_s()
        if not was_listed:
            self._listed()


@dataclass(frozen=True, slots=True, eq=False)
class _ListedRows:
    """Hot spans that tell when somebody asks for all of them."""

    rows: HotRows
    note: Callable[[], None]
    note_metadata: Callable[[ReadColumns], None]

    def table(self) -> pa.Table:
        """All of them."""
        self.note()
        return self.rows.table()

    def trace(self, trace_id: str) -> pa.Table:
        """Those of one trace."""
        return self.rows.trace(trace_id)

    def few(self, trace_id: str, *, may_wait: bool) -> list[HotRow] | None:
        """The same as values, where these are few."""
        return self.rows.few(trace_id, may_wait=may_wait)

    def count(self) -> int:
        """How many there are."""
        return self.rows.count()

    def identities(self) -> SpanKeys:
        """What identifies each of them."""
        return self.rows.identities()

    def metadata(self, read: ReadColumns) -> Sequence[HotMetadata]:
        """What each of them is."""
        self.note_metadata(read)
        return self.rows.metadata(read)

    @property
    def nbytes(self) -> int:
        """Memory that all of them may take."""
        return self.rows.nbytes
