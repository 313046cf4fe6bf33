"""Read promoted attributes of one file: which rows have which of some keys, and their values.

DuckDB takes all keys out of the canonical JSON in one call (measured on 20,000 rows of 700 bytes:
14 ms for five keys, 10 ms to read and verify the column). It works batch by batch, so a file's
attributes need not fit into memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from indexer.model import ParquetFileInfo
from indexer.read.conform import conform
from indexer.read.dialect import Field, recognise
from indexer.read.footer import open_parquet
from indexer.read.payload_sql import payload_expression
from indexer.read.verify import decoding
from indexer.results import arrow_table, text_literal
from indexer.spans.attributes import AttributeValues
from indexer.spans.identifiers import parse_hex
from indexer.storage import LocalStorage

VALUE_CHARS_MAX = 1024
"""A longer value is cut in the index; the payload keeps it."""
BATCH_ROWS = 65_536
"""Rows of attributes in memory at a time: 40 MB at 600 bytes each."""

_VALUES = """
SELECT file_row_number, key, left(value, {chars}) AS value
FROM (
    SELECT file_row_number, unnest(range({count}))::TINYINT AS key, unnest(found) AS value
    FROM (SELECT file_row_number, TRY(json_extract_string({text}, [{paths}])) AS found FROM payload)
)
WHERE value IS NOT NULL
ORDER BY file_row_number, key
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What to take out of each batch of one file, as pieces of SQL."""

    text: str
    trace_id: Field
    paths: str
    count: int


class AttributeReader:
    """Takes attributes out of files, on as many threads as ask it."""

    def __init__(self) -> None:
        self._json = duckdb.connect(config={"threads": 1})

    def close(self) -> None:
        """No reader may be at work."""
        self._json.close()

    def read(
        self, storage: LocalStorage, info: ParquetFileInfo, keys: Sequence[str]
    ) -> AttributeValues:
        """The values of span attributes under these keys, page checksums verified.

        Text as it is, other values as JSON text; null and JSON that does not parse have none.
        Raises FileError when the bytes do not decode, TransientError when they cannot be had.
        """
        path = info.relative_path
        parts = []
        with storage.open(info) as source:
            parquet, footer = open_parquet(source, path)
            layout = recognise(parquet.schema_arrow, path)
            dialect = layout.dialect
            payload = next((one for one in dialect.payload if one.name == "attributes"), None)
            if payload is None or not set(payload.columns) <= set(footer.columns) or not keys:
                return AttributeValues.joined([])
            wanted = _Wanted(
                text=payload_expression(payload, layout.nested_columns),
                trace_id=next(one for one in dialect.fields if one.name == "trace_id"),
                paths=", ".join(text_literal(_pointer(key)) for key in keys),
                count=len(keys),
            )
            columns = list({wanted.trace_id.column, *payload.columns})
            with decoding(path), self._json.cursor() as json:
                first = 0
                for batch in parquet.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
                    parts.append(_values(json, batch, first, wanted))
                    first += batch.num_rows
        return AttributeValues.joined(parts)


def _values(
    json: duckdb.DuckDBPyConnection, batch: pa.RecordBatch, first: int, wanted: _Wanted
) -> AttributeValues:
    numbers = pa.array(np.arange(first, first + batch.num_rows, dtype=np.int32))
    json.register("payload", pa.table(batch.append_column("file_row_number", numbers)))
    sql = _VALUES.format(
        text=wanted.text, paths=wanted.paths, count=wanted.count, chars=VALUE_CHARS_MAX
    )
    try:
        found = arrow_table(json, sql).combine_chunks()
    except duckdb.Error as error:
        raise ValueError(f"attributes: {error}") from error
    rows = found["file_row_number"].to_numpy()
    ids = pa.chunked_array([batch.column(wanted.trace_id.column).take(pa.array(rows - first))])
    (high, low), real = parse_hex(conform(ids, wanted.trace_id, None).combine_chunks(), digits=32)
    return AttributeValues(
        row=rows[real],
        key=found["key"].to_numpy()[real],
        value=_one_chunk(found["value"]).filter(pa.array(real)),
        trace_hi=high[real],
        trace_lo=low[real],
    )


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _pointer(key: str) -> str:
    """A JSON pointer (RFC 6901) to a key of the object: dots and quotes stand for themselves."""
    return "/" + key.replace("~", "~0").replace("/", "~1")
