"""What lists show of a file, derived from its spans: traces, services, operations.

Every function here is given spans sorted by (slot, trace), and every number it returns counts
only spans that the file owns, except where a name says otherwise.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.spans.columns import STATUS_CODE_ERROR, IntArray, SpanColumns
from indexer.spans.identifiers import BoolArray, UInt64Array, format_hex

_LATEST = np.iinfo(np.int64).max
KNOWN_FROM_NS = 1_000
"""Starts are shown to the microsecond: one within the first looks like an unknown one, which OTLP
says with 0, and is taken for one."""


@dataclass(frozen=True, slots=True, eq=False)
class TraceGroups:
    """One element per (file, trace): where its run of rows starts, and how long it is."""

    first: npt.NDArray[np.intp]
    length: IntArray
    slot: npt.NDArray[np.int32]
    key: UInt64Array

    def spread(self, flags: BoolArray) -> BoolArray:
        """A flag per group as a flag per row."""
        return np.repeat(flags, self.length)


def trace_groups(columns: SpanColumns) -> TraceGroups:
    """The runs of equal (slot, trace id)."""
    count = len(columns)
    new = np.ones(count, np.bool_)
    new[1:] = (
        (columns.slot[1:] != columns.slot[:-1])
        | (columns.trace_hi[1:] != columns.trace_hi[:-1])
        | (columns.trace_lo[1:] != columns.trace_lo[:-1])
    )
    first = np.flatnonzero(new)
    length = np.diff(np.append(first, count))
    return TraceGroups(first, length, columns.slot[first], columns.trace_key[first])


def trace_rows(
    columns: SpanColumns,
    groups: TraceGroups,
    owned: BoolArray,
    file_ids: npt.NDArray[np.int32],
) -> pa.Table:
    """Rows of ``trace_files``. Times and the root cover all spans of the trace in the file."""
    if not len(columns):
        return _empty_trace_rows()
    errors = owned & (columns.status == STATUS_CODE_ERROR)
    root = _first_roots(columns, groups)
    none = root < 0
    root[none] = 0
    return pa.table(
        {
            "trace_id": format_hex(
                [columns.trace_hi[groups.first], columns.trace_lo[groups.first]]
            ),
            "file_id": file_ids[groups.slot],
            "span_count": groups.length.astype(np.int32),
            "owned_span_count": np.add.reduceat(owned, groups.first, dtype=np.int32),
            "error_count": np.add.reduceat(errors, groups.first, dtype=np.int32),
            "start_time_unix_nano": np.minimum.reduceat(columns.start, groups.first),
            "end_time_unix_nano": np.maximum.reduceat(
                columns.start + columns.duration, groups.first
            ),
            "root_name": _nullable(columns.name.codes[root], columns.name.values, none),
            "root_service_name": _nullable(
                columns.service.codes[root], columns.service.values, none
            ),
        }
    )


def service_rows(columns: SpanColumns, file_ids: npt.NDArray[np.int32]) -> pa.Table:
    """Rows of ``file_services``."""
    width = max(1, len(columns.service.values))
    order, first, keys = _runs(columns.slot.astype(np.int64) * width + columns.service.codes)
    start = columns.start[order]
    roots = (columns.parent_span_id == 0)[order]
    known = _reduce(np.minimum, np.where(start < KNOWN_FROM_NS, _LATEST, start), first)
    last = _reduce(np.maximum, start, first)
    return pa.table(
        {
            "file_id": file_ids[keys // width],
            "service_name": _texts((keys % width).astype(np.int32), columns.service.values),
            "span_count": np.diff(np.append(first, len(order))),
            "root_span_count": _reduce(np.add, roots.astype(np.int64), first),
            "first_start_unix_nano": _reduce(np.minimum, start, first),
            "first_known_start_unix_nano": pa.array(known, mask=last < KNOWN_FROM_NS),
            "last_start_unix_nano": last,
        }
    )


def operation_rows(
    columns: SpanColumns, file_ids: npt.NDArray[np.int32], *, limit: int
) -> tuple[pa.Table, IntArray]:
    """Rows of ``file_operations``, and per slot the spans of operations beyond ``limit``.

    A file with more than ``limit`` distinct (service, name, kind) keeps those with the most
    spans, ties in order of their text, so that the choice does not depend on anything else.
    """
    services, names = max(1, len(columns.service.values)), max(1, len(columns.name.values))
    operation = (columns.service.codes.astype(np.int64) * names + columns.name.codes) * 256
    operation += columns.kind.view(np.uint8)
    key = columns.slot.astype(np.int64) * (services * names * 256) + operation
    order, first, keys = _runs(key)
    counts = np.diff(np.append(first, len(order)))
    slot = keys // (services * names * 256)
    kind = (keys % 256).astype(np.uint8).view(np.int8)
    name = (keys // 256 % names).astype(np.int32)
    service = (keys // (256 * names) % services).astype(np.int32)
    keep = np.ones(len(keys), np.bool_)
    per_slot = np.bincount(slot, minlength=len(file_ids))
    for crowded in np.flatnonzero(per_slot > limit):
        inside = np.flatnonzero(slot == crowded)
        ranked = sorted(
            inside,
            key=lambda i: (
                -counts[i],
                columns.service.values[service[i]],
                columns.name.values[name[i]],
                kind[i],
            ),
        )
        keep[ranked[limit:]] = False
    overflow = np.bincount(slot[~keep], weights=counts[~keep], minlength=len(file_ids))
    table = pa.table(
        {
            "file_id": file_ids[slot[keep]],
            "service_name": _texts(service[keep], columns.service.values),
            "name": _texts(name[keep], columns.name.values),
            "span_kind": kind[keep],
            "span_count": counts[keep],
        }
    )
    return table, overflow.astype(np.int64)


def _first_roots(columns: SpanColumns, groups: TraceGroups) -> npt.NDArray[np.intp]:
    """The position of each trace's earliest root span in the file, -1 where it has none."""
    roots = columns.parent_span_id == 0
    earliest = np.minimum.reduceat(np.where(roots, columns.start, _LATEST), groups.first)
    candidates = np.flatnonzero(roots & (columns.start == np.repeat(earliest, groups.length)))
    group_of = np.searchsorted(groups.first, candidates, side="right") - 1
    found = np.full(len(groups.first), -1, np.intp)
    found[group_of[::-1]] = candidates[::-1]
    return found


def _runs(
    keys: IntArray,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], IntArray]:
    """(stable order, start of each run in it, the run's key) of equal keys."""
    narrow = keys.astype(np.uint16) if keys.max(initial=0) < 1 << 16 else keys  # radix sort
    order = np.argsort(narrow, kind="stable")
    ordered = keys[order]
    new = np.ones(len(keys), np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    first = np.flatnonzero(new)
    return order, first, ordered[first]


def _reduce(operation: np.ufunc, values: IntArray, first: npt.NDArray[np.intp]) -> IntArray:
    if not len(values):
        return values
    reduced: IntArray = operation.reduceat(values, first)
    return reduced


def _texts(codes: npt.NDArray[np.int32], values: tuple[str, ...]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(codes, pa.array(values, pa.string()))


def _nullable(codes: npt.NDArray[np.int32], values: tuple[str, ...], null: BoolArray) -> pa.Array:
    indices = pa.array(codes, pa.int32(), mask=null)
    return pa.DictionaryArray.from_arrays(indices, pa.array(values, pa.string()))


def _empty_trace_rows() -> pa.Table:
    text, number, count = pa.string(), pa.int64(), pa.int32()
    return pa.schema(
        [
            ("trace_id", text),
            ("file_id", count),
            ("span_count", count),
            ("owned_span_count", count),
            ("error_count", count),
            ("start_time_unix_nano", number),
            ("end_time_unix_nano", number),
            ("root_name", text),
            ("root_service_name", text),
        ]
    ).empty_table()
