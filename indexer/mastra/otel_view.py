"""Spans of the store as OpenTelemetry has them, as of one moment, for those who search all spans.

What a search compares is kept in memory while the store does not change; what can be large is read
of the spans that are asked for.
"""

import threading
from collections.abc import Callable, Sequence

import pyarrow as pa

from indexer.mastra.database import Database
from indexer.mastra.otel_rows import metadata_rows, with_payload
from indexer.mastra.otel_table import OtelView

SPANS_MAX = 1_000_000
"""Spans that one question looks through, the newest by start: some 200 bytes each."""

_COUNT = "SELECT count(*) FROM mastra_spans WHERE created_at IS NOT NULL"
_OF_TRACE = "trace_id = $trace_id"
_SINCE = "sequence > $after AND sequence <= $head"
_NEWEST = "ORDER BY started_at DESC, span_key LIMIT {limit}"


class OtelSpans:
    """The spans of an open store. For any thread."""

    def __init__(self, database: Callable[[], Database], *, spans_max: int = SPANS_MAX) -> None:
        """``database`` is the one that is open when a question comes."""
        self._database = database
        self._spans_max = spans_max
        self._lock = threading.Lock()
        self._kept: tuple[Database, int, OtelView] | None = None

    def trace(self, trace_id: str) -> OtelView:
        """Those of one trace."""
        database = self._database()
        with database.reading() as cursor:
            table = metadata_rows(cursor, _OF_TRACE, values={"trace_id": trace_id})
        return _view(database, table)

    def newest(self) -> OtelView:
        """Those of all traces, at most ``spans_max``; the same view while nothing is written."""
        database = self._database()
        with self._lock:
            kept, version = self._kept, database.version
            if kept is not None and kept[:2] == (database, version):
                return kept[2]
            view = self._read(database)
            self._kept = database, version, view
            return view

    def since(self, after: int | None) -> tuple[int, OtelView]:
        """Those that were created after a number that the last call gave, and the next number.

        The first call, without one, has none.
        """
        database = self._database()
        head = database.committed_sequence
        values = {"after": head if after is None else after, "head": head}
        with database.reading() as cursor:
            return head, _view(database, metadata_rows(cursor, _SINCE, values=values))

    def _read(self, database: Database) -> OtelView:
        with database.reading() as cursor:
            ((total,),) = cursor.execute(_COUNT).fetchall()
            left_out = max(total - self._spans_max, 0)
            rest = _NEWEST.format(limit=self._spans_max) if left_out else ""
            return _view(database, metadata_rows(cursor, rest=rest), left_out)


def _view(database: Database, table: pa.Table, left_out: int = 0) -> OtelView:
    def rows(chosen: Sequence[int]) -> pa.Table:
        with database.reading() as cursor:
            return with_payload(cursor, table.take(pa.array(chosen, pa.int64())))

    return OtelView(table=table, rows=rows, left_out=left_out)
