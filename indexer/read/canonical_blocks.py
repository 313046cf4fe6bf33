"""The canonical payload of many rows of a file that follow each other, decoded by row groups.

Pages of few rows are taken apart one by one; a scan of a file wants all of them, which Arrow
decodes at once. Each distinct text is made canonical once.
"""

from collections.abc import Iterator

import pyarrow as pa

from indexer.errors import FileError
from indexer.model import ParquetFileInfo
from indexer.parquet.file_columns import FileColumns
from indexer.read.canonical_columns import canonical_column, canonical_rows, canonical_values
from indexer.read.dialect_fields import Dialect, PayloadColumn
from indexer.read.normalise import empty
from indexer.system.storage import LocalStorage

_DECODED_MAX = 4
"""Rows that may be decoded for each that is wanted: row groups can have a million."""


def canonical_block(
    storage: LocalStorage, info: ParquetFileInfo, dialect: Dialect, name: str, rows: range
) -> pa.Array:
    """The same as ``canonical_column``, which also reads what Arrow does not.

    Raises what ``canonical_column`` raises.
    """
    if not dialect.trace_a_row:
        try:
            found = _by_row_groups(storage, info, dialect, name, rows)
        except FileError:  # these rows may be whole in a file that is damaged
            found = None
        if found is not None:
            return found
    return canonical_column(storage, info, dialect, name, rows)


def _by_row_groups(
    storage: LocalStorage, info: ParquetFileInfo, dialect: Dialect, name: str, rows: range
) -> pa.Array | None:
    """None where too much would be decoded, and of a column that the file does not have."""
    with storage.open(info) as source:
        file = FileColumns(source, info.relative_path)
        positions = {column: at for at, column in reversed([*enumerate(file.schema.names)])}
        payload = next((one for one in dialect.payload if one.name == name), None)
        payload = payload and payload.in_file(positions)
        groups = list(_overlapping(file.group_rows, rows))
        decoded = sum(file.group_rows[number] for number, _ in groups)
        if payload is None or decoded > _DECODED_MAX * len(rows):
            return None
        columns = list(dict.fromkeys(payload.columns))  # one may hold several members
        wanted = [positions[column] for column in columns]
        parts = [
            file.read_row_group(number, wanted).slice(inside.start, len(inside))
            for number, inside in groups
        ]
    table = pa.concat_tables(parts).rename_columns(columns)
    if len(table) != len(rows):
        return None
    found = _of_distinct_texts(payload, table.column(0))
    return canonical_rows(payload, table) if found is None else found


def _overlapping(group_rows: tuple[int, ...], rows: range) -> Iterator[tuple[int, range]]:
    """The row groups with some of the rows, and which of their own rows these are."""
    first = 0
    for number, count in enumerate(group_rows):
        start, stop = max(rows.start - first, 0), min(rows.stop - first, count)
        if start < stop:
            yield number, range(start, stop)
        first += count


def _of_distinct_texts(payload: PayloadColumn, column: pa.ChunkedArray) -> pa.Array | None:
    """None where the column is not one of texts in UTF-8."""
    if payload.is_member or not payload.is_whole:
        return None
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None
    coded = pa.concat_arrays(column.cast(kind).cast(pa.large_string()).chunks).dictionary_encode()
    try:
        texts = coded.dictionary.to_pylist()
    except UnicodeDecodeError:
        return None
    nothing = empty(payload.name) if payload.null_is_empty else None
    values = canonical_values(payload.name, [*texts, nothing])
    return values.take(coded.indices.fill_null(len(texts)))
