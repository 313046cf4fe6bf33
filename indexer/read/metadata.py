"""Read the metadata columns of data files into one batch of span columns.

Two steps. ``read_file`` does the I/O of one file and refuses it or returns its columns as Arrow.
``batch`` turns many of those into ``SpanColumns`` at once, because for small files the cost is
in the calls and not in the rows. No value of a row can fail a file here: rows without a real
identity are rejected and counted, other odd values are clamped and counted.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from indexer.errors import CorruptPage, FileChanged, FileTooLarge, FileVanished, PathNotUtf8
from indexer.model import FileFooter, ParquetFileInfo
from indexer.parquet.checksums import decoding
from indexer.parquet.footer import open_parquet
from indexer.read.conform import TIME_MAX, conform, time_unit
from indexer.read.dialect import Field, Layout, recognise, text_columns
from indexer.read.limits import FILE_ROWS_MAX, TEXT_BYTES_MAX
from indexer.spans.batch import ParquetFileData, SpanBatch
from indexer.spans.columns import (
    IntArray,
    SpanColumns,
    Texts,
    sorted_by_trace,
    without_doubles,
)
from indexer.spans.digest import file_digests, to_hex
from indexer.spans.identifiers import BoolArray, parse_hex
from indexer.system.storage import LocalStorage, display_path, is_utf8

UNKNOWN_SERVICE = "unknown_service"
"""OpenTelemetry resource semantic conventions: the value of an absent ``service.name``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawFile:
    """The metadata columns of one file, decoded and not yet interpreted."""

    info: ParquetFileInfo
    footer: FileFooter
    layout: Layout
    units: tuple[str | None, ...]
    """Of each of the dialect's fields that is a time."""
    table: pa.Table
    """The metadata columns, as the file names and types them."""


def read_parquet_metadata(path: str, size_bytes: int | None = None) -> ParquetFileData:
    """The metadata of one file by path. ``size_bytes``, if given, must still be its size.

    Raises a FileError or a TransientError.
    """
    folder, name = os.path.split(os.path.abspath(path))
    storage = LocalStorage(folder)
    entry = storage.stat(name)
    if entry is None:
        raise FileVanished("there is no such file", path=path)
    if size_bytes is not None and entry.info.size_bytes != size_bytes:
        raise FileChanged(f"it has {entry.info.size_bytes} bytes, not {size_bytes}", path=path)
    return batch([read_file(storage, entry.info)]).files[0]


def read_file(
    storage: LocalStorage, info: ParquetFileInfo, *, rows_max: int = FILE_ROWS_MAX
) -> RawFile:
    """Decode the metadata columns of one file, page checksums verified.

    Raises FileError for bytes that will not do, TransientError when they cannot be had now.
    """
    if not is_utf8(info.relative_path):
        raise PathNotUtf8("the path is not valid UTF-8", path=display_path(info.relative_path))
    path = info.relative_path
    with storage.open(info) as source:
        parquet, footer = open_parquet(source, path, text_columns=text_columns())
        if footer.row_count > rows_max:
            raise FileTooLarge(f"{footer.row_count} rows, limit {rows_max}", path=path)
        layout = recognise(parquet.schema_arrow, path)
        fields = [field for field in layout.dialect.fields if field.column in footer.columns]
        with decoding(path):
            table = parquet.read([field.column for field in fields], use_threads=False)
            if table.num_rows != footer.row_count:
                message = f"{table.num_rows} rows, the footer says {footer.row_count}"
                raise CorruptPage(message, path=path)
            for column in table.columns:
                if pa.types.is_dictionary(column.type):
                    _check_codes(column, path)
            units = tuple(_unit(table, field, path) for field in fields)
    return RawFile(info=info, footer=footer, layout=layout, units=units, table=table)


def batch(raw_files: Sequence[RawFile]) -> SpanBatch:
    """Interpret the columns of files together: check, clamp, sort, drop doubles, digest."""
    count = len(raw_files)
    rows = np.array([raw.table.num_rows for raw in raw_files], np.int64)
    slot = np.repeat(np.arange(count, dtype=np.int32), rows)
    table = _canonical(raw_files)
    everything, valid, clamped = _interpret(table, slot, _row_numbers(rows))
    rejected = np.bincount(slot[~valid], minlength=count)
    kept = everything if valid.all() else everything.take(valid)
    columns, repeated = without_doubles(sorted_by_trace(kept), count)
    bounds = np.searchsorted(columns.slot, np.arange(count + 1))
    digests = file_digests(columns, count)
    clamps = np.bincount(slot, weights=clamped, minlength=count)
    files = tuple(
        ParquetFileData(
            info=raw.info,
            footer=raw.footer,
            dialect=raw.layout.dialect.name,
            missing_columns=raw.layout.missing_columns,
            nested_columns=raw.layout.nested_columns,
            rejected_spans=int(rejected[index]),
            repeated_spans=int(repeated[index]),
            clamped_values=int(clamps[index]),
            content_digest=to_hex(digests[index]),
            columns=columns,
            rows=slice(int(bounds[index]), int(bounds[index + 1])),
        )
        for index, raw in enumerate(raw_files)
    )
    return SpanBatch(files=files, columns=columns)


def _canonical(raw_files: Sequence[RawFile]) -> pa.Table:
    """The rows of all files in order, columns named by canonical field, in shared types."""
    parts = []
    for _, run in groupby(
        raw_files, lambda raw: (raw.layout.dialect.name, raw.units, raw.table.schema)
    ):
        files = list(run)
        table = pa.concat_tables(raw.table for raw in files)
        dialect = files[0].layout.dialect
        fields = [field for field in dialect.fields if field.column in table.column_names]
        columns = [
            conform(table[field.column], field, unit)
            for field, unit in zip(fields, files[0].units, strict=True)
        ]
        parts.append(pa.Table.from_arrays(columns, names=[field.name for field in fields]))
    table = pa.concat_tables(parts, promote_options="default")
    return table.unify_dictionaries().combine_chunks()


def _unit(table: pa.Table, field: Field, path: str) -> str | None:
    if field.type != "timestamp":
        return None
    return time_unit(table[field.column], field.column, path)


def _check_codes(column: pa.ChunkedArray, path: str) -> None:
    """Refuse codes beyond their dictionary: pyarrow hands them on as they stand in the file."""
    for chunk in column.chunks:
        codes = chunk.indices
        if not codes.null_count and codes.type == pa.int32():
            unsigned = codes.to_numpy().view(np.uint32)
            if not len(unsigned) or unsigned.max() < len(chunk.dictionary):
                continue
        bounds = pc.min_max(codes).as_py()
        if bounds["max"] is not None and not 0 <= bounds["min"] <= bounds["max"] < len(
            chunk.dictionary
        ):
            raise CorruptPage("a text refers beyond its dictionary", path=path)


def _interpret(
    table: pa.Table, slot: npt.NDArray[np.int32], row: npt.NDArray[np.int32]
) -> tuple[SpanColumns, BoolArray, npt.NDArray[np.uint8]]:
    """(columns of every row, which rows are spans, values clamped per row)."""
    clamped = np.zeros(len(slot), np.uint8)
    (trace_hi, trace_lo), valid = parse_hex(_array(table, "trace_id"), digits=32)
    (span_id,), span_valid = parse_hex(_array(table, "span_id"), digits=16)
    parent = _parents(_array(table, "parent_span_id"), clamped)
    start, start_missing = _times(_array(table, "start_time"), clamped)
    duration, end_missing = _durations(table, start, clamped)
    clamped += start_missing | end_missing
    columns = SpanColumns(
        slot=slot,
        row=row,
        trace_hi=trace_hi,
        trace_lo=trace_lo,
        span_id=span_id,
        parent_span_id=parent,
        start=start,
        duration=duration,
        status=_small(table, "status_code", clamped),
        kind=_small(table, "span_kind", clamped),
        service=_texts(_array(table, "service_name"), UNKNOWN_SERVICE, clamped),
        name=_texts(_array(table, "name"), "", clamped),
    )
    valid = valid & span_valid
    clamped[~valid] = 0
    return columns, valid, clamped


def _array(table: pa.Table, name: str) -> pa.Array:
    """One contiguous array of a column, empty dictionaries and all."""
    column = table[name]
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _parents(column: pa.Array, clamped: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Parent ids; absent, empty and all-zero mean root. A malformed one becomes root, counted."""
    (parent,), valid = parse_hex(column, digits=16)
    if not valid.all():
        absent = pc.fill_null(pc.is_in(column, pa.array(["", "0" * 16])), False)
        known = pc.or_(absent, pc.is_null(column)).to_numpy(zero_copy_only=False)
        clamped += ~valid & ~known
    return parent


def _times(column: pa.Array, clamped: npt.NDArray[np.uint8]) -> tuple[IntArray, BoolArray]:
    """Nanoseconds, never negative: OTLP times are unsigned, and before 1970 there were none."""
    missing = np.zeros(len(column), np.bool_)
    if column.null_count:
        missing = column.is_null().to_numpy(zero_copy_only=False)
        column = column.fill_null(0)
    values = column.to_numpy()
    odd = (values < 0) | (values == TIME_MAX)  # the largest is what saturated, see _to_nanos
    if odd.any():
        clamped += odd
        values = np.where(values < 0, 0, values)
    return values, missing


def _durations(
    table: pa.Table, start: IntArray, clamped: npt.NDArray[np.uint8]
) -> tuple[IntArray, BoolArray]:
    """Signed nanoseconds from start to end, and which rows say nothing of it.

    A file says when a span ended, or how long it took; neither end may lie before 1970 or beyond
    what an int64 holds.
    """
    duration, missing = np.zeros(len(start), np.int64), np.ones(len(start), np.bool_)
    if "duration" in table.column_names:
        column = _array(table, "duration")
        missing = column.is_null().to_numpy(zero_copy_only=False)
        said = column.fill_null(0).to_numpy()
        duration = np.clip(said, -start, TIME_MAX - start)
        clamped += duration != said
    if "end_time" in table.column_names:
        end, end_missing = _times(_array(table, "end_time"), clamped)
        duration = np.where(end_missing, duration, end - start)
        missing = missing & end_missing
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


def _texts(column: pa.Array, absent: str, clamped: npt.NDArray[np.uint8]) -> Texts:
    """Codes and distinct texts; invalid UTF-8 is replaced, overlong text cut, both counted."""
    column = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    raw = column.dictionary.cast(pa.binary()).to_pylist()
    texts = [_text(value) for value in raw]
    odd = np.array(
        [text.encode() != value for text, value in zip(texts, raw, strict=True)] + [False]
    )
    texts.append(absent)
    codes = column.indices.fill_null(len(raw)).to_numpy(zero_copy_only=False)
    clamped += odd[codes]
    distinct = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    renumber = np.array([distinct[text] for text in texts], np.int32)
    return Texts(renumber[codes], tuple(distinct))


def _text(value: bytes | None) -> str:
    return (
        (value or b"")
        .decode("utf-8", "replace")
        .encode()[:TEXT_BYTES_MAX]
        .decode("utf-8", "ignore")
    )


def _row_numbers(rows: IntArray) -> npt.NDArray[np.int32]:
    """0, 1, 2, ... for each file anew."""
    if not len(rows):
        return np.zeros(0, np.int32)
    total = int(rows.sum())
    starts = np.repeat(np.cumsum(rows) - rows, rows)
    return (np.arange(total) - starts).astype(np.int32)
