"""Read promoted attributes of files: which rows have which of some keys, and their values.

DuckDB takes all keys out of the canonical JSON in one call, and of many files at once, because a
query costs 3 ms however few rows it has. It asks for the rows as it goes: what was decoded is in a
cache of the processor as it is taken apart, and let go before the next (measured on 20,000 rows
of 600 bytes and eight keys: 21 ms, after 28 ms with 32,768 rows in memory). Looking for the letters
of the keys first did not pay.
"""

import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, groupby, pairwise
from operator import itemgetter

import duckdb
import numpy as np
import pyarrow as pa

from indexer.errors import CorruptPage, FileUnreadable, IndexerError
from indexer.model import ParquetFileInfo
from indexer.parquet.decode_errors import decoding
from indexer.parquet.file_columns import FileColumns
from indexer.read.canonical_columns import UNLIMITED, canonical_values
from indexer.read.conform import conform
from indexer.read.dialect import Layout, recognise
from indexer.read.dialect_fields import PayloadColumn
from indexer.read.payload_sql import payload_expression
from indexer.read.payload_values import readings, value_of
from indexer.read.tempo_block import span_rows
from indexer.spans.attributes import AttributeValues, llm_calls
from indexer.spans.id_spellings import TRACE_DIGITS, parse_ids
from indexer.system.duckdb_connection import MEMORY_LIMIT, connect, refuse_other_files
from indexer.system.duckdb_rows import arrow_table, text_literal
from indexer.system.storage import LocalStorage

VALUE_CHARS_MAX = 1024
"""A longer value is cut in the index; the payload keeps it."""
READ_ROWS = 2_048
"""Rows that are decoded at a time, as many as DuckDB takes apart at once."""
PIECE_BYTES = 64 * 1024 * 1024
"""Of attributes that one query takes apart, whose values are in memory with its end; of heavier
rows fewer are handed over at a time."""

_ATTRIBUTES = PayloadColumn("attributes", (("", "attributes"),))

_VALUES = """
SELECT slot, file_row_number, trace_id, key, left(value, {chars}) AS value
FROM (
    SELECT slot, file_row_number, trace_id, unnest(range({count}))::TINYINT AS key,
           unnest(found) AS value
    FROM (
        SELECT slot, file_row_number, trace_id,
               TRY(json_extract_string({text}, [{paths}])) AS found
        FROM payload
    )
)
WHERE value IS NOT NULL
"""
"""In order of slot, row and key: DuckDB keeps that of the rows, and one thread asks for them."""


class AttributeReader:
    """Takes attributes out of files, on as many threads as ask it."""

    def __init__(self, *, memory_limit: str = MEMORY_LIMIT) -> None:
        """DuckDB may use ``memory_limit`` for all who ask, such as "512MiB"."""
        self._memory_limit = memory_limit
        self._connecting = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def _json(self) -> duckdb.DuckDBPyConnection:
        """Connected for the first who asks: a database without tables takes 2.5 MiB."""
        with self._connecting:
            if self._connection is None:
                self._connection = connect(memory_limit=self._memory_limit)
                refuse_other_files(self._connection)
            return self._connection

    def close(self) -> None:
        """No reader may be at work."""
        if self._connection is not None:
            self._connection.close()

    def read(
        self, storage: LocalStorage, infos: Sequence[ParquetFileInfo], keys: Sequence[str]
    ) -> list[AttributeValues | IndexerError]:
        """For each file the values of span attributes under these keys, or why it has none.

        Text as it is, other values as JSON text; null and JSON that does not parse have none.
        Page checksums are verified. Raises nothing of a file's.
        """
        try:
            return self._read(storage, infos, keys)
        except Exception as error:  # noqa: BLE001 - no content of a file may stop the others
            if len(infos) > 1:
                return [one for info in infos for one in self.read(storage, [info], keys)]
            if isinstance(error, duckdb.OutOfMemoryException):
                return [_too_little_memory(error, infos[0].relative_path)]
            reason = f"its attributes cannot be decoded: {error}"
            return [CorruptPage(reason, path=infos[0].relative_path)]

    def of_rows(
        self, trace_ids: pa.ChunkedArray, attributes: pa.ChunkedArray, keys: Sequence[str]
    ) -> AttributeValues:
        """The same of rows in memory: their place is their row number.

        Raises CorruptPage for text that cannot be taken apart, FileUnreadable for want of memory.
        """
        rows = pa.table(
            {
                "slot": np.zeros(len(attributes), np.int32),
                "file_row_number": np.arange(len(attributes), dtype=np.int32),
                "trace_id": trace_ids,
                "attributes": attributes,
            }
        )
        try:
            found = list(self._values([rows], keys))
        except duckdb.OutOfMemoryException as error:
            raise _too_little_memory(error) from error
        except duckdb.Error as error:
            raise CorruptPage(f"attributes cannot be decoded: {error}") from error
        return _by_slot(found, 1, keys)[0]

    def _read(
        self, storage: LocalStorage, infos: Sequence[ParquetFileInfo], keys: Sequence[str]
    ) -> list[AttributeValues | IndexerError]:
        refused: dict[int, IndexerError] = {}
        with closing(_readable(storage, infos if keys else (), keys, refused)) as rows:
            found = list(self._values(rows, keys))
        return [
            refused.get(slot, values)
            for slot, values in enumerate(_by_slot(found, len(infos), keys))
        ]

    def _values(self, rows: Iterable[pa.Table], keys: Sequence[str]) -> Iterator[pa.Table]:
        """The values in these rows, which are asked for as they are taken apart."""
        paths = ", ".join(text_literal(_pointer(key)) for key in keys)
        for _, run in groupby(_runs(rows), itemgetter(0)):
            batches = (batch for _, batch in run)
            first = next(batches)
            stream = pa.RecordBatchReader.from_batches(first.schema, chain([first], batches))
            kind = first.schema.field("attributes").type
            nested = ("attributes",) if pa.types.is_nested(kind) else ()
            sql = _VALUES.format(
                text=payload_expression(_ATTRIBUTES, nested),
                paths=paths,
                count=len(keys),
                chars=VALUE_CHARS_MAX,
            )
            with self._json.cursor() as json:
                # A capsule is read as it is, by the thread that runs the query.
                json.register("payload", stream.__arrow_c_stream__())
                yield arrow_table(json, sql)


def _runs(tables: Iterable[pa.Table]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows in order, each with the number of the query that has them: of one type, and few."""
    run, size, schema = 0, 0, None
    for batch in (
        batch for rows in tables for piece in _pieces(rows) for batch in piece.to_batches()
    ):
        if batch.schema != schema or size >= PIECE_BYTES:
            run, size, schema = run + 1, 0, batch.schema
        size += batch.nbytes
        yield run, batch


def _pieces(rows: pa.Table) -> Iterator[pa.Table]:
    """The rows in order, in as many parts as their size asks for."""
    if rows.nbytes <= PIECE_BYTES or rows.num_rows == 1:
        yield rows
        return
    half = rows.num_rows // 2
    yield from _pieces(rows.slice(0, half))
    yield from _pieces(rows.slice(half))


def _readable(
    storage: LocalStorage,
    infos: Sequence[ParquetFileInfo],
    keys: Sequence[str],
    refused: dict[int, IndexerError],
) -> Generator[pa.Table]:
    """The rows of all files in order; why one has no more of them goes into ``refused``."""
    for slot, info in enumerate(infos):
        try:
            yield from _attributes(storage, info, slot, keys)
        except IndexerError as error:
            refused[slot] = error


def _attributes(
    storage: LocalStorage, info: ParquetFileInfo, slot: int, keys: Sequence[str]
) -> Iterator[pa.Table]:
    """The file's rows in batches: slot, file_row_number, trace_id, attributes.

    Raises FileError when the bytes do not decode, TransientError when they cannot be had.
    """
    path = info.relative_path
    with storage.open(info) as source:
        file = span_rows(storage, FileColumns(source, path), path)
        layout = recognise(file.schema, path)
        attributes = _attributes_column(layout, keys)
        if attributes is None:
            return
        trace = next(one for one in layout.dialect.fields if one.name == "trace_id")
        names = [trace.column, *dict.fromkeys(attributes.columns)]
        first = 0
        with decoding(path):
            for batch in file.batches([layout.positions[name] for name in names], READ_ROWS):
                numbers = np.arange(first, first + batch.num_rows, dtype=np.int32)
                yield pa.table(
                    {
                        "slot": np.full(batch.num_rows, slot, np.int32),
                        "file_row_number": numbers,
                        "trace_id": conform(batch.column(0), trace, None),
                        "attributes": _canonical(attributes, batch),
                    }
                )
                first += batch.num_rows


def _too_little_memory(error: duckdb.Error, path: str | None = None) -> FileUnreadable:
    """Says nothing about the file, so it is tried again."""
    return FileUnreadable(
        f"its attributes need more memory than there is: {str(error).splitlines()[0]}",
        path=path,
        hint="Give the temporary folder room, or the process more memory; it is tried again.",
    )


def _attributes_column(layout: Layout, keys: Sequence[str]) -> PayloadColumn | None:
    """Where the file has attributes that may be under these keys; None where it has none."""
    payload = (one for one in layout.dialect.payload if one.name == "attributes")
    attributes = next((one.in_file(layout.positions.keys()) for one in payload), None)
    return None if attributes is None else attributes.of_keys(keys)


def _canonical(attributes: PayloadColumn, batch: pa.Table) -> pa.ChunkedArray:
    """The column as it is, or the JSON text of what is made of several; the first is of IDs."""
    columns = batch.columns[1:]
    if not attributes.is_member:
        return columns[0]
    places = {name: at for at, name in enumerate(dict.fromkeys(attributes.columns))}
    values = [
        reading.values(columns[at], UNLIMITED)
        for at, reading in sorted(readings([attributes], places).items())
    ]
    rows = (dict(enumerate(row)) for row in zip(*values, strict=True))
    found = [value_of(attributes, row, places) for row in rows]
    return pa.chunked_array([canonical_values("attributes", found)])


def _by_slot(found: Sequence[pa.Table], count: int, names: Sequence[str]) -> list[AttributeValues]:
    """The values of each file, in order of row and key."""
    if not found:
        return [AttributeValues.none()] * count
    table = pa.concat_tables(found).combine_chunks()
    trace_ids = parse_ids(_one_chunk(table["trace_id"]), digits=TRACE_DIGITS)
    (high, low), real = trace_ids.words, trace_ids.valid
    slots = table["slot"].to_numpy()
    values = _one_chunk(table["value"])
    rows, keys = table["file_row_number"].to_numpy(), table["key"].to_numpy()
    is_llm = llm_calls(names, keys, values)
    if not real.all():
        slots, rows, keys, is_llm = slots[real], rows[real], keys[real], is_llm[real]
        high, low, values = high[real], low[real], values.filter(pa.array(real))
    bounds = np.searchsorted(slots, np.arange(count + 1))
    return [
        AttributeValues(
            row=rows[first:end],
            position=np.zeros(end - first, np.int32),
            key=keys[first:end],
            value=values.slice(first, end - first),
            trace_hi=high[first:end],
            trace_lo=low[first:end],
            is_llm=is_llm[first:end],
        )
        for first, end in pairwise(bounds.tolist())
    ]


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _pointer(key: str) -> str:
    """A JSON pointer (RFC 6901) to a key of the object: dots and quotes stand for themselves."""
    return "/" + key.replace("~", "~0").replace("/", "~1")
