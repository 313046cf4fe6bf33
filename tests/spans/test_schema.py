"""The declaration is what the catalog has, and what everything that lists columns lists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer.catalog.database import Catalog
from indexer.spans.columns import SpanColumns
from indexer.spans.schema import COLUMNS, same_span
from tests.spans.plain_spans import PlainSpan, columns_of


@pytest.mark.duckdb
def test_the_migrated_catalog_has_the_declared_columns(tmp_path: Path) -> None:
    """Of these names and types, and no other."""
    catalog = Catalog.open(tmp_path / "c.duckdb")
    found = catalog.connection.execute(
        "SELECT column_name, data_type || if(is_nullable, '', ' NOT NULL') FROM duckdb_columns() "
        "WHERE table_name = 'indexed_spans' AND column_name <> 'file_id'"
    ).fetchall()
    shown = catalog.connection.execute(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = 'span_metadata'"
    ).fetchall()
    catalog.close()
    assert dict(found) == {column.stored: column.type.sql for column in COLUMNS}
    assert {column.name for column in COLUMNS} <= {name for (name,) in shown}


def test_rows_have_the_declared_columns() -> None:
    names = columns_of([PlainSpan()]).to_arrow(np.zeros(1, np.int32)).column_names
    assert names == ["file_id", *(column.stored for column in COLUMNS)]
    assert len(SpanColumns.empty()) == 0


def test_every_column_is_in_the_digest_and_none_hides_another() -> None:
    """Of the columns of one word each has bits of its own."""
    taken = [(column.word, column.shift) for column in COLUMNS]
    assert len(set(taken)) == len(taken)
    words = {column.word + at for column in COLUMNS for at in range(len(column.fields))}
    assert words == set(range(len(words)))


def test_copies_of_a_span_are_compared_by_the_columns_of_its_identity() -> None:
    assert same_span("a", "b") == (
        "a.trace_id = b.trace_id AND a.span_id_uint64 = b.span_id_uint64 "
        "AND a.span_kind = b.span_kind"
    )
