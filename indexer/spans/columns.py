"""The spans of one or more files as parallel arrays, sorted by (file, trace, place).

Sorting by trace inside a file is what makes the catalog small (a trace's ids repeat) and its
lookups fast (neighbouring rows); see the measurements behind decision 3 of the design.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.model import SpanMetadata
from indexer.spans.identifiers import UInt64Array, format_hex, parse_hex
from indexer.spans.identity import Index, SpanKeys, trace_keys

IntArray = npt.NDArray[np.int64]

STATUS_CODE_ERROR = 2  # OTLP trace.proto, Status.StatusCode

_FILE_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """A text column as codes into a list of distinct values."""

    codes: npt.NDArray[np.int32]
    values: tuple[str, ...]

    def take(self, index: Index) -> "Texts":
        """The chosen rows; the values stay shared."""
        return Texts(self.codes[index], self.values)

    def to_arrow(self) -> pa.Array:
        """A dictionary array, which DuckDB reads without copying the text."""
        return pa.DictionaryArray.from_arrays(self.codes, pa.array(self.values, pa.string()))

    @classmethod
    def from_arrow(cls, column: pa.Array) -> Self:
        """From a string or dictionary array without nulls."""
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        codes = column.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
        return cls(codes, tuple(column.dictionary.to_pylist()))


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

    def in_slot(self, slot: int) -> "SpanColumns":
        """The spans of one file, renumbered as slot 0."""
        chosen = self.take(self.slot == slot)
        return replace(chosen, slot=np.zeros(len(chosen), np.int32))

    @property
    def trace_key(self) -> UInt64Array:
        """64 bits that stand for a trace id: equal ids have equal keys."""
        return trace_keys(self.trace_hi, self.trace_lo)

    @property
    def keys(self) -> SpanKeys:
        """What makes each row the span that it is."""
        return SpanKeys(self.trace_hi, self.trace_lo, self.span_id, self.kind)

    def to_arrow(self, file_ids: npt.NDArray[np.int32]) -> pa.Table:
        """Rows of ``indexed_spans``; slot ``i`` becomes ``file_ids[i]``."""
        return pa.table(
            {
                "file_id": file_ids[self.slot],
                "file_row_number": self.row,
                "position_in_row": self.position,
                "trace_id": format_hex([self.trace_hi, self.trace_lo]),
                "span_id_uint64": self.span_id,
                "parent_span_id_uint64": pa.array(
                    self.parent_span_id, mask=self.parent_span_id == 0
                ),
                "service_name": self.service.to_arrow(),
                "name": self.name.to_arrow(),
                "start_time_unix_nano": self.start,
                "duration_ns": self.duration,
                "status_code": self.status,
                "span_kind": self.kind,
            }
        )

    @classmethod
    def empty(cls) -> Self:
        """No spans."""
        ids = np.zeros(0, np.uint64)
        slots, times, small = np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int8)
        texts = Texts(slots, ())
        return cls(
            slots, slots, slots, ids, ids, ids, ids, times, times, small, small, texts, texts
        )

    @classmethod
    def from_arrow(cls, table: pa.Table, slots: dict[int, int]) -> Self:
        """From rows of ``indexed_spans``; ``slots`` maps file_id to the slot it gets."""
        column = {name: table[name].combine_chunks() for name in table.column_names}
        (trace_hi, trace_lo), _ = parse_hex(column["trace_id"], digits=32)
        file_ids = column["file_id"].to_numpy()
        known, inverse = np.unique(file_ids, return_inverse=True)
        return cls(
            slot=np.array([slots[int(f)] for f in known], np.int32)[inverse],
            row=column["file_row_number"].to_numpy(),
            position=column["position_in_row"].to_numpy(),
            trace_hi=trace_hi,
            trace_lo=trace_lo,
            span_id=column["span_id_uint64"].to_numpy(),
            parent_span_id=column["parent_span_id_uint64"].fill_null(0).to_numpy(),
            start=column["start_time_unix_nano"].to_numpy(),
            duration=column["duration_ns"].to_numpy(),
            status=column["status_code"].to_numpy(),
            kind=column["span_kind"].to_numpy(),
            service=Texts.from_arrow(column["service_name"]),
            name=Texts.from_arrow(column["name"]),
        )

    def rows(self) -> Iterator[SpanMetadata]:
        """One value a span, for people and tests; the stages never loop over spans."""
        table = self.to_arrow(np.zeros(int(self.slot.max(initial=0)) + 1, np.int32))
        for row in table.drop_columns(["file_id"]).to_pylist():
            span, parent = row.pop("span_id_uint64"), row.pop("parent_span_id_uint64")
            parent_text = None if parent is None else f"{parent:016x}"
            yield SpanMetadata(span_id=f"{span:016x}", parent_span_id=parent_text, **row)


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
    exact = np.lexsort(
        (columns.position, columns.row, columns.trace_lo, columns.trace_hi, columns.slot)
    )
    return columns.take(exact)


def without_doubles(columns: SpanColumns, slot_count: int) -> tuple[SpanColumns, IntArray]:
    """Keep the first copy of each span of a file; count the dropped ones per slot.

    Doubles across files are another matter: see ``catalog.ownership``.
    """
    keys = columns.keys.hashes ^ (columns.slot.astype(np.uint64) * _FILE_MIX)
    ordered = np.sort(keys)
    if not (ordered[1:] == ordered[:-1]).any():
        return columns, np.zeros(slot_count, np.int64)
    same = (columns.kind, columns.span_id, columns.trace_lo, columns.trace_hi, columns.slot)
    order = np.lexsort((columns.position, columns.row, *same))
    sorted_columns = columns.take(order)
    again = np.zeros(len(columns), np.bool_)
    again[1:] = (
        (sorted_columns.slot[1:] == sorted_columns.slot[:-1])
        & (sorted_columns.trace_hi[1:] == sorted_columns.trace_hi[:-1])
        & (sorted_columns.trace_lo[1:] == sorted_columns.trace_lo[:-1])
        & (sorted_columns.span_id[1:] == sorted_columns.span_id[:-1])
        & (sorted_columns.kind[1:] == sorted_columns.kind[:-1])
    )
    dropped = np.bincount(sorted_columns.slot[again], minlength=slot_count).astype(np.int64)
    keep = np.ones(len(columns), np.bool_)
    keep[order[again]] = False
    return columns.take(keep), dropped
