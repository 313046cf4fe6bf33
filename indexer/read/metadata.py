"""Read the metadata columns of data files into one batch of span columns.

Two steps. ``read_file`` does the I/O of one file and refuses it or returns its columns as Arrow.
``batch`` turns many of those into ``SpanColumns`` at once, because for small files the cost is
in the calls and not in the rows. No value of a row can fail a file here: rows without a real
identity are rejected and counted, other odd values are clamped and counted.
"""

import os
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import CorruptPage, FileChanged, FileTooLarge, FileVanished, PathNotUtf8
from indexer.model import FileFooter, ParquetFileInfo
from indexer.parquet.decode_errors import decoding
from indexer.parquet.file_columns import FileColumns
from indexer.read.conform import time_unit
from indexer.read.dialect import Layout, recognise, text_columns
from indexer.read.dialect_fields import Field
from indexer.read.folder_columns import folder_values
from indexer.read.limits import FILE_ROWS_MAX
from indexer.read.members import member_column
from indexer.read.rejected_rows import rejected_example
from indexer.read.span_columns import conform_table, interpret
from indexer.read.table_logs import refuse_beside_log
from indexer.read.tempo_block import span_rows
from indexer.spans.batch import ParquetFileData, SpanBatch
from indexer.spans.columns import (
    IntArray,
    sorted_by_trace,
    without_doubles,
)
from indexer.spans.digest import file_digests, to_hex
from indexer.spans.identifiers import BoolArray
from indexer.system import arrow_compute as pc
from indexer.system.storage import LocalStorage, display_path, is_utf8


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
        raise FileVanished("the file does not exist", path=path)
    if size_bytes is not None and entry.info.size_bytes != size_bytes:
        raise FileChanged(
            f"the file has {entry.info.size_bytes} bytes, expected {size_bytes}", path=path
        )
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
        file = span_rows(storage, FileColumns(source, path, text_columns=text_columns()), path)
        footer = file.footer
        if footer.row_count > rows_max:
            raise FileTooLarge(f"{footer.row_count} rows, limit {rows_max}", path=path)
        layout = recognise(file.schema, path)
        refuse_beside_log(storage, layout.dialect, path)
        table = file.read(layout.stored)
        with decoding(path):
            if table.num_rows != footer.row_count:
                message = f"{table.num_rows} rows, the footer says {footer.row_count}"
                raise CorruptPage(message, path=path)
            for column in table.columns:
                if pa.types.is_dictionary(column.type):
                    _check_codes(column, path)
            table = _labelled(table, layout)
            fields: Sequence[Field] = layout.fields
            if layout.folder_fields:
                for field, key in layout.folder_fields:
                    value = _constant(folder_values(path)[key], field, table.num_rows)
                    table = table.append_column(field.label, value)
                present = set(table.column_names)
                fields = [field for field in layout.dialect.fields if field.label in present]
            units = tuple(
                _unit(table, field, path) if field.type == "timestamp" else None for field in fields
            )
    return RawFile(info=info, footer=footer, layout=layout, units=units, table=table)


def batch(raw_files: Sequence[RawFile]) -> SpanBatch:
    """Interpret the columns of files together: check, clamp, sort, drop doubles, digest."""
    count = len(raw_files)
    rows = np.array([raw.table.num_rows for raw in raw_files], np.int64)
    slot = np.repeat(np.arange(count, dtype=np.int32), rows)
    table = _canonical(raw_files)
    everything, valid, clamped = interpret(table, slot, _row_numbers(rows))
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
            rejected_example=_example(raw, valid[slot == index]) if rejected[index] else None,
            repeated_spans=int(repeated[index]),
            clamped_values=int(clamps[index]),
            content_digest=to_hex(digests[index]),
            columns=columns,
            rows=slice(int(bounds[index]), int(bounds[index + 1])),
        )
        for index, raw in enumerate(raw_files)
    )
    return SpanBatch(files=files, columns=columns)


def _labelled(table: pa.Table, layout: Layout) -> pa.Table:
    """The values of each field by its label, out of the stored columns."""
    if layout.labels is not None:
        return table.select(layout.places).rename_columns(layout.labels)
    columns = {
        field.label: member_column(table.column(place), field.paths)
        if field.paths
        else table.column(place)
        for field, place in zip(layout.fields, layout.places, strict=True)
    }
    return pa.table(columns)


def _constant(value: str | None, field: Field, rows: int) -> pa.Array:
    """A value of a folder once a row."""
    if field.type != "text":
        return pa.repeat(pa.scalar(value, pa.string()), rows)
    codes = pa.repeat(pa.scalar(None if value is None else 0, pa.int32()), rows)
    return pa.DictionaryArray.from_arrays(codes, pa.array([value or ""], pa.string()))


def _example(raw: RawFile, valid: BoolArray) -> str:
    return rejected_example(raw.table, raw.layout.dialect, int(np.argmin(valid)))


def _canonical(raw_files: Sequence[RawFile]) -> pa.Table:
    """The rows of all files in order, columns named by canonical field, in shared types."""
    parts = []
    for _, run in groupby(
        raw_files, lambda raw: (raw.layout.dialect.name, raw.units, raw.table.schema)
    ):
        files = list(run)
        table = pa.concat_tables(raw.table for raw in files)
        parts.append(conform_table(table, files[0].layout.dialect.fields, files[0].units))
    return pa.concat_tables(parts, promote_options="default")


def _unit(table: pa.Table, field: Field, path: str) -> str:
    """Of a time."""
    if field.unit is not None and not pa.types.is_timestamp(table[field.label].type):
        return field.unit
    return time_unit(table[field.label], field.column, path)


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


def _row_numbers(rows: IntArray) -> npt.NDArray[np.int32]:
    """0, 1, 2, ... for each file anew."""
    if not len(rows):
        return np.zeros(0, np.int32)
    total = int(rows.sum())
    starts = np.repeat(np.cumsum(rows) - rows, rows)
    return (np.arange(total) - starts).astype(np.int32)
