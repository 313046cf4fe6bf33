"""The rows of one table in one snapshot, by number, as columns of Arrow.

A query asks for the columns that it reads, and for none where it only counts rows.
"""

import threading
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from indexer.live.ring import RingSnapshot, Segment


class Reader(Protocol):
    """What makes rows of segments."""

    @property
    def sql_types(self) -> Mapping[str, str]:
        """The SQL type of each column."""
        ...

    @property
    def schema(self) -> pa.Schema:
        """The columns of the rows."""
        ...

    def count(self, segment: Segment, skip: int) -> int:
        """How many rows a segment has but for those of its first ``skip`` records."""
        ...

    def column(self, segment: Segment, name: str) -> pa.Array:
        """All values of a segment in a column."""
        ...


class TableRows:
    """Rows are numbered from 0, oldest first, across all segments."""

    def __init__(self, reader: Reader, snapshot: RingSnapshot) -> None:
        self._reader = reader
        self._segments = snapshot.segments
        counts = [
            reader.count(one, max(0, snapshot.first_row - one.first_row)) for one in self._segments
        ]
        self._ends = list(accumulate(counts))
        # DuckDB 1.5 does not own what is inside of lists and structs that it is given. A thread
        # of it is done with some rows before it asks for the next ones.
        self._given: dict[tuple[int, str], pa.Array] = {}

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def column(self, name: str, numbers: Any) -> pa.Array:
        """The values of these rows (int64, without NULL) in a column, in the order asked."""
        if not len(numbers):
            return pa.array([], self._reader.schema.field(name).type)
        first, end = int(numbers[0]), int(numbers[-1]) + 1
        is_range = end - first == len(numbers) and bool((numbers[1:] > numbers[:-1]).all())
        found = list(self._range(name, first, end) if is_range else self._parts(name, numbers))
        given = found[0] if len(found) == 1 else pa.concat_arrays(found)
        return self._keep(name, given)

    def ranges(self, name: str, firsts: Any, ends: Any) -> pa.ListArray:
        """The values of ranges of rows (int64, ends excluded) in a column, a list for each."""
        found = [
            part
            for first, end in _neighbours(firsts, ends)
            for part in self._range(name, first, end)
        ]
        values = found[0] if len(found) == 1 else pa.concat_arrays(found)
        offsets = np.concatenate([[0], np.cumsum(ends - firsts)]).astype(np.int32)
        return self._keep(name, pa.ListArray.from_arrays(pa.array(offsets), values))

    def _keep(self, name: str, given: pa.Array) -> pa.Array:
        self._given[threading.get_ident(), name] = given
        return given

    def _range(self, name: str, first: int, end: int) -> Iterator[pa.Array]:
        """What a query without a filter asks for: neighbouring rows, of few segments."""
        number = bisect_right(self._ends, first)
        while first < end:
            part_end = min(end, self._ends[number])
            if first < part_end:
                values = self._reader.column(self._segments[number], name)
                # Rows that have left are the first of the first segment.
                offset = first - self._ends[number] + len(values)
                yield values.slice(offset, part_end - first)
            first, number = part_end, number + 1

    def _parts(self, name: str, numbers: Any) -> Iterator[pa.Array]:
        """One for each run of rows of the same segment, in any order."""
        segments = np.searchsorted(self._ends, numbers, side="right")
        edges = np.flatnonzero(np.diff(segments)) + 1
        for part, places in zip(np.split(numbers, edges), np.split(segments, edges), strict=True):
            number = int(places[0])
            values = self._reader.column(self._segments[number], name)
            yield values.take(pa.array(part - self._ends[number] + len(values)))


def _neighbours(firsts: Any, ends: Any) -> Iterator[tuple[int, int]]:
    """Ranges, where one that begins where the one before it ends is part of that one."""
    edges = np.flatnonzero(firsts[1:] != ends[:-1]) + 1
    yield from zip(
        firsts[np.concatenate([[0], edges])].tolist(),
        ends[np.concatenate([edges - 1, [-1]])].tolist(),
        strict=True,
    )
