"""Rows of ``mastra_spans`` by their sequences: those of a page are read with all they have."""

from collections.abc import Sequence
from typing import Any

import duckdb


def rows_by_sequence(
    cursor: duckdb.DuckDBPyConnection, sequences: Sequence[int], columns: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Rows in the order of their sequences, in the transaction that found these.

    Spans are stored nearly in this order. DuckDB compares the bounds before it reads any other
    column, and ``IN`` alone only after it. ``columns`` are expressions of the columns' bare names.
    """
    if not sequences:
        return []
    first, last = min(sequences), max(sequences)
    listed = ", ".join(f"{sequence:d}" for sequence in sequences)
    rows = cursor.execute(
        f"SELECT span.sequence, {', '.join(columns)} FROM mastra_spans AS span "
        f"WHERE span.sequence BETWEEN {first:d} AND {last:d} AND span.sequence IN ({listed})"
    ).fetchall()
    by_sequence = {row[0]: row[1:] for row in rows}
    return [by_sequence[sequence] for sequence in sequences]
