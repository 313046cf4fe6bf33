"""The columns of some rows of one file, page by page, or by row groups where that fails.

Most columns have one value in all rows of a row group, which stands beside each row's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import CorruptPage
from indexer.parquet.file_columns import FileColumns
from indexer.parquet.page_maps import PageMap
from indexer.read.dialect_fields import Dialect, PayloadColumn
from indexer.read.payload_values import Reading
from indexer.read.tally import Counted, text_bytes
from indexer.read.values import ChunkReader, NotDecodedHere
from indexer.spans.limits import SpanLimits

_SLICES_MAX = 64
"""Rows that are taken one by one: a copy of one can be 200 MB."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PayloadLayout:
    """What the columns of one file are to a dialect, and what whole row groups have in them."""

    dialect: Dialect
    limits: SpanLimits
    places: Mapping[str, int]
    payload: Sequence[PayloadColumn]
    columns: Mapping[int, Reading]
    """By position."""
    absent: Mapping[str, Any]
    shared: dict[int, "SharedValues"] = field(default_factory=dict)
    """Of a row group by its number."""


@dataclass(slots=True, eq=False)
class SharedValues:
    """What all rows of a row group are known to have, by position; never to be changed."""

    values: dict[int, Any]
    text_bytes: int = field(init=False)
    looked_at: int = -1
    """How much was known of the file's pages by then."""
    made: Any = None
    """What a reader makes of them, left here for its next call."""

    def __post_init__(self) -> None:
        self.text_bytes = sum(map(text_bytes, self.values.values()))


class StoredRows(NamedTuple):
    """Rows of one row group: what all of its rows have in common, and their own values."""

    shared: SharedValues
    rows: list[int]
    """Of the file, in the order in which they were asked for."""
    own: dict[int, list[Any]]
    """One value for each of them, by position of the column."""

    def values(self, at: int) -> dict[int, Any]:
        """All columns of one of them, by its place here."""
        return {**self.shared.values, **{place: own[at] for place, own in self.own.items()}}


class PayloadRows:
    """Reads columns of some rows: page by page, or by row groups where that fails."""

    def __init__(
        self, source: Counted, page_map: PageMap, path: str, layout: PayloadLayout
    ) -> None:
        self._source, self._page_map, self._path = source, page_map, path
        self._layout, self._columns, self._limits = layout, layout.columns, layout.limits

    def read(self, rows: Sequence[int]) -> list[StoredRows]:
        """The rows of each row group with some of them; in it they are in their order."""
        found: list[StoredRows] = []
        left: set[int] = set()
        for number, wanted, inside in self._by_group(rows):
            shared = self._shared(number)
            own: dict[int, list[Any]] = {}
            for position in self._columns:
                if position not in shared.values:
                    try:
                        own[position] = self._chunk_values(number, position, inside)
                    except NotDecodedHere:
                        left.add(position)
            found.append(StoredRows(shared, wanted, own))
        if sum(len(part.rows) for part in found) < len(rows):
            raise CorruptPage("the file has fewer rows than were indexed", path=self._path)
        if left:
            self._source.count_chunks(self._page_map.groups, left, rows)
            self._add_by_row_group(sorted(left), found)
        return found

    def _by_group(self, rows: Sequence[int]) -> Iterator[tuple[int, list[int], list[int]]]:
        """Of each row group with some of the rows: its number, these, and their places in it."""
        lowest, highest = min(rows, default=0), max(rows, default=-1)
        after = 0
        for number, group in enumerate(self._page_map.groups):
            first, after = after, after + group.row_count
            if after <= lowest or first > highest:
                continue
            wanted = [row for row in rows if first <= row < after]
            if wanted:
                yield number, wanted, [row - first for row in wanted]

    def _shared(self, number: int) -> SharedValues:
        known = self._layout.shared.get(number)
        parts = self._page_map.parts
        if known is not None and known.looked_at == parts:
            return known  # nothing has become known since
        values = {} if known is None else known.values
        found = {}
        for position in self._columns.keys() - values.keys():
            chunk = self._page_map.chunk(number, position)
            if chunk is not None and self._page_map.constant(chunk) is not None:
                with suppress(NotDecodedHere):
                    (found[position],) = self._chunk_values(number, position, [0])
        if known is None or found:
            known = self._layout.shared[number] = SharedValues({**values, **found})
        known.looked_at = parts
        return known

    def _chunk_values(self, number: int, position: int, rows: Sequence[int]) -> list[Any]:
        column, limits = self._columns[position], self._limits
        chunk = self._page_map.chunk(number, position)
        if chunk is None:
            raise NotDecodedHere(f"column {position} has several parts")
        row_count = self._page_map.groups[number].row_count
        texts_of = partial(column.texts, limits)
        reader = ChunkReader(
            self._source,
            chunk,
            self._path,
            self._page_map,
            texts_of,
            row_count,
            before_large=self._source.will_wait,
        )
        values = reader.values(rows)
        return [column.content(limits, one) if isinstance(one, bytes) else one for one in values]

    def _add_by_row_group(self, positions: list[int], found: Sequence[StoredRows]) -> None:
        """The columns at these positions, of row groups that are read as a whole."""
        by_row = self._by_row_group(positions, [row for part in found for row in part.rows])
        for part in found:
            for position in positions:
                part.own[position] = [by_row[row][position] for row in part.rows]

    def _by_row_group(self, positions: list[int], rows: Sequence[int]) -> dict[int, dict[int, Any]]:
        file = FileColumns(self._source.whole, self._path)
        by_row: dict[int, dict[int, Any]] = {}
        first = 0
        for number, group in enumerate(self._page_map.groups):
            after = first + group.row_count
            wanted = [row for row in rows if first <= row < after]
            if wanted:
                table = file.read_row_group(number, positions)
                taken = _take(table, [row - first for row in wanted])
                values = {
                    position: self._columns[position].values(column, self._limits)
                    for position, column in zip(positions, taken.columns, strict=True)
                }
                for at, row in enumerate(wanted):
                    by_row[row] = {position: values[position][at] for position in positions}
            first = after
        return by_row


def _take(table: pa.Table, rows: Sequence[int]) -> pa.Table:
    """Those rows; without a copy where there are few, which may be long."""
    if len(rows) > _SLICES_MAX:
        return table.take(rows)
    return pa.concat_tables([table.slice(row, 1) for row in rows])
