"""Rows that the index has of one file, in memory, from which its traces are found by their ID.

A statement for one trace takes two milliseconds where the index has a million spans. A file that is
asked for trace after trace is read from the index once, in 25 ms for 60,000 spans, and from then on
a trace of it is found in a fifth of a millisecond. It takes some 45 bytes a span: what the spans of
a trace have in common stands there once.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import fields
from itertools import repeat
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from indexer.deferred_dataclass import dataclass
from indexer.query.find.column_scan import first, matching
from indexer.query.find.index_row import IndexRow
from indexer.query.find.trace_query import TraceQuery
from indexer.spans.columns import IntArray, SpanColumns
from indexer.spans.identifiers import UInt64Array
from indexer.spans.schema import STORED_COLUMNS
from indexer.spans.texts import Texts
from indexer.system.duckdb_rows import arrow_table

SPANS_MAX = 250_000
"""Of a file that is kept: a fifth of a second to read; span writers put fewer in one."""
TEXT_BYTES = 80
"""What a distinct text takes beside its letters."""
_ROWS = "SELECT {columns} FROM indexed_spans WHERE file_id = {file_id} LIMIT {limit}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TraceRows:
    """All rows of the index of one file, by trace."""

    file_id: int
    trace_hi: UInt64Array
    """The first word of the ID of each trace, ascending; the second ascends where it is equal."""
    trace_lo: UInt64Array
    first: npt.NDArray[np.int32]
    """Where the rows of each trace begin; one more than there are traces."""
    row: npt.NDArray[np.int32]
    span_id: UInt64Array
    parent_span_id: UInt64Array
    start: IntArray
    duration: IntArray
    status: npt.NDArray[np.int8]
    kind: npt.NDArray[np.int8]
    service: npt.NDArray[Any]
    """Places in ``services``, in as few bytes as they need."""
    name: npt.NDArray[Any]
    services: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def read(cls, cursor: duckdb.DuckDBPyConnection, file_id: int) -> "TraceRows | None":
        """By one statement; None of a file with more than ``SPANS_MAX`` spans."""
        sql = _ROWS.format(columns=STORED_COLUMNS, file_id=file_id, limit=SPANS_MAX + 1)
        table = arrow_table(cursor, sql)
        if table.num_rows > SPANS_MAX:
            return None
        columns = SpanColumns.from_arrow(table, {file_id: 0})
        return cls.of(file_id, columns)

    @classmethod
    def of(cls, file_id: int, columns: SpanColumns) -> "TraceRows":
        """Of rows in any order; those of a file are in order of their trace mostly.

        They are copied: an array of a table keeps all its columns in memory.
        """
        begins, is_sorted = _begins(columns)
        if not is_sorted:
            columns = columns.take(np.lexsort((columns.trace_lo, columns.trace_hi)))
            begins, _ = _begins(columns)
        places = np.flatnonzero(begins)
        return cls(
            file_id=file_id,
            trace_hi=columns.trace_hi[places],
            trace_lo=columns.trace_lo[places],
            first=np.append(places, len(columns)).astype(np.int32),
            row=columns.row.copy(),
            span_id=columns.span_id.copy(),
            parent_span_id=columns.parent_span_id.copy(),
            start=columns.start.copy(),
            duration=columns.duration.copy(),
            status=columns.status.copy(),
            kind=columns.kind.copy(),
            service=_narrow(columns.service),
            name=_narrow(columns.name),
            services=columns.service.values,
            names=columns.name.values,
        )

    @property
    def nbytes(self) -> int:
        """Memory."""
        held = [getattr(self, one.name) for one in fields(self)]
        arrays = sum(one.nbytes for one in held if isinstance(one, np.ndarray))
        texts = self.services + self.names
        return arrays + sum(map(len, texts)) + TEXT_BYTES * len(texts)

    def of_trace(self, query: TraceQuery) -> list[IndexRow]:
        """The rows that the question is about, in no order."""
        return self.rows(query, self.part(query))

    def part(self, query: TraceQuery) -> slice:
        """Where the rows of its trace are, side by side."""
        place = self._place(query)
        if place is None:
            return slice(0, 0)
        return slice(int(self.first[place]), int(self.first[place + 1]))

    def rows(self, query: TraceQuery, part: slice) -> list[IndexRow]:
        """Those of its trace that the question is about; of a page no more than it needs."""
        count = part.stop - part.start
        if query.is_whole and (query.limit is None or count <= query.limit):
            return self._index_rows(part, query.trace_id)
        found = self._rows(query, part)
        found = first(found, matching(found, query), query)
        return index_rows_of(self.file_id, found, repeat(query.trace_id, len(found)))

    def _index_rows(self, part: slice, trace_id: str) -> list[IndexRow]:
        """Rows of one trace side by side."""
        own = (self.row, self.span_id, self.parent_span_id, self.service, self.name)
        columns = (*own, self.start, self.duration, self.status, self.kind)
        values = [column[part].tolist() for column in columns]
        trace_ids = repeat(trace_id, len(values[0]))
        return _index_rows(self.file_id, trace_ids, values, self.services, self.names)

    def __len__(self) -> int:
        return len(self.row)

    def spans_at(self, places: IntArray) -> SpanColumns:
        """Some of the rows, by their places here."""
        trace = np.searchsorted(self.first, places, side="right") - 1
        return self._spans(places, self.trace_hi[trace], self.trace_lo[trace])

    def _place(self, query: TraceQuery) -> int | None:
        """Of the trace among all of the file."""
        high, low = query.words
        highs, lows = (
            self.trace_hi.data,
            self.trace_lo.data,
        )  # numbers of Python, compared more quickly
        place = bisect_left(highs, high)
        if place == len(highs) or highs[place] != high:
            return None
        if lows[place] == low:
            return place
        after = bisect_right(highs, high, place)
        place = bisect_left(lows, low, place, after)
        return place if place < after and lows[place] == low else None

    def _rows(self, query: TraceQuery, part: slice) -> SpanColumns:
        """Those of one trace."""
        count = part.stop - part.start
        high, low = (np.full(count, word, np.uint64) for word in query.words)
        return self._spans(part, high, low)

    def _spans(
        self, at: slice | IntArray, trace_hi: UInt64Array, trace_lo: UInt64Array
    ) -> SpanColumns:
        count = len(trace_hi)
        return SpanColumns(
            slot=np.zeros(count, np.int32),
            row=self.row[at],
            position=np.zeros(count, np.int32),
            trace_hi=trace_hi,
            trace_lo=trace_lo,
            span_id=self.span_id[at],
            parent_span_id=self.parent_span_id[at],
            start=self.start[at],
            duration=self.duration[at],
            status=self.status[at],
            kind=self.kind[at],
            service=Texts(self.service[at].astype(np.int32), self.services),
            name=Texts(self.name[at].astype(np.int32), self.names),
        )


def index_rows_of(file_id: int, found: SpanColumns, trace_ids: Iterable[str]) -> list[IndexRow]:
    """Spans of one file as statements give them, in the same order; ``trace_ids`` are theirs."""
    own = (found.row, found.span_id, found.parent_span_id, found.service.codes, found.name.codes)
    columns = (*own, found.start, found.duration, found.status, found.kind)
    values = [column.tolist() for column in columns]
    return _index_rows(file_id, trace_ids, values, found.service.values, found.name.values)


def _index_rows(
    file_id: int,
    trace_ids: Iterable[str],
    values: Sequence[Sequence[Any]],
    services: Sequence[str],
    names: Sequence[str],
) -> list[IndexRow]:
    """Of values column by column: row, IDs, places of service and name, times, status and kind."""
    return [
        _new_row(
            IndexRow,
            (
                file_id,
                row,
                trace_id,
                span_id,
                parent or None,
                services[service],
                names[name],
                start,
                duration,
                status,
                kind,
                None,
            ),
        )
        for trace_id, row, span_id, parent, service, name, start, duration, status, kind in zip(
            trace_ids, *values, strict=True
        )
    ]


_new_row = tuple.__new__
"""Quicker than a call with as many arguments."""


def _begins(columns: SpanColumns) -> tuple[npt.NDArray[np.bool_], bool]:
    """Where another trace begins than that of the row before, and whether they ascend."""
    high, low = columns.trace_hi, columns.trace_lo
    begins = np.ones(len(columns), np.bool_)
    is_same = high[1:] == high[:-1]
    begins[1:] = ~is_same | (low[1:] != low[:-1])
    descends = (high[1:] < high[:-1]) | (is_same & (low[1:] < low[:-1]))
    return begins, not descends.any()


def _narrow(texts: Texts) -> npt.NDArray[Any]:
    return texts.codes.astype(np.min_scalar_type(max(0, len(texts.values) - 1)))
