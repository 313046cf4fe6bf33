"""What those who search all spans take from the store: columns, and the payload of some rows.

It knows no record, so that a question without a store loads none.
"""

from collections.abc import Callable, Sequence

import pyarrow as pa

from indexer.deferred_dataclass import dataclass

PAYLOAD = ("status_message", "attributes", "events", "links", "resource_attributes")
"""Columns that can be large, and are there where some rows are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class OtelView:
    """Spans of one moment."""

    table: pa.Table
    """Their IDs as the store has them, service, name, times, kind and status."""
    rows: Callable[[Sequence[int]], pa.Table]
    """Some rows of the table with their payload, as text. Of a span that is gone meanwhile the
    attributes are NULL. Raises IndexerError."""
    left_out: int = 0
    """Spans of the store that are older than these."""

    def take(self, chosen: Sequence[int]) -> "OtelView":
        """Some of them, by row."""
        return OtelView(
            table=self.table.take(pa.array(chosen, pa.int64())),
            rows=lambda rows: self.rows([chosen[row] for row in rows]),
            left_out=self.left_out,
        )
