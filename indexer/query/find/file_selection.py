"""Which files can hold the first spans of a list, and in which order to look into them.

The index knows of each file and service how many spans and roots there are and when the last one
starts. A list is looked for in as few files as can hold a page of it, newest first; once it is
full, only files with a span newer than its last one can change it.
"""

from collections import deque

from indexer.deferred_dataclass import dataclass
from indexer.query.find.span_query import SpanQuery
from indexer.system.duckdb_rows import Fetch, text_literal

FILES_AT_FIRST = 16
"""Files that are listed at first; four times as many each time that was not enough."""
GROWTH = 4

_FILES = """
SELECT file_id, max(last_start_unix_nano) AS last_start, {spans}
FROM file_services {join} WHERE {where}
GROUP BY file_id ORDER BY last_start DESC, file_id
"""


@dataclass(frozen=True, slots=True)
class CandidateFile:
    """A file, the latest start of what is asked for in it, and at most how many spans of it."""

    file_id: int
    last_start_unix_nano: int
    spans_max: int


class CandidateFiles:
    """The files that one list may be in, each given once. ``key_id`` is its attribute's number."""

    def __init__(self, fetch: Fetch, query: SpanQuery, key_id: int | None) -> None:
        self._fetch = fetch
        self._statement = _statement(query, key_id)
        self._listed: deque[CandidateFile] = deque()
        self._offset, self._limit = 0, FILES_AT_FIRST
        self._at_least = 1

    def holding(self, wanted: int) -> list[int]:
        """The next files that may have so many spans of the list between them.

        What a file may have is an upper bound, so each time four times as many files are given.
        """
        chosen: list[int] = []
        spans = 0
        while (spans < wanted or len(chosen) < self._at_least) and (file := self._next()):
            chosen.append(file.file_id)
            spans += file.spans_max
        self._at_least = GROWTH * len(chosen)
        return chosen

    def reaching(self, floor_unix_nano: int) -> list[int]:
        """All other files with a span that starts at the floor or later."""
        chosen: list[int] = []
        while (file := self._next()) and file.last_start_unix_nano >= floor_unix_nano:
            chosen.append(file.file_id)
        return chosen

    def _next(self) -> CandidateFile | None:
        if not self._listed and self._limit:
            page = f"{self._statement} LIMIT {self._limit} OFFSET {self._offset}"
            self._listed.extend(CandidateFile(*row) for row in self._fetch(page))
            is_last = len(self._listed) < self._limit
            self._offset += self._limit
            self._limit = 0 if is_last else self._limit * GROWTH
        return self._listed.popleft() if self._listed else None


def _statement(query: SpanQuery, key_id: int | None) -> str:
    spans = f"sum({'root_span_count' if query.roots else 'span_count'})::BIGINT"
    join = ""
    if key_id is not None:
        given = f"FROM file_attributes WHERE key_id = {key_id} AND value_count > 0"
        join = f"JOIN (SELECT file_id, value_count {given}) USING (file_id)"
        spans = f"least({spans}, max(value_count))"
    where = " AND ".join(list_conditions(query)) or "true"
    return _FILES.format(spans=spans, join=join, where=where)


def overlapping(query: SpanQuery) -> list[str]:
    """What rows of ``file_services`` are of the list's service, traces and bounds."""
    where = []
    if query.service is not None:
        where.append(f"service_name = {text_literal(query.service)}")
    if query.since_unix_nano is not None:
        where.append(f"last_start_unix_nano >= {query.since_unix_nano}")
    if query.until_unix_nano is not None:
        where.append(f"first_start_unix_nano < {query.until_unix_nano}")
    if query.trace_ids is not None:
        traces = f"trace_id IN ({', '.join(map(text_literal, sorted(query.trace_ids)))})"
        where.append(f"file_id IN (SELECT file_id FROM trace_files WHERE {traces})")
    return where


def list_conditions(query: SpanQuery) -> list[str]:
    """What rows of ``file_services`` may have spans of the list after its cursor."""
    where = overlapping(query)
    if query.roots:
        where.append("root_span_count > 0")
    if query.after is not None:
        where.append(f"first_start_unix_nano <= {query.after.start_time_unix_nano}")
    return where
