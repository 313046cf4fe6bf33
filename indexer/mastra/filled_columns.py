"""Columns of ``mastra_spans`` that may have values: most have none in a store, and are not read.

A statement takes some 50 microseconds for each column that it reads, whatever is in it.
"""

import re
from collections.abc import Collection, Iterator, Sequence

import duckdb

from indexer.mastra.columns import UPDATABLE

_HAS_VALUES = re.compile("has.no.null'?: true", re.IGNORECASE)
_HAS_NONE = re.compile("has.no.null'?: false", re.IGNORECASE)
"""What DuckDB's statistics of a column say: ``Has No Null: true``, and in DuckDB 2 a struct."""
Filled = frozenset[str]


class FilledColumns:
    """Columns that may have values, of an open store. For any thread."""

    def __init__(self) -> None:
        self._names: Filled = frozenset()

    def turns(self) -> Iterator[Filled]:
        """What to read with, and again as long as a write has filled another one meanwhile."""
        while True:
            names = self._names
            yield names
            if names is self._names:
                return

    def add(self, names: Collection[str]) -> None:
        """Columns that are about to have values; one thread at a time says so."""
        if not self._names.issuperset(names):
            self._names = self._names.union(names)


def stored_columns(connection: duckdb.DuckDBPyConnection) -> Filled:
    """Columns that spans of a store have, by DuckDB's statistics, which never leave one out."""
    statistics = ", ".join(f"stats({name})::VARCHAR" for name in UPDATABLE)
    rows = connection.execute(f"SELECT {statistics} FROM mastra_spans LIMIT 1").fetchall()
    return frozenset(
        name
        for row in rows
        for name, text in zip(UPDATABLE, row, strict=True)
        if _HAS_VALUES.search(text) or not _HAS_NONE.search(text)
    )


def filled_among(columns: Sequence[str], filled: Collection[str]) -> tuple[str, ...]:
    """Those of the columns, or expressions of them, that are to be read."""
    return tuple(name for name in columns if name in filled or name not in _UPDATABLE)


_UPDATABLE = frozenset(UPDATABLE)
