"""Read the payload of chosen rows from one file, page checksums verified.

Only the row groups that hold a wanted row are decoded. pyarrow rather than DuckDB, because a
flipped byte must be an error here and not an answer.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from indexer.model import ParquetFileInfo
from indexer.read.dialect import Dialect
from indexer.read.footer import open_parquet
from indexer.read.verify import decoding
from indexer.storage import LocalStorage

PAYLOAD_COLUMNS = (
    "status_message",
    "attributes",
    "events",
    "links",
    "resource_attributes",
    "trace_state",
    "flags",
    "dropped_attributes_count",
    "dropped_events_count",
    "dropped_links_count",
    "resource_dropped_attributes_count",
)
"""Canonical payload columns of a span, in order; a file may lack any of them."""


def read_payload(
    storage: LocalStorage, info: ParquetFileInfo, dialect: Dialect, rows: Sequence[int]
) -> list[dict[str, Any]]:
    """The payload of the given file row numbers, in their order; absent columns are None.

    Raises FileError when the bytes do not decode, TransientError when the file is not the one
    that was indexed, or cannot be read.
    """
    path = info.relative_path
    with storage.open(info) as source:
        parquet, footer = open_parquet(source, path)
        with decoding(path):
            columns = {name: col for name, col in dialect.payload if col in footer.columns}
            table = _take(parquet, sorted(set(columns.values())), rows)
            picked = [
                {name: row[col] for name, col in columns.items()} for row in table.to_pylist()
            ]
    absent = dict.fromkeys(PAYLOAD_COLUMNS)
    return [{**absent, **row} for row in picked]


def _take(parquet: pq.ParquetFile, columns: list[str], rows: Sequence[int]) -> pa.Table:
    metadata = parquet.metadata
    sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    ends = np.cumsum(sizes)
    wanted = np.asarray(rows, np.int64)
    group_of = np.searchsorted(ends, wanted, side="right")
    parts: list[pa.Table] = []
    positions: list[np.ndarray[tuple[int], np.dtype[np.intp]]] = []
    for group in np.unique(group_of):
        chosen = np.flatnonzero(group_of == group)
        table = parquet.read_row_group(int(group), columns=columns, use_threads=False)
        parts.append(table.take(wanted[chosen] - (ends[group] - sizes[group])))
        positions.append(chosen)
    order = np.argsort(np.concatenate(positions), kind="stable")
    return pa.concat_tables(parts).take(order)


def read_every_page(storage: LocalStorage, info: ParquetFileInfo) -> None:
    """Decode every page of every column and keep nothing.

    Raises FileError for the first page that fails its checksum or does not decode.
    """
    with storage.open(info) as source:
        parquet, _ = open_parquet(source, info.relative_path)
        with decoding(info.relative_path):
            for _ in parquet.iter_batches(use_threads=False):
                continue
