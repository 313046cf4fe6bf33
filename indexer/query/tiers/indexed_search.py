"""Find spans of the index that only their payload tells, file by file in the order of the list.

What the index knows narrows each file's rows first. The search ends where the page is full and no
file left can hold an earlier span, or where it has cost what it may: then it says up to where the
list is decided, and the next page goes on from there.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import islice

import duckdb
import numpy as np

from indexer.catalog.key_summaries import Key
from indexer.deferred_dataclass import dataclass
from indexer.errors import IndexerError
from indexer.query.cost import CostAccount
from indexer.query.deadline import Deadline
from indexer.query.find.absences import Absences
from indexer.query.find.condition_bounds import may_hold
from indexer.query.find.condition_tree import Condition, payload_columns, payload_leaves
from indexer.query.find.file_bounds import FileBound, file_bounds
from indexer.query.find.index_row import COLUMNS, IndexRow, index_rows
from indexer.query.find.index_scan import span_conditions
from indexer.query.find.key_summaries import key_of, key_summaries, may_meet
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.query.find.promoted_rows import PromotedRows, promoted_files, promoted_rows, rows_sql
from indexer.query.find.span_query import Position, SpanQuery
from indexer.query.missing import Missing
from indexer.query.span import DataFile
from indexer.query.tiers.known_rows import asks_every_row, every_row, known, known_rows, row_counts
from indexer.query.tiers.payload_readers import FilePayload
from indexer.query.tiers.payload_search import KnownRows, PayloadSearch, Places
from indexer.query.tiers.read_ahead import ReadAhead
from indexer.spans.key_summary import KeySummary
from indexer.system.duckdb_rows import Fetch, arrow_table, id_list
from indexer.system.storage import LocalStorage

FILES_AT_ONCE = (1, 64)
"""Files that the index is asked for at first and at most; ``GROWTH`` times as many each time: the
first one mostly has a page of what is common, and asking costs five statements."""
GROWTH = 16
SUMMARIES_AT_ONCE = 1_024
"""Files that are left out at once where nothing in them can match."""

_Placed = tuple[int, FileBound]
"""A file, and which one it is of all that may hold spans of the list."""

_ORDER = "{order} start_time_unix_nano DESC, trace_id, span_id_uint64, span_kind"
_ORDERED = """
SELECT file_row_number FROM indexed_spans
WHERE file_id = {file_id} AND {where} ORDER BY {order}
"""
_ROWS = f"SELECT {COLUMNS} FROM indexed_spans WHERE "
_FOUND = f"{_ROWS} file_id = {{file_id}} AND file_row_number IN {{rows}}"
_DECIDED = f"{_ROWS} file_id IN {{ids}} AND {{where}} ORDER BY {{order}} LIMIT {{count}}"
LISTED_ROWS_MAX = 1_024
"""Rows that the index is asked to put in order by their numbers; of more, it orders the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedMatches:
    """The first rows of a list, in its order, and up to where it is decided."""

    rows: Sequence[IndexRow]
    missing: tuple[Missing, ...]
    undecided_from: Position | None
    """Spans at this place and after it were not all looked at; None where all were that count."""
    files_left: int


@dataclass(slots=True, kw_only=True)
class IndexedSearch:
    """One search over the files of the index."""

    cursor: duckdb.DuckDBPyConnection
    storage: LocalStorage
    deadline: Deadline
    account: CostAccount
    query: SpanQuery
    condition: Condition
    absences: Absences
    files: Callable[[Collection[int]], Mapping[int, DataFile]]
    """The data files of some ids."""
    fetch: Fetch
    """Gives the rows of a statement that lists of all kinds ask for."""
    _found: list[IndexRow] = field(default_factory=list)
    _missing: list[Missing] = field(default_factory=list)
    _summaries: dict[int, dict[Key, KeySummary]] = field(default_factory=dict)
    """What the index has learnt of keys of the files that are looked into next."""
    _ahead: ReadAhead = field(default_factory=ReadAhead)

    def run(self) -> IndexedMatches:
        """Raises what the deadline raises."""
        with self._ahead:
            return self._run()

    def _run(self) -> IndexedMatches:
        bounds = file_bounds(self.cursor, self.query, self.fetch)
        promoted = promoted_rows(self.condition, self.fetch)
        is_begun = False
        for group in _groups(self._not_ruled_out(bounds)):
            if self._is_full_before(group[0][1][0]):
                break
            opened = self._opened([file_id for _, (_, file_id) in group], promoted)
            for place, (bound, file_id) in group:
                self.deadline.check()
                if self._is_full_before(bound):
                    return self._matches()
                if is_begun and self.account.is_search_spent:
                    return self._matches(bound, len(bounds) - place)
                if file_id in opened:
                    now = opened.pop(file_id)
                    if is_begun and not self.account.is_last_file:
                        self._read_ahead(next(iter(opened.values()), None))
                    self._search(file_id, now)
                is_begun = True
        return self._matches()

    def _opened(
        self, file_ids: Collection[int], promoted: Sequence[PromotedRows]
    ) -> dict[int, "_Opened"]:
        """Of those of some files that may have rows of the list, what is known of these rows.

        Where the index tells which rows they are, they are found.
        """
        files = self._worth_opening(self.files(file_ids))
        by_index = promoted_files(promoted, files.keys(), self.fetch)
        where = f"{self._where} AND {rows_sql(promoted, by_index.some)}"
        decided = (
            by_index.exact if len(payload_leaves(self.condition)) == len(promoted) else set[int]()
        )
        if decided:
            self._add(
                _DECIDED.format(
                    ids=id_list(decided), where=where, order=self._order, count=self.query.count
                )
            )
        others = {one: file for one, file in files.items() if one not in by_index.some}
        every = every_row(self.cursor, others) if self._is_of_every_row else {}
        rows = every | known_rows(
            self.cursor, others.keys() - every.keys(), self._where, self.condition
        )
        rows |= known_rows(self.cursor, by_index.some - decided, where, self.condition)
        near = by_index.some if any(one.is_near for one in promoted) else frozenset[int]()
        counts = row_counts(self.cursor, rows.keys() - near - every.keys())
        met = [one.condition for one in promoted]
        opened = {}
        for file_id in file_ids:
            if file_id in rows:
                reader = FilePayload(
                    storage=self.storage,
                    file=files[file_id],
                    row_count=counts.get(file_id, len(rows[file_id])),
                    account=self.account,
                    absences=self.absences.of(files[file_id]),
                    known_keys=self._summaries.get(file_id, {}),
                    ahead=self._ahead,
                )
                found = known(
                    rows[file_id], self.condition, met if file_id in by_index.exact else ()
                )
                search = PayloadSearch(self.condition, found, reader)
                opened[file_id] = _Opened(
                    known=found, reader=reader, search=search, is_near=file_id in near
                )
        return opened

    def _read_ahead(self, following: "_Opened | None") -> None:
        if following is not None and not following.is_near and following.search.reads_columns:
            following.reader.begin(payload_columns(self.condition))

    def _matches(self, bound: Position | None = None, left: int = 0) -> IndexedMatches:
        found = self._found
        if bound is not None:
            end = self.query.place(bound)
            found = [row for row in found if self.query.place(self._position(row)) < end]
        return IndexedMatches(
            rows=found,
            missing=tuple(self._missing),
            undecided_from=None if bound is None else bound.before,
            files_left=left,
        )

    def _is_full_before(self, bound: Position) -> bool:
        if len(self._found) < self.query.count:
            return False
        return self.query.place(self._position(self._found[-1])) < self.query.place(bound)

    @property
    def _where(self) -> str:
        where = span_conditions(self.query)
        if len(self._found) == self.query.count:
            last = self._found[-1]
            where.append(
                f"duration_ns >= {last.duration_ns}"
                if self.query.slowest
                else f"start_time_unix_nano >= {last.start_time_unix_nano}"
            )
        return " AND ".join(where) or "true"

    @property
    def _is_of_every_row(self) -> bool:
        """Whether it is for the payload alone to tell which spans of a file are of the list."""
        is_full = len(self._found) == self.query.count
        others = replace(self.query, where=None)
        return not (is_full or span_conditions(others)) and asks_every_row(self.condition)

    def _not_ruled_out(self, bounds: Sequence[FileBound]) -> Iterator[_Placed]:
        """The files, with their places among all, without those that cannot match."""
        asked = [
            one for one in payload_leaves(self.condition) if isinstance(one, AttributeCondition)
        ]
        for first in range(0, len(bounds), SUMMARIES_AT_ONCE):
            some = bounds[first : first + SUMMARIES_AT_ONCE]
            self._summaries = key_summaries(self.cursor, [one for _, one in some], asked)
            for place, bound in enumerate(some, first):
                if self._may_match(bound[1]):
                    yield place, bound

    def _may_match(self, file_id: int) -> bool:
        known = self._summaries.get(file_id, {})

        def is_ruled_out(leaf: AttributeCondition) -> bool:
            summary = known.get(key_of(leaf))
            return summary is not None and not may_meet(summary, leaf)

        return not known or may_hold(self.condition, is_ruled_out)

    def _worth_opening(self, files: Mapping[int, DataFile]) -> dict[int, DataFile]:
        """Those of which it is not known that no row can meet the conditions."""
        return {
            file_id: file
            for file_id, file in files.items()
            if may_hold(self.condition, self.absences.of(file).rules_out)
        }

    def _search(self, file_id: int, opened: "_Opened") -> None:
        known, search = opened.known, opened.search
        try:
            candidates = search.possible() if opened.is_near else search.candidates()
            if len(candidates):
                ordered = self._ordered(file_id, known, candidates)
                met = known.row[search.first(ordered, self.query.count)].tolist()
                if met:
                    self._add(_FOUND.format(file_id=file_id, rows=id_list(met)))
        except IndexerError as error:
            self._missing.append(Missing.of_error(error, opened.reader.file.path))

    def _ordered(self, file_id: int, known: KnownRows, candidates: Places) -> Places:
        """The candidates in the order of the list."""
        where = self._where
        if len(candidates) <= LISTED_ROWS_MAX:
            where = f"{where} AND file_row_number IN {id_list(known.row[candidates].tolist())}"
        sql = _ORDERED.format(file_id=file_id, where=where, order=self._order)
        rows = arrow_table(self.cursor, sql).column(0).to_numpy()
        by_row = np.argsort(known.row, kind="stable")
        places = by_row[np.searchsorted(known.row, rows, sorter=by_row).clip(max=len(by_row) - 1)]
        is_known = known.row[places] == rows
        ordered: Places = places[is_known & np.isin(places, candidates)]
        return ordered

    @property
    def _order(self) -> str:
        return _ORDER.format(order="duration_ns DESC," if self.query.slowest else "")

    def _add(self, sql: str) -> None:
        """Rows of the list that a statement gives."""
        self._found += index_rows(self.cursor, sql)
        self._found.sort(key=lambda row: self.query.place(self._position(row)))
        del self._found[self.query.count :]

    def _position(self, row: IndexRow) -> Position:
        return Position(
            start_time_unix_nano=row.start_time_unix_nano,
            trace_id=row.trace_id,
            span_id=f"{row.span_id:016x}",
            span_kind=row.span_kind,
            duration_ns=row.duration_ns if self.query.slowest else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Opened:
    """A file that is looked into."""

    known: KnownRows
    reader: FilePayload
    search: PayloadSearch
    is_near: bool
    """Nearly all of the rows are of the list, and no more are read than it needs."""


def _groups(bounds: Iterator[_Placed]) -> Iterator[Sequence[_Placed]]:
    size, most = FILES_AT_ONCE
    while group := list(islice(bounds, size)):
        yield group
        size = min(GROWTH * size, most)
