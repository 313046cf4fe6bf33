"""Digests of what a catalog holds, file by file, from its rows alone.

Two catalogs of the same files have the same digests, whatever their history. The digest of a file
here covers the spans that the index has from it; ``parquet_files.content_digest`` covers all
distinct spans in the file.
"""

import duckdb
import numpy as np
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.spans.columns import SpanColumns
from indexer.spans.digest import combine, file_digests, to_hex
from indexer.spans.schema import STORED_COLUMNS
from indexer.system.duckdb_rows import arrow_batches

_SPANS = f"""
SELECT {STORED_COLUMNS}
FROM {{catalog}}.indexed_spans
WHERE file_id IN (SELECT file_id FROM {{catalog}}.parquet_files)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogDigest:
    """Digest and number of indexed spans by relative path, and one digest of all of it."""

    files: dict[str, str]
    spans: dict[str, int]
    total: str


def catalog_digest(connection: duckdb.DuckDBPyConnection, catalog: str) -> CatalogDigest:
    """Digest the attached database ``catalog``. Streams: memory does not grow with the spans."""
    paths = dict(
        connection.execute(f"SELECT file_id, relative_path FROM {catalog}.parquet_files").fetchall()
    )
    slots = {file_id: slot for slot, file_id in enumerate(sorted(paths))}
    sums = np.zeros((len(slots), 2), np.uint64)
    counts = np.zeros(len(slots), np.int64)
    for part in arrow_batches(connection, _SPANS.format(catalog=catalog)):
        columns = SpanColumns.from_arrow(pa.table(part), slots)
        sums += file_digests(columns, len(slots))
        counts += np.bincount(columns.slot, minlength=len(slots))
    files = {paths[file_id]: to_hex(sums[slot]) for file_id, slot in slots.items()}
    spans = {paths[file_id]: int(counts[slot]) for file_id, slot in slots.items()}
    return CatalogDigest(files=files, spans=spans, total=combine(files))
