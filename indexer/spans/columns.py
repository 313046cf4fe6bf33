"""The spans of one or more files as parallel arrays, sorted by (file, trace, place).

Sorting by trace inside a file is what makes the catalog small (a trace's ids repeat) and its
lookups fast (neighbouring rows); see the measurements behind decision 3 of the design.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.spans.column_types import Vectors
from indexer.spans.identifiers import UInt64Array
from indexer.spans.identity import Index, SpanKeys
from indexer.spans.metadata import SpanMetadata
from indexer.spans.schema import COLUMNS, IDENTITY, PLACE, Column
from indexer.spans.texts import Texts

IntArray = npt.NDArray[np.int64]

STATUS_CODE_ERROR = 2  # OTLP trace.proto, Status.StatusCode

_FILE_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, eq=False)
class SpanColumns:
    """Parallel arrays, one element a span. ``slot`` says which file of the batch it is from.

    Its place in the file is the ``row``, and the ``position`` in that: 0 but for writers that put
    a whole trace into a row. Times are nanoseconds; ``parent_span_id`` 0 means root, as no real
    span id is 0.
    """

    slot: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]
    position: npt.NDArray[np.int32]
    trace_hi: UInt64Array
    trace_lo: UInt64Array
    span_id: UInt64Array
    parent_span_id: UInt64Array
    start: IntArray
    duration: IntArray
    status: npt.NDArray[np.int8]
    kind: npt.NDArray[np.int8]
    service: Texts
    name: Texts

    def __len__(self) -> int:
        return len(self.slot)

    def take(self, index: Index) -> "SpanColumns":
        """The chosen rows, by position, mask or slice."""
        taken: dict[str, Any] = {}
        for item in fields(self):
            column = getattr(self, item.name)
            taken[item.name] = column.take(index) if isinstance(column, Texts) else column[index]
        return SpanColumns(**taken)

    @property
    def trace_key(self) -> UInt64Array:
        """64 bits that stand for a trace id: equal ids have equal keys."""
        return self.keys.trace_key

    @property
    def keys(self) -> SpanKeys:
        """What makes each row the span that it is."""
        return SpanKeys(self.trace_hi, self.trace_lo, self.span_id, self.kind)

    def vectors(self, column: Column) -> list[Any]:
        """The arrays of a declared column."""
        return [getattr(self, name) for name in column.fields]

    def to_arrow(self, file_ids: npt.NDArray[np.int32]) -> pa.Table:
        """Rows of ``indexed_spans``; slot ``i`` becomes ``file_ids[i]``."""
        stored = {one.stored: one.type.to_arrow(self.vectors(one)) for one in COLUMNS}
        return pa.table({"file_id": file_ids[self.slot], **stored})

    @classmethod
    def empty(cls) -> Self:
        """No spans."""
        return cls(np.zeros(0, np.int32), **_by_field(lambda column: column.type.empty()))

    @classmethod
    def from_arrow(cls, table: pa.Table, slots: dict[int, int]) -> Self:
        """From rows of ``indexed_spans``; ``slots`` maps file_id to the slot it gets."""
        file_ids = table["file_id"].combine_chunks().to_numpy()
        known, inverse = np.unique(file_ids, return_inverse=True)
        return cls(
            np.array([slots[int(f)] for f in known], np.int32)[inverse],
            **_by_field(lambda one: one.type.from_arrow(table[one.stored].combine_chunks())),
        )

    def rows(self) -> Iterator[SpanMetadata]:
        """One value a span, for people and tests; the stages never loop over spans."""
        values = [column.type.to_rows(self.vectors(column)) for column in COLUMNS]
        names = [column.name for column in COLUMNS]
        for row in zip(*values, strict=True):
            yield SpanMetadata(**dict(zip(names, row, strict=True)))


def _by_field(vectors_of: Callable[[Column], Vectors]) -> dict[str, Any]:
    """The arrays of all columns by the fields that hold them."""
    return {
        name: vector
        for column in COLUMNS
        for name, vector in zip(column.fields, vectors_of(column), strict=True)
    }


def _check_declared(holder: Any, names: Iterable[str]) -> None:
    """Raise TypeError when a class does not have exactly the declared fields."""
    given = {item.name for item in fields(holder)}
    if given ^ set(names):
        raise TypeError(f"{holder.__name__} and spans.schema differ in {given ^ set(names)}")


_check_declared(SpanColumns, ["slot", *(name for one in COLUMNS for name in one.fields)])
_check_declared(SpanKeys, [name for one in IDENTITY for name in one.fields])
_check_declared(SpanMetadata, [one.name for one in COLUMNS])


def concatenate(parts: Sequence[SpanColumns], slot_counts: Sequence[int]) -> SpanColumns:
    """The spans of several batches as one; slots are renumbered in order of the batches."""
    if len(parts) == 1:
        return parts[0]
    offsets = np.cumsum([0, *slot_counts[:-1]])
    joined: dict[str, Any] = {}
    for item in fields(SpanColumns):
        columns = [getattr(part, item.name) for part in parts]
        if item.type in (Texts, "Texts"):
            joined[item.name] = _concatenate_texts(columns)
        else:
            joined[item.name] = np.concatenate(columns)
    shift = np.repeat(offsets, [len(part) for part in parts]).astype(np.int32)
    joined["slot"] = joined["slot"] + shift
    return SpanColumns(**joined)


def _concatenate_texts(parts: Sequence[Texts]) -> Texts:
    distinct: dict[str, int] = {}
    codes = []
    for part in parts:
        renumber = [distinct.setdefault(value, len(distinct)) for value in part.values]
        codes.append(np.array(renumber, np.int32)[part.codes] if renumber else part.codes)
    return Texts(np.concatenate(codes), tuple(distinct))


def sorted_by_trace(columns: SpanColumns) -> SpanColumns:
    """Rows in order of (slot, trace id, place).

    The first 48 bits of the trace id decide almost always, in one stable sort of integers; ids
    that agree in those and differ later (hand-made ids) take the exact, slower way.
    """
    coarse = (columns.slot.astype(np.uint64) << np.uint64(48)) | (columns.trace_hi >> np.uint64(16))
    order = np.argsort(coarse, kind="stable")
    ordered = columns.take(order)
    same = coarse[order][1:] == coarse[order][:-1]
    differs = (ordered.trace_hi[1:] != ordered.trace_hi[:-1]) | (
        ordered.trace_lo[1:] != ordered.trace_lo[:-1]
    )
    if not (same & differs).any():
        return ordered
    trace = (columns.trace_hi, columns.trace_lo)
    return columns.take(np.lexsort((columns.slot, *trace, *_arrays(columns, PLACE))[::-1]))


def without_doubles(columns: SpanColumns, slot_count: int) -> tuple[SpanColumns, IntArray]:
    """Keep the first copy of each span of a file; count the dropped ones per slot.

    Doubles across files are another matter: see ``catalog.ownership``.
    """
    keys = columns.keys.hashes ^ (columns.slot.astype(np.uint64) * _FILE_MIX)
    ordered = np.sort(keys)
    if not (ordered[1:] == ordered[:-1]).any():
        return columns, np.zeros(slot_count, np.int64)
    order = np.lexsort((columns.slot, *_arrays(columns, IDENTITY), *_arrays(columns, PLACE))[::-1])
    again = np.ones(len(columns), np.bool_)
    again[:1] = False
    for ordered_array in (one[order] for one in (columns.slot, *_arrays(columns, IDENTITY))):
        again[1:] &= ordered_array[1:] == ordered_array[:-1]
    dropped = np.bincount(columns.slot[order[again]], minlength=slot_count).astype(np.int64)
    keep = np.ones(len(columns), np.bool_)
    keep[order[again]] = False
    return columns.take(keep), dropped


def _arrays(columns: SpanColumns, declared: Sequence[Column]) -> list[Any]:
    """The arrays of some columns, in the order of the declaration."""
    return [array for column in declared for array in columns.vectors(column)]
