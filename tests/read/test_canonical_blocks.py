"""Blocks of a column that Arrow decodes at once hold what is read row by row."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import CorruptPage
from indexer.model import ParquetFileInfo
from indexer.read.canonical_blocks import canonical_block
from indexer.read.canonical_columns import canonical_column
from indexer.read.dialect import recognise
from indexer.system.storage import LocalStorage
from tests.support.drawn.columns import Drawn
from tests.support.drawn.payload import attributes
from tests.support.examples import examples
from tests.support.span_files import spans, table

COUNT = 5


def stored(folder: Path) -> tuple[LocalStorage, ParquetFileInfo]:
    storage = LocalStorage(folder)
    entry = storage.stat("a.parquet")
    assert entry is not None
    return storage, entry.info


@examples(30)
@given(attributes(COUNT), st.integers(0, COUNT - 1), st.integers(1, COUNT), st.integers(1, COUNT))
def test_a_block_has_the_values_of_its_rows(
    drawn: Drawn, first: int, count: int, group_rows: int
) -> None:
    content = table(spans(COUNT))
    content = content.set_column(
        content.column_names.index("attributes"), "attributes", drawn.array
    )
    dialect = recognise(content.schema, "a.parquet").dialect
    rows = range(first, min(first + count, COUNT))
    with tempfile.TemporaryDirectory(prefix="blocks-") as folder:
        pq.write_table(content, Path(folder, "a.parquet"), row_group_size=group_rows)
        file = stored(Path(folder))
        for name in ("attributes", "events", "links"):
            found = canonical_block(*file, dialect, name, rows)
            assert found.equals(canonical_column(*file, dialect, name, list(rows)))


def test_a_row_group_is_decoded_for_many_of_its_rows_alone(tmp_path: Path) -> None:
    """A page that is not wanted may be damaged, and one that is wanted is refused."""
    texts = [f'{{"k":"{number:064}"}}' for number in range(4_000)]
    content = table(spans(4_000))
    at = content.column_names.index("attributes")
    content = content.set_column(at, "attributes", pa.array(texts))
    path = tmp_path / "a.parquet"
    pq.write_table(
        content,
        path,
        use_dictionary=False,
        compression="none",
        data_page_size=4_096,
        write_page_checksum=True,
    )
    bytes_ = path.read_bytes()
    path.write_bytes(bytes_.replace(texts[3_900].encode(), texts[0].encode()))
    dialect = recognise(content.schema, "a.parquet").dialect
    found = canonical_block(*stored(tmp_path), dialect, "attributes", range(2_000))
    assert found.to_pylist() == texts[:2_000]
    with pytest.raises(CorruptPage):
        canonical_block(*stored(tmp_path), dialect, "attributes", range(2_000, 4_000))
