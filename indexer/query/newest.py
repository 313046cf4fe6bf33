"""Find the newest spans of the index that match a list: the rows, of the files that can hold them.

Files are looked into in order of the latest start that they hold of what is asked for, until
enough spans are found; then only files that can hold newer ones, and only their newer rows: a few
files, however many there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from indexer.errors import QueryRefused
from indexer.query.candidates import Candidates
from indexer.query.deadline import Deadline
from indexer.query.paging import SpanQuery, order_key
from indexer.register.trace_directory import TraceDirectory
from indexer.results import arrow_table, id_list, plain_rows, text_literal
from indexer.spans.attributes import LLM_FLAG
from indexer.spans.columns import SpanColumns
from indexer.spans.identifiers import parse_hex

FRESH_LLM_TRACES = "fresh_llm_traces"
"""A relation of the caller's: traces whose LLM call is in a span that is not indexed yet."""

_SPANS = """
SELECT file_id, file_row_number, trace_id, span_id_uint64, parent_span_id_uint64, service_name,
       name, start_time_unix_nano, duration_ns, status_code, span_kind{value}
FROM indexed_spans {join}
WHERE file_id IN {file_ids} AND {where}
ORDER BY start_time_unix_nano DESC, trace_id, span_id_uint64
LIMIT {count}
"""

_TRACES = "SELECT DISTINCT trace_id FROM indexed_spans WHERE file_id IN {file_ids} AND {where}"
_LLM_TRACES = f"""trace_id IN (
    SELECT trace_id FROM trace_files WHERE attribute_flags >= {LLM_FLAG} AND {{where}}
    UNION ALL SELECT trace_id FROM {FRESH_LLM_TRACES}
)"""


def newest_spans(
    cursor: duckdb.DuckDBPyConnection,
    query: SpanQuery,
    deadline: Deadline,
    directory: TraceDirectory | None = None,
) -> list[dict[str, Any]]:
    """The first ``query.count`` indexed spans of the list from its beginning, or its cursor, on.

    Each with the metadata of ``span_metadata`` and, where an attribute is asked for, its
    ``value``. A query for LLM traces needs the relation ``FRESH_LLM_TRACES``; ``directory``, the
    writer's, tells which files to ask for them. Raises QueryRefused for an attribute that is not
    promoted.
    """
    key_id = None if query.attribute is None else key_number(cursor, query.attribute)
    asked = _Asked(cursor, query, key_id, directory)
    candidates = Candidates(cursor, query, key_id)
    found: list[dict[str, Any]] = []
    while len(found) < query.count and (files := candidates.holding(query.count - len(found))):
        deadline.check()
        found = _first(found, asked.spans(files), query.count)
    deadline.check()
    if len(found) == query.count:
        floor = found[-1]["start_time_unix_nano"]
        if files := candidates.reaching(floor):
            found = _first(found, asked.spans(files, floor), query.count)
    return found


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
    """What one list asks of files."""

    cursor: duckdb.DuckDBPyConnection
    query: SpanQuery
    key_id: int | None
    directory: TraceDirectory | None

    def spans(self, files: Sequence[int], floor: int | None = None) -> list[dict[str, Any]]:
        """The first of the list in these files; none that starts before the floor."""
        file_ids = id_list(files)
        where = _span_conditions(self.query)
        if floor is not None:
            where.append(f"start_time_unix_nano >= {floor}")
        if self.query.llm:
            where.append(_LLM_TRACES.format(where=self._holders(file_ids, where)))
        join = ""
        if self.key_id is not None:
            join = "JOIN indexed_attributes USING (file_id, file_row_number)"
            where.append(f"key_id = {self.key_id}")
            if self.query.value is not None:
                where.append(f"value = {text_literal(self.query.value)}")
        sql = _SPANS.format(
            value="" if self.key_id is None else ", value",
            join=join,
            file_ids=file_ids,
            where=" AND ".join(where) or "true",
            count=self.query.count,
        )
        stored = plain_rows(self.cursor, sql)
        if self.key_id is None:
            return [span_row(one) for one in stored]
        return [{**span_row(one), "value": one["value"]} for one in stored]

    def _holders(self, file_ids: str, where: Sequence[str]) -> str:
        """Where in ``trace_files`` the traces of such spans are: a few files instead of all.

        Measured on 10M spans: 120 ms for a page of LLM traces without it.
        """
        if self.directory is None:
            return "true"
        sql = _TRACES.format(file_ids=file_ids, where=" AND ".join(where) or "true")
        traces = arrow_table(self.cursor, sql)["trace_id"].combine_chunks()
        (high, low), _ = parse_hex(traces, digits=32)
        _, held_by = self.directory.files(SpanColumns.key_of_trace(high, low))
        return f"file_id IN {id_list(np.unique(held_by))}" if len(held_by) else "false"


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
