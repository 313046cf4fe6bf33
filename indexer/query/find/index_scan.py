"""Find the first spans of the index that match a list: the rows, of the files that can hold them.

Files are looked into in order of the latest start that they hold of what is asked for, until
enough spans are found; then only files that can hold newer ones, and only their newer rows: a few
files, however many there are. The slowest may lie in any file: of them all, the durations that
the index has are looked at.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import duckdb

from indexer.deferred_dataclass import dataclass
from indexer.query.deadline import Deadline
from indexer.query.find.condition_tree import condition_sql
from indexer.query.find.file_selection import CandidateFiles
from indexer.query.find.index_row import COLUMNS, COLUMNS_WITH_VALUE, IndexRow, index_rows
from indexer.query.find.llm_traces import LlmTraces
from indexer.query.find.newest_rows import NewestRows
from indexer.query.find.span_query import LIMIT_MAX, Position, SpanQuery
from indexer.system.duckdb_rows import Fetch, id_list, text_literal

LLM_SHARE = 4
"""Where a fourth of the spans or more are of LLM traces, a page so many times as large has a page
of theirs."""

FILES_IN_MEMORY_MAX = 4
"""Files whose rows are looked for in memory, file by file; one statement is cheaper over more."""

RowsOf = Callable[[int], NewestRows | None]
"""The rows of a file, where they are in memory."""

_SPANS = """
SELECT {columns}
FROM indexed_spans {join}
WHERE {in_files} AND {where}
ORDER BY {order} start_time_unix_nano DESC, trace_id, span_id_uint64, span_kind
LIMIT {count}
"""

_VALUES = """JOIN (
    SELECT file_id, file_row_number, position_in_row, value FROM indexed_attributes
    WHERE {in_files} AND key_id = {key_id} AND {where}
) USING (file_id, file_row_number, position_in_row)"""


def first_rows(
    cursor: duckdb.DuckDBPyConnection,
    query: SpanQuery,
    deadline: Deadline,
    *,
    key_id: int | None = None,
    llm: LlmTraces | None = None,
    rows_of: RowsOf = lambda _: None,
    fetch: Fetch | None = None,
) -> list[IndexRow]:
    """The first ``query.count`` indexed spans of the list from its beginning, or its cursor, on.

    ``key_id`` is the number of the query's attribute, whose value the rows have; ``llm`` says
    which traces have an LLM call, for a query that is about those alone. ``rows_of`` and ``fetch``
    are of the state of the index that statements see.
    """
    scan = _Scan(
        cursor,
        key_id,
        llm,
        deadline,
        rows_of,
        fetch or (lambda sql: cursor.execute(sql).fetchall()),
    )
    if query.slowest:
        deadline.check()
        return scan.rows(query, None)
    if llm is None:
        return scan.newest(query)
    wide = replace(query, llm=False, offset=0, limit=min(LLM_SHARE * query.count, LIMIT_MAX))
    first = scan.newest(wide)
    calling = llm.among({row.trace_id for row in first})
    found = [row for row in first if row.trace_id in calling]
    if len(first) == wide.count and len(found) < query.count:
        found += scan.newest(replace(query, after=_position(first[-1])))
    return found[: query.count]


@dataclass(frozen=True, slots=True)
class _Scan:
    """What one question asks of files.

    Where LLM calls are common, a wide page of all spans holds a page of theirs, and asking for
    its traces is all there is to do. Where they are rare, few traces have one, and all of them are
    joined (4M spans, each trace with a call: 12 ms and 50 ms).
    """

    cursor: duckdb.DuckDBPyConnection
    key_id: int | None
    llm: LlmTraces | None
    deadline: Deadline
    rows_of: RowsOf
    fetch: Fetch

    def newest(self, query: SpanQuery) -> list[IndexRow]:
        """The first ``query.count`` of a list."""
        candidates = CandidateFiles(self.fetch, query, self.key_id)
        found: list[IndexRow] = []
        while len(found) < query.count and (files := candidates.holding(query.count - len(found))):
            self.deadline.check()
            found = _first(found, self._newest_in(query, files), query.count)
        self.deadline.check()
        if len(found) == query.count:
            floor = found[-1].start_time_unix_nano
            if files := candidates.reaching(floor):
                found = _first(found, self._newest_in(query, files, floor), query.count)
        return found

    def _newest_in(
        self, query: SpanQuery, files: Sequence[int], floor: int | None = None
    ) -> list[IndexRow]:
        """The same as ``rows``, in memory of files whose rows are there."""
        asks_more = query.llm or query.where is not None or self.key_id is not None
        if asks_more or len(files) > FILES_IN_MEMORY_MAX:
            return self.rows(query, files, floor)
        found: list[IndexRow] = []
        others = []
        for file_id in files:
            rows = self.rows_of(file_id)
            if rows is None:
                others.append(file_id)
            else:
                found = _first(found, rows.first(query, floor), query.count)
        if others:
            found = _first(found, self.rows(query, others, floor), query.count)
        return found

    def rows(
        self, query: SpanQuery, files: Sequence[int] | None, floor: int | None = None
    ) -> list[IndexRow]:
        """The first of the list in these files, or in all; none that starts before the floor."""
        in_files = "true" if files is None else f"file_id IN {id_list(files)}"
        where = span_conditions(query)
        if floor is not None:
            where.append(f"start_time_unix_nano >= {floor}")
        if query.llm and self.llm is not None:
            where.append(f"trace_id IN ({self.llm.sql})")
        join = ""
        if self.key_id is not None:
            value = "true" if query.value is None else f"value = {text_literal(query.value)}"
            join = _VALUES.format(in_files=in_files, key_id=self.key_id, where=value)
        sql = _SPANS.format(
            columns=COLUMNS if self.key_id is None else COLUMNS_WITH_VALUE,
            join=join,
            in_files=in_files,
            order="duration_ns DESC," if query.slowest else "",
            where=" AND ".join(where) or "true",
            count=query.count,
        )
        return index_rows(self.cursor, sql)


def span_conditions(query: SpanQuery) -> list[str]:
    """What rows of ``indexed_spans`` may be of the list, from its beginning or its cursor on."""
    where = query.conditions.sql
    if query.where is not None:
        where.append(f"({condition_sql(query.where)}) IS DISTINCT FROM false")
    if query.service is not None:
        where.append(f"service_name = {text_literal(query.service)}")
    if query.roots:
        where.append("parent_span_id_uint64 IS NULL")
    if query.trace_ids is not None:
        where.append(f"trace_id IN ({', '.join(map(text_literal, sorted(query.trace_ids)))})")
    if query.since_unix_nano is not None:
        where.append(f"start_time_unix_nano >= {query.since_unix_nano}")
    if query.until_unix_nano is not None:
        where.append(f"start_time_unix_nano < {query.until_unix_nano}")
    if query.after is not None:
        where += _after(query)
    return where


def _position(row: IndexRow) -> Position:
    return Position(
        start_time_unix_nano=row.start_time_unix_nano,
        trace_id=row.trace_id,
        span_id=f"{row.span_id:016x}",
        span_kind=row.span_kind,
    )


def _after(query: SpanQuery) -> list[str]:
    assert query.after is not None  # noqa: S101 - the caller has looked
    start, trace_id = query.after.start_time_unix_nano, text_literal(query.after.trace_id)
    span_id, kind = int(query.after.span_id, 16), query.after.span_kind
    beyond = f"(trace_id, span_id_uint64, span_kind) > ({trace_id}, {span_id}, {kind})"
    older = [
        f"start_time_unix_nano <= {start}",
        f"(start_time_unix_nano < {start} OR {beyond})",
    ]
    duration = query.after.duration_ns
    if duration is None:
        return older
    quicker = f"(duration_ns < {duration} OR ({' AND '.join(older)}))"
    return [f"duration_ns <= {duration}", quicker]


def _first(found: list[IndexRow], more: list[IndexRow], count: int) -> list[IndexRow]:
    """Of rows that are in order either way; the first files mostly hold all."""
    return sorted([*found, *more], key=_order)[:count] if found else more


def _order(row: IndexRow) -> tuple[int, str, int, int]:
    """That of the newest first: hex digits have the order of the number."""
    return -row.start_time_unix_nano, row.trace_id, row.span_id, row.span_kind
