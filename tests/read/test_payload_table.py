"""All rows of a file are in its tables, in order, however many are read and handed on at once."""

from pathlib import Path

import pytest

from indexer.read import payload_table
from indexer.read.payload_table import payload_tables
from indexer.read.tally import Tally
from indexer.system.storage import LocalStorage
from tests.support.span_files import Span, write

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
