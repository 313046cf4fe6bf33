"""The metadata columns of a table of spans as ``SpanColumns``, from a file or from memory.

No value of a row can fail the whole table: rows without a valid identity are marked, and other
invalid values are clamped and counted.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.read.conform import NANOS_PER, TIME_MAX, conform
from indexer.read.dialect_fields import Field
from indexer.read.limits import TEXT_BYTES_MAX
from indexer.spans.columns import (
    IntArray,
    SpanColumns,
    sorted_by_trace,
    without_doubles,
)
from indexer.spans.id_spellings import SPAN_DIGITS, TRACE_DIGITS, parse_ids
from indexer.spans.identifiers import BoolArray
from indexer.spans.texts import Texts
from indexer.system import arrow_compute as pc

UNKNOWN_SERVICE = "unknown_service"
"""OpenTelemetry resource semantic conventions: the value of an absent ``service.name``."""


def span_columns(table: pa.Table, fields: Sequence[Field]) -> SpanColumns:
    """The distinct spans of a table in memory, in order of trace; rows count from 0.

    Times are in the unit that the table declares; none is guessed.
    """
    present = [field for field in fields if field.label in table.column_names]
    types = [table.schema.field(field.label).type for field in present]
    units = [kind.unit if pa.types.is_timestamp(kind) else None for kind in types]
    slot, row = np.zeros(table.num_rows, np.int32), np.arange(table.num_rows, dtype=np.int32)
    columns, valid, _ = interpret(conform_table(table, present, units), slot, row)
    kept = columns if valid.all() else columns.take(valid)
    return without_doubles(sorted_by_trace(kept), 1)[0]


def conform_table(
    table: pa.Table, fields: Sequence[Field], units: Sequence[str | None]
) -> pa.Table:
    """The columns of these fields that it has, by canonical name, in shared types.

    ``units`` are of the fields that are there.
    """
    present = [field for field in fields if field.label in table.column_names]
    columns = [
        conform(table[field.label], field, unit) for field, unit in zip(present, units, strict=True)
    ]
    named = {field.name: column for field, column in zip(present, columns, strict=True)}
    by_name = {field.name: unit for field, unit in zip(present, units, strict=True)}
    coarse = NANOS_PER.get(by_name.get("end_time") or "ns", 1)
    if coarse > NANOS_PER.get(by_name.get("start_time") or "ns", 1):
        named["end_time"] = _with_fraction(named["end_time"], named["start_time"], coarse)
    if any(field.name == "end_time" and field.null_is_start for field in present):
        named["end_time"] = pc.coalesce(named["end_time"], named["start_time"])
    return pa.table(named)


def _with_fraction(
    end: pa.ChunkedArray, start: pa.ChunkedArray, unit_nanos: int
) -> pa.ChunkedArray:
    """An end that was cut to its unit, with the part of a unit that the start has.

    Half of the spans that are shorter than a unit would end before they start otherwise.
    """
    fraction = pc.subtract(start, pc.multiply(pc.divide(start, unit_nanos), unit_nanos))
    has_room = pc.and_(pc.greater(end, 0), pc.less(end, TIME_MAX - unit_nanos))
    is_sound = pc.and_(has_room, pc.and_(pc.greater(start, 0), pc.less(start, TIME_MAX)))
    return pc.if_else(pc.fill_null(is_sound, fill_value=False), pc.add(end, fraction), end)


def interpret(
    table: pa.Table, slot: npt.NDArray[np.int32], row: npt.NDArray[np.int32]
) -> tuple[SpanColumns, BoolArray, npt.NDArray[np.uint8]]:
    """(columns of every row, which rows are spans, values clamped per row) of conformed columns."""
    table = table.unify_dictionaries().combine_chunks()
    clamped = np.zeros(len(slot), np.uint8)
    trace_ids = parse_ids(_array(table, "trace_id"), digits=TRACE_DIGITS)
    span_ids = parse_ids(_array(table, "span_id"), digits=SPAN_DIGITS)
    parent = _parents(table, clamped)
    start, start_missing = _times(_array(table, "start_time"), clamped)
    duration, end_missing = _durations(table, start, clamped)
    clamped += start_missing | end_missing
    columns = SpanColumns(
        slot=slot,
        row=row,
        position=np.zeros(len(row), np.int32),
        trace_hi=trace_ids.words[0],
        trace_lo=trace_ids.words[1],
        span_id=span_ids.words[0],
        parent_span_id=parent,
        start=start,
        duration=duration,
        status=_small(table, "status_code", clamped),
        kind=_small(table, "span_kind", clamped),
        service=_texts(table, "service_name", UNKNOWN_SERVICE, clamped),
        name=_texts(table, "name", "", clamped),
    )
    valid = trace_ids.valid & span_ids.valid
    clamped[~valid] = 0
    return columns, valid, clamped


def _array(table: pa.Table, name: str) -> pa.Array:
    """One contiguous array of a column, empty dictionaries and all."""
    column = table[name]
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _parents(table: pa.Table, clamped: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Parent ids; absent, empty and all-zero mean root. A malformed one becomes root, counted."""
    if "parent_span_id" not in table.column_names:
        return np.zeros(len(table), np.uint64)
    column = _array(table, "parent_span_id")
    parents = parse_ids(column, digits=SPAN_DIGITS)
    if not parents.spelled.all():
        has_text = pc.fill_null(pc.greater(pc.binary_length(column), 0), fill_value=False)
        clamped += ~parents.spelled & has_text.to_numpy(zero_copy_only=False)
    return parents.words[0]


def _times(column: pa.Array, clamped: npt.NDArray[np.uint8]) -> tuple[IntArray, BoolArray]:
    """Nanoseconds, never negative: times of OTLP are unsigned."""
    missing = np.zeros(len(column), np.bool_)
    if column.null_count:
        missing = column.is_null().to_numpy(zero_copy_only=False)
        column = column.fill_null(0)
    values = column.to_numpy()
    odd = (values < 0) | (values == TIME_MAX)  # the largest is what saturated, see to_nanos
    if odd.any():
        clamped += odd
        values = np.where(values < 0, 0, values)
    return values, missing


def _durations(
    table: pa.Table, start: IntArray, clamped: npt.NDArray[np.uint8]
) -> tuple[IntArray, BoolArray]:
    """Signed nanoseconds from start to end, and which rows say nothing of it.

    A file says when a span ended, or how long it took, which counts before the end; neither end
    may lie before 1970 or beyond what an int64 holds. A span of which neither is known ends at 0.
    """
    duration, missing = -start, np.ones(len(start), np.bool_)
    if "end_time" in table.column_names:
        end, missing = _times(_array(table, "end_time"), clamped)
        duration = end - start
    if "duration" in table.column_names:
        column = _array(table, "duration")
        is_said = column.is_valid().to_numpy(zero_copy_only=False)
        said = column.fill_null(0).to_numpy()
        bounded = np.clip(said, -start, TIME_MAX - start)
        clamped += is_said & (bounded != said)
        duration = np.where(is_said, bounded, duration)
        missing = missing & ~is_said
    return duration, missing


def _small(table: pa.Table, name: str, clamped: npt.NDArray[np.uint8]) -> npt.NDArray[np.int8]:
    """An OTLP enumeration; absent is 0, and what no int8 holds is 0 and counted."""
    if name not in table.column_names:
        return np.zeros(table.num_rows, np.int8)
    values = _array(table, name).fill_null(0).to_numpy()
    odd = (values < 0) | (values > np.iinfo(np.int8).max)
    if odd.any():
        clamped += odd
        values = np.where(odd, 0, values)
    small: npt.NDArray[np.int8] = values.astype(np.int8)
    return small


def _texts(table: pa.Table, name: str, absent: str, clamped: npt.NDArray[np.uint8]) -> Texts:
    """Codes and distinct texts; invalid UTF-8 is replaced, overlong text cut, both counted.

    All are absent in a file that lacks the column.
    """
    if name not in table.column_names:
        return Texts(np.zeros(table.num_rows, np.int32), (absent,))
    column = _array(table, name)
    column = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    raw = column.dictionary.cast(pa.binary()).to_pylist()
    texts = [bounded_text(value) for value in raw]
    odd = np.array(
        [text.encode() != value for text, value in zip(texts, raw, strict=True)] + [False]
    )
    texts.append(absent)
    codes = column.indices.fill_null(len(raw)).to_numpy(zero_copy_only=False)
    clamped += odd[codes]
    distinct = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    renumber = np.array([distinct[text] for text in texts], np.int32)
    return Texts(renumber[codes], tuple(distinct))


def bounded_text(value: bytes | None) -> str:
    """A service or a name as the index has it."""
    return (
        (value or b"")
        .decode("utf-8", "replace")
        .encode()[:TEXT_BYTES_MAX]
        .decode("utf-8", "ignore")
    )
