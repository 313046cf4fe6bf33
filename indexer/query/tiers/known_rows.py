"""Rows of indexed files that may be of a list, with what the index knows of each."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise

import duckdb
import numpy as np
import pyarrow as pa

from indexer.query.find.condition_tree import (
    Condition,
    Leaf,
    condition_sql,
    metadata_leaves,
    payload_leaves,
)
from indexer.query.find.payload_conditions import AttributeCondition, TextCondition
from indexer.query.span import DataFile
from indexer.query.tiers.payload_search import KnownRows, Places
from indexer.spans.identifiers import BoolArray
from indexer.system.duckdb_rows import arrow_table, id_list

_ROWS = """
SELECT file_id, file_row_number{columns} FROM indexed_spans
WHERE file_id IN {ids} AND {where}
"""
_COUNTS = "SELECT file_id, row_count FROM parquet_files WHERE file_id IN {ids}"
_WHOLE = f"{_COUNTS} AND owned_span_count = row_count AND row_count > 0"


def known_rows(
    cursor: duckdb.DuckDBPyConnection, file_ids: Collection[int], where: str, condition: Condition
) -> dict[int, pa.Table]:
    """The rows of each file that has some; ``where`` is SQL over ``indexed_spans``."""
    if not file_ids:
        return {}
    columns = [f", ({condition_sql(leaf)})" for leaf in metadata_leaves(condition)]
    columns += [", name"] if _asks_names(condition) else []
    sql = _ROWS.format(columns="".join(columns), ids=id_list(file_ids), where=where)
    parts: dict[int, list[pa.RecordBatch]] = {}
    for batch in arrow_table(cursor, sql).to_batches():
        for file_id, part in _by_file(batch):
            parts.setdefault(file_id, []).append(part)
    return {file_id: pa.Table.from_batches(some) for file_id, some in parts.items()}


def _by_file(batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    """What is of one file, run by run: the index has a file's rows together, and none is moved."""
    ids = batch.column(0).to_numpy()
    rows = batch.remove_column(0)
    bounds = [0, *(np.flatnonzero(ids[1:] != ids[:-1]) + 1).tolist(), len(ids)]
    for start, end in pairwise(bounds):
        if end > start:
            yield int(ids[start]), rows.slice(start, end - start)


def asks_every_row(condition: Condition) -> bool:
    """Whether the index has nothing to say of the spans of a file but which rows they are."""
    return not metadata_leaves(condition) and not _asks_names(condition)


def every_row(
    cursor: duckdb.DuckDBPyConnection, files: Mapping[int, DataFile]
) -> dict[int, pa.Table]:
    """The rows of files of which each is one span, that the index has of no other file."""
    some = [file_id for file_id, file in files.items() if not file.dialect.trace_a_row]
    if not some:
        return {}
    counts = dict(cursor.execute(_WHOLE.format(ids=id_list(some))).fetchall())
    rows = pa.array(np.arange(max(counts.values(), default=0)))
    return {
        file_id: pa.table({"file_row_number": rows.slice(0, count)})
        for file_id, count in counts.items()
    }


def row_counts(cursor: duckdb.DuckDBPyConnection, file_ids: Collection[int]) -> dict[int, int]:
    """Rows of each file, those of no list included."""
    if not file_ids:
        return {}
    return dict(cursor.execute(_COUNTS.format(ids=id_list(file_ids))).fetchall())


def known(rows: pa.Table, condition: Condition, met: Sequence[AttributeCondition]) -> KnownRows:
    """Of the rows of one file; ``met`` are conditions that hold of them all."""
    leaves = metadata_leaves(condition)
    holds: dict[Leaf, BoolArray] = {
        leaf: rows.column(1 + at).to_numpy().astype(np.bool_) for at, leaf in enumerate(leaves)
    }
    holds |= {leaf: np.ones(rows.num_rows, np.bool_) for leaf in met}
    names = rows.column(1 + len(leaves)) if _asks_names(condition) else None

    def names_of(places: Places) -> list[str]:
        return [] if names is None else names.take(pa.array(places)).to_pylist()

    return KnownRows(
        row=rows.column(0).to_numpy().astype(np.int64, copy=False), names=names_of, holds=holds
    )


def _asks_names(condition: Condition) -> bool:
    return any(isinstance(one, TextCondition) for one in payload_leaves(condition))
