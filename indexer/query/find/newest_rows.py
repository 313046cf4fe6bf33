"""The rows of one file in the order of lists, in memory, from which a list has its newest spans.

A statement for one page takes two to three milliseconds, most of it before and after its scan. Of
rows in order the first thousand mostly hold a page, and are looked at in a tenth of that.
"""

import numpy as np

from indexer.deferred_dataclass import dataclass
from indexer.query.find.column_scan import matching
from indexer.query.find.index_row import IndexRow
from indexer.query.find.span_query import SpanQuery
from indexer.query.find.trace_rows import TraceRows, index_rows_of
from indexer.spans.columns import IntArray
from indexer.spans.identifiers import format_hex

LOOKED_AT_FIRST = 1_024
"""Rows that are looked at first; twice as many each time that was not enough."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewestRows:
    """All rows of the index of one file."""

    rows: TraceRows
    order: IntArray
    """Which row is the newest, the next one, and so on, as ``SpanQuery.order`` has them."""

    @classmethod
    def of(cls, rows: TraceRows) -> "NewestRows":
        """The same rows in order."""
        return cls(rows=rows, order=newest_first(rows))

    @property
    def nbytes(self) -> int:
        """Memory beside that of the rows."""
        return self.order.nbytes

    def first(self, query: SpanQuery, floor: int | None = None) -> list[IndexRow]:
        """The first ``query.count`` rows of a list by start, none that starts before the floor.

        The list is of what the span itself is: ``llm``, ``attribute`` and ``where`` are not asked.
        """
        found: list[IndexRow] = []
        begin, size = 0, LOOKED_AT_FIRST
        while len(found) < query.count and begin < len(self.order):
            places = self.order[begin : begin + size]
            if floor is not None and self.rows.start[places[0]] < floor:
                break
            if query.conditions.status_code is not None:  # few spans fail
                places = places[self.rows.status[places] == query.conditions.status_code]
            some = self.rows.spans_at(places)
            chosen = matching(some, query)
            if floor is not None:
                chosen &= some.start >= floor
            met = some.take(np.flatnonzero(chosen)[: query.count - len(found)])
            trace_ids = format_hex([met.trace_hi, met.trace_lo]).to_pylist()
            found += index_rows_of(self.rows.file_id, met, trace_ids)
            begin, size = begin + size, 2 * size
        return found


def newest_first(rows: TraceRows) -> IntArray:
    """The order of lists by start: of spans that start at one time by trace, span and kind.

    Sorting by the start alone takes a fifth of sorting by all of them; where starts are equal, the
    places of these are put in order by the rest.
    """
    order: IntArray = np.argsort(-rows.start, kind="stable")
    starts = rows.start[order]
    is_equal = np.zeros(len(order) + 1, np.bool_)
    is_equal[1:-1] = starts[1:] == starts[:-1]
    tied = np.flatnonzero(is_equal[1:] | is_equal[:-1])
    if len(tied):
        some = rows.spans_at(order[tied])
        ids = (some.kind, some.span_id, some.trace_lo, some.trace_hi, -some.start)
        order[tied] = order[tied][np.lexsort(ids)]
    return order
