"""Write a table as a real file and read its metadata back, through the same calls as the worker."""

from pathlib import Path

import pyarrow as pa

from indexer.model import ParquetFileInfo
from indexer.read.metadata import batch, read_file
from indexer.spans.batch import ParquetFileData
from indexer.spans.metadata import SpanMetadata
from indexer.system.storage import LocalStorage
from tests.support.span_files import Span, parquet_bytes, table


def put(
    folder: Path, content: bytes, name: str = "a.parquet"
) -> tuple[LocalStorage, ParquetFileInfo]:
    """The storage of a folder with this file in it, and the file as a listing would see it."""
    (folder / name).write_bytes(content)
    storage = LocalStorage(folder)
    entry = storage.stat(name)
    assert entry is not None
    return storage, entry.info


def read_back(folder: Path, rows: pa.Table | list[Span], **options: object) -> ParquetFileData:
    """What the index would hold of these rows."""
    storage, info = put(folder, parquet_bytes(rows, **options))
    return batch([read_file(storage, info)]).files[0]


def read_bytes(folder: Path, content: bytes, **limits: int) -> ParquetFileData:
    storage, info = put(folder, content)
    return batch([read_file(storage, info, **limits)]).files[0]


def with_columns(rows: pa.Table | list[Span], **columns: object) -> pa.Table:
    """The rows with some columns replaced or added; a column of None is left out.

    Nullability goes with the old schema: the new columns are as odd as the test wants them.
    """
    content = rows if isinstance(rows, pa.Table) else table(rows)
    named = {name: content[name] for name in content.column_names} | columns
    return pa.table({name: column for name, column in named.items() if column is not None})


def invalid_utf8(*values: bytes) -> pa.Array:
    """A string column that holds these bytes, as writers without a check produce it."""
    return pa.array(values, pa.binary()).view(pa.string())


def only(file: ParquetFileData) -> SpanMetadata:
    """The one span of a file."""
    (span,) = file.spans.rows()
    return span


def values(file: ParquetFileData, field: str) -> list[object]:
    """A field of every span, in order of file row."""
    rows = sorted(file.spans.rows(), key=lambda span: span.file_row_number)
    return [getattr(span, field) for span in rows]


def counts(file: ParquetFileData) -> tuple[int, int, int, int]:
    """(spans, rejected rows, repeated rows, clamped values)."""
    return (len(file.spans), file.rejected_spans, file.repeated_spans, file.clamped_values)
