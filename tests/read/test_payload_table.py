"""All rows of a file are in its tables, in order, however many are read and handed on at once."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.read import payload_table
from indexer.read.payload_table import payload_tables
from indexer.read.tally import Tally
from indexer.system.storage import LocalStorage
from tests.support.span_files import Span, table, write

ROWS = [f'{{"at":{at}}}' for at in range(7)]


@pytest.mark.parametrize(
    ("table_bytes", "lengths"), [(0, [2, 2, 2, 1]), (64, [6, 1]), (1 << 20, [7])]
)
def test_batches_are_handed_on_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table_bytes: int, lengths: list[int]
) -> None:
    monkeypatch.setattr(payload_table, "BATCH_ROWS", 2)
    monkeypatch.setattr(payload_table, "TABLE_BYTES", table_bytes)
    write(tmp_path / "a.parquet", [Span(span=1, attributes=one) for one in ROWS])
    storage = LocalStorage(tmp_path)
    entry = storage.stat("a.parquet")
    assert entry is not None
    tables = list(payload_tables(storage, entry.info, ["attributes"], Tally()))
    assert list(map(len, tables)) == lengths
    assert [one for table in tables for one in table.texts("attributes").to_pylist()] == ROWS


def test_rows_are_taken_of_texts_that_a_writer_had_as_views(tmp_path: Path) -> None:
    """Arrow has no kernel for it, and a search that looked into the file ended with an error."""
    stored = table([Span(span=one, attributes=f'{{"k":{one}}}') for one in (1, 2, 3)])
    at = stored.column_names.index("attributes")
    views = stored.column(at).cast(pa.string_view())
    pq.write_table(stored.set_column(at, "attributes", views), tmp_path / "a.parquet")
    storage = LocalStorage(tmp_path)
    entry = storage.stat("a.parquet")
    assert entry is not None
    (found,) = payload_tables(storage, entry.info, ["attributes"], Tally())
    assert found.texts("attributes") is not None
    assert found.take(np.array([2, 0])).values("attributes") == [{"k": 3}, {"k": 1}]
