"""Rows that the index has of one file, in memory, from which its traces are found by their key.

A statement for one trace takes a millisecond, most of it before and after its scan. A file that is
asked for trace after trace is read from the index once, in a few milliseconds for ten thousand
spans, and from then on a trace of it is found in a tenth of that.
"""

from dataclasses import dataclass, fields

import duckdb
import numpy as np

from indexer.query.find.column_scan import matching
from indexer.query.find.index_row import IndexRow
from indexer.query.find.trace_query import TraceQuery
from indexer.spans.columns import IntArray, SpanColumns
from indexer.spans.identifiers import UInt64Array
from indexer.spans.identity import trace_keys
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
    """All rows of the index of one file."""

    file_id: int
    columns: SpanColumns
    keys: UInt64Array
    """Trace keys, ascending."""
    order: IntArray
    """Which row each of them is of."""

    @classmethod
    def read(cls, cursor: duckdb.DuckDBPyConnection, file_id: int) -> "TraceRows | None":
        """By one statement; None of a file with more than ``SPANS_MAX`` spans."""
        sql = _ROWS.format(columns=STORED_COLUMNS, file_id=file_id, limit=SPANS_MAX + 1)
        table = arrow_table(cursor, sql)
        if table.num_rows > SPANS_MAX:
            return None
        columns = SpanColumns.from_arrow(table, {file_id: 0})
        keys = columns.trace_key
        order = np.argsort(keys, kind="stable")
        return cls(file_id=file_id, columns=columns, keys=keys[order], order=order)

    @property
    def nbytes(self) -> int:
        """Memory."""
        held = [getattr(self.columns, one.name) for one in fields(SpanColumns)]
        arrays = [one.codes if isinstance(one, Texts) else one for one in held]
        texts = [text for one in held if isinstance(one, Texts) for text in one.values]
        of_texts = sum(map(len, texts)) + TEXT_BYTES * len(texts)
        return sum(one.nbytes for one in (*arrays, self.keys, self.order)) + of_texts

    def of_trace(self, query: TraceQuery) -> list[IndexRow]:
        """The rows that the question is about, in no order."""
        (key,) = trace_keys(*query.words)
        first, after = np.searchsorted(self.keys, key), np.searchsorted(self.keys, key, "right")
        if first == after:
            return []
        some = self.columns.take(self.order[first:after])
        found = some.take(matching(some, query))
        services, names = found.service.values, found.name.values
        return [
            IndexRow(
                self.file_id,
                row,
                query.trace_id,
                span_id,
                parent or None,
                services[service],
                names[name],
                start,
                duration,
                status,
                kind,
                None,
            )
            for row, span_id, parent, service, name, start, duration, status, kind in zip(
                found.row.tolist(),
                found.span_id.tolist(),
                found.parent_span_id.tolist(),
                found.service.codes.tolist(),
                found.name.codes.tolist(),
                found.start.tolist(),
                found.duration.tolist(),
                found.status.tolist(),
                found.kind.tolist(),
                strict=True,
            )
        ]
