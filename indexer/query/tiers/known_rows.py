"""Rows of indexed files that may be of a list, with what the index knows of each."""

from collections.abc import Collection, Sequence
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
from indexer.query.tiers.payload_search import KnownRows, Places
from indexer.spans.identifiers import BoolArray
from indexer.system.duckdb_rows import arrow_table, id_list

_ROWS = """
SELECT file_id, file_row_number{columns} FROM indexed_spans
WHERE file_id IN {ids} AND {where}
"""
_COUNTS = "SELECT file_id, row_count FROM parquet_files WHERE file_id IN {ids}"


def known_rows(
    cursor: duckdb.DuckDBPyConnection, file_ids: Collection[int], where: str, condition: Condition
) -> dict[int, pa.Table]:
    """The rows of each file that has some; ``where`` is SQL over ``indexed_spans``."""
    if not file_ids:
        return {}
    columns = [f", ({condition_sql(leaf)})" for leaf in metadata_leaves(condition)]
    columns += [", name"] if _asks_names(condition) else []
    sql = _ROWS.format(columns="".join(columns), ids=id_list(file_ids), where=where)
    table = arrow_table(cursor, sql)
    ids = table.column(0).to_numpy()
    if (ids[1:] < ids[:-1]).any():
        order = np.argsort(ids, kind="stable")
        table, ids = table.take(order), ids[order]
    bounds = [0, *(np.flatnonzero(np.diff(ids)) + 1).tolist(), len(ids)]
    return {
        int(ids[start]): table.slice(start, end - start)
        for start, end in pairwise(bounds)
        if end > start
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
        leaf: rows.column(2 + at).to_numpy().astype(np.bool_) for at, leaf in enumerate(leaves)
    }
    holds |= {leaf: np.ones(rows.num_rows, np.bool_) for leaf in met}
    names = rows.column(2 + len(leaves)) if _asks_names(condition) else None

    def names_of(places: Places) -> list[str]:
        return [] if names is None else names.take(pa.array(places)).to_pylist()

    return KnownRows(row=rows.column(1).to_numpy().astype(np.int64), names=names_of, holds=holds)


def _asks_names(condition: Condition) -> bool:
    return any(isinstance(one, TextCondition) for one in payload_leaves(condition))
