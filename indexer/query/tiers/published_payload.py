"""The payload of published spans for those who look for spans by it: read as it is needed."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.mastra.otel_table import PAYLOAD, OtelView
from indexer.query.deadline import Deadline
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.query.tiers.hot_spans import payload_table
from indexer.read.payload_table import PayloadTable
from indexer.spans.key_summary import KeySummary

ROWS_AT_ONCE = 4_096
"""Of one read of the store: some 10 MB of records with short inputs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PublishedPayload:
    """Of the spans of one view."""

    view: OtelView
    deadline: Deadline = field(default_factory=Deadline)

    @property
    def row_count(self) -> int:
        """Rows of the view."""
        return int(self.view.table.num_rows)

    def tables(self, names: Sequence[str]) -> Iterator[PayloadTable]:  # noqa: ARG002 - it has all
        """All rows, a part at a time."""
        for table in self.parts():
            yield payload_table(table)

    def parts(self) -> Iterator[pa.Table]:
        """All rows with their payload, a part at a time. Raises what the deadline raises."""
        for first in range(0, self.row_count, ROWS_AT_ONCE):
            self.deadline.check()
            yield self.view.rows(range(first, min(first + ROWS_AT_ONCE, self.row_count)))

    def values(self, names: Sequence[str], rows: Sequence[int]) -> Mapping[str, Sequence[Any]]:
        """Canonical values of these rows, by column. Raises what the deadline raises."""
        found: dict[str, list[Any]] = {name: [] for name in names}
        for first in range(0, len(rows), ROWS_AT_ONCE):
            self.deadline.check()
            some = payload_table(self.view.rows(rows[first : first + ROWS_AT_ONCE]))
            for name in names:
                found[name] += some.values(name)
        return found

    def is_absent(self, condition: AttributeCondition) -> bool:  # noqa: ARG002 - it changes
        """Nothing is known."""
        return False

    def learns_key(self, condition: AttributeCondition) -> bool:  # noqa: ARG002 - it changes
        """Nothing is kept."""
        return False

    def learn_absence(self, condition: AttributeCondition) -> None:
        """Nothing is kept."""

    def learn_key(self, condition: AttributeCondition, summary: KeySummary) -> None:
        """Nothing is kept."""


class PublishedColumns:
    """The columns of a view for those who ask for one after the other. For any thread.

    Payload is read of all rows when the first column of it is asked for, and kept.
    """

    def __init__(self, view: OtelView) -> None:
        self._view = view
        self._whole: pa.Table | None = None
        self._lock = threading.Lock()

    @property
    def column_names(self) -> Sequence[str]:
        """Those that there are."""
        return list(dict.fromkeys([*self._view.table.column_names, *PAYLOAD]))

    def select(self, names: Sequence[str]) -> pa.Table:
        """Some of them. Raises IndexerError."""
        table = self._view.table
        if set(names) <= set(table.column_names):
            return table.select(names)
        with self._lock:
            if self._whole is None:
                self._whole = pa.concat_tables(PublishedPayload(view=self._view).parts())
            return self._whole.select(names)
