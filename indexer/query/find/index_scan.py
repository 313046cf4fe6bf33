"""Find the newest spans of the index that match a list: the rows, of the files that can hold them.

Files are looked into in order of the latest start that they hold of what is asked for, until
enough spans are found; then only files that can hold newer ones, and only their newer rows: a few
files, however many there are.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from indexer.catalog.trace_directory import TraceDirectory
from indexer.errors import QueryRefused
from indexer.query.deadline import Deadline
from indexer.query.find.file_selection import Candidates
from indexer.query.find.llm_traces import llm_traces
from indexer.query.find.span_query import LIMIT_MAX, Position, SpanQuery, order_key
from indexer.spans.attributes import LLM_FLAG
from indexer.system.duckdb_rows import id_list, plain_rows, text_literal

LLM_SHARE = 4
"""Where a fourth of the spans or more are of LLM traces, a page so many times as large has a page
of theirs."""

_SPANS = """
SELECT file_id, file_row_number, trace_id, span_id_uint64, parent_span_id_uint64, service_name,
       name, start_time_unix_nano, duration_ns, status_code, span_kind{value}
FROM indexed_spans {join}
WHERE file_id IN {file_ids} AND {where}
ORDER BY start_time_unix_nano DESC, trace_id, span_id_uint64
LIMIT {count}
"""

_VALUES = """JOIN (
    SELECT file_id, file_row_number, value FROM indexed_attributes
    WHERE file_id IN {file_ids} AND key_id = {key_id} AND {where}
) USING (file_id, file_row_number)"""

_LLM_TRACES = f"""trace_id IN (
    SELECT trace_id FROM trace_files WHERE attribute_flags >= {LLM_FLAG}
    UNION ALL SELECT unnest([{{fresh}}]::VARCHAR[])
)"""


def newest_spans(
    cursor: duckdb.DuckDBPyConnection,
    query: SpanQuery,
    deadline: Deadline,
    *,
    key_id: int | None = None,
    fresh_llm: AbstractSet[str] = frozenset(),
    directory: TraceDirectory | None = None,
) -> list[dict[str, Any]]:
    """The first ``query.count`` indexed spans of the list from its beginning, or its cursor, on.

    Each with the metadata of ``span_metadata`` and, where an attribute is asked for, its
    ``value``, by the attribute's number, ``key_id``. ``fresh_llm`` are traces whose LLM call is
    in a span that is not indexed yet; ``directory`` is the writer's, where this is its process.
    """
    asked = _Asked(cursor, key_id, fresh_llm, deadline)
    if not query.llm:
        return asked.newest(query)
    wide = replace(query, llm=False, offset=0, limit=min(LLM_SHARE * query.count, LIMIT_MAX))
    first = asked.newest(wide)
    traces = {span["trace_id"] for span in first}
    calling = llm_traces(cursor, traces - fresh_llm, directory) | fresh_llm
    found = [span for span in first if span["trace_id"] in calling]
    if len(first) == wide.count and len(found) < query.count:
        found += asked.newest(replace(query, after=_position(first[-1])))
    return found[: query.count]


def span_row(stored: dict[str, Any]) -> dict[str, Any]:
    """A row of ``indexed_spans`` with the columns of ``span_metadata``."""
    parent, start = stored["parent_span_id_uint64"], stored["start_time_unix_nano"]
    return {
        "file_id": stored["file_id"],
        "file_row_number": stored["file_row_number"],
        "trace_id": stored["trace_id"],
        "span_id": f"{stored['span_id_uint64']:016x}",
        "parent_span_id": None if parent is None else f"{parent:016x}",
        "service_name": stored["service_name"],
        "name": stored["name"],
        "start_time_unix_nano": start,
        "end_time_unix_nano": start + stored["duration_ns"],
        "duration_ns": stored["duration_ns"],
        "status_code": stored["status_code"],
        "span_kind": stored["span_kind"],
    }


def key_number(cursor: duckdb.DuckDBPyConnection, key: str) -> int:
    """The catalog's number of a key. Raises QueryRefused when it is not promoted."""
    numbers = key_numbers(cursor)
    if key not in numbers:
        raise QueryRefused(
            f"{key} is not among the promoted attributes",
            hint=f"INDEXER_PROMOTED_ATTRIBUTES has {', '.join(numbers) or 'none'}; add it there.",
        )
    return numbers[key]


def key_numbers(cursor: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The promoted attributes and their numbers in this catalog, by name."""
    found = cursor.execute("SELECT key, key_id FROM promoted_attributes ORDER BY key").fetchall()
    return dict(found)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one question asks of files.

    Where LLM calls are common, a wide page of all spans holds a page of theirs, and asking for
    its traces is all there is to do. Where they are rare, few traces have one, and all of them are
    joined (4M spans, each trace with a call: 12 ms and 50 ms).
    """

    cursor: duckdb.DuckDBPyConnection
    key_id: int | None
    fresh_llm: AbstractSet[str]
    deadline: Deadline

    def newest(self, query: SpanQuery) -> list[dict[str, Any]]:
        """The first ``query.count`` of a list."""
        candidates = Candidates(self.cursor, query, self.key_id)
        found: list[dict[str, Any]] = []
        while len(found) < query.count and (files := candidates.holding(query.count - len(found))):
            self.deadline.check()
            found = _first(found, self._spans(query, files), query.count)
        self.deadline.check()
        if len(found) == query.count:
            floor = found[-1]["start_time_unix_nano"]
            if files := candidates.reaching(floor):
                found = _first(found, self._spans(query, files, floor), query.count)
        return found

    def _spans(
        self, query: SpanQuery, files: Sequence[int], floor: int | None = None
    ) -> list[dict[str, Any]]:
        """The first of the list in these files; none that starts before the floor."""
        file_ids = id_list(files)
        where = _span_conditions(query)
        if floor is not None:
            where.append(f"start_time_unix_nano >= {floor}")
        if query.llm:
            fresh = ", ".join(text_literal(one) for one in sorted(self.fresh_llm))
            where.append(_LLM_TRACES.format(fresh=fresh))
        join = ""
        if self.key_id is not None:
            value = "true" if query.value is None else f"value = {text_literal(query.value)}"
            join = _VALUES.format(file_ids=file_ids, key_id=self.key_id, where=value)
        sql = _SPANS.format(
            value="" if self.key_id is None else ", value",
            join=join,
            file_ids=file_ids,
            where=" AND ".join(where) or "true",
            count=query.count,
        )
        stored = plain_rows(self.cursor, sql)
        if self.key_id is None:
            return [span_row(one) for one in stored]
        return [{**span_row(one), "value": one["value"]} for one in stored]


def _span_conditions(query: SpanQuery) -> list[str]:
    where = []
    if query.service is not None:
        where.append(f"service_name = {text_literal(query.service)}")
    if query.roots:
        where.append("parent_span_id_uint64 IS NULL")
    if query.since_unix_nano is not None:
        where.append(f"start_time_unix_nano >= {query.since_unix_nano}")
    if query.until_unix_nano is not None:
        where.append(f"start_time_unix_nano < {query.until_unix_nano}")
    if query.after is not None:
        where += _after(query)
    return where


def _position(span: dict[str, Any]) -> Position:
    return Position(
        start_time_unix_nano=span["start_time_unix_nano"],
        trace_id=span["trace_id"],
        span_id=span["span_id"],
    )


def _after(query: SpanQuery) -> list[str]:
    assert query.after is not None  # noqa: S101 - the caller has looked
    start, trace_id = query.after.start_time_unix_nano, text_literal(query.after.trace_id)
    span_id = int(query.after.span_id, 16)
    return [
        f"start_time_unix_nano <= {start}",
        f"(start_time_unix_nano < {start} OR (trace_id, span_id_uint64) > ({trace_id}, {span_id}))",
    ]


def _first(
    found: Sequence[dict[str, Any]], more: Sequence[dict[str, Any]], count: int
) -> list[dict[str, Any]]:
    return sorted([*found, *more], key=order_key)[:count]
