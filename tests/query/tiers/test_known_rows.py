"""What the index knows of the rows of files, beside its own table and beside the files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.model import ParquetFileInfo
from indexer.query.find.condition_tree import AllOf, IsRoot, ServiceIs
from indexer.query.find.payload_conditions import AttributeCondition, TextCondition
from indexer.query.span import DataFile
from indexer.query.tiers.known_rows import asks_every_row, every_row, known, known_rows
from indexer.read.dialect_document import dialect_named
from tests.support.catalogs import Indexed, indexed
from tests.support.examples import examples
from tests.support.span_files import Span, write

pytestmark = pytest.mark.duckdb

ATTRIBUTE = AttributeCondition(key="k")
KNOWN = AllOf((ATTRIBUTE, ServiceIs("shop"), IsRoot(), TextCondition(text="a")))
FILES = ("a.parquet", "b.parquet", "c.parquet")
MADE = st.builds(
    Span,
    trace=st.integers(0, 2),  # 0 is refused
    span=st.integers(1, 12),
    parent=st.sampled_from((None, 99)),
    service=st.sampled_from(("shop", "cart")),
    name=st.sampled_from(("a", "b")),
)


def data_file(name: str = "junjo-14") -> DataFile:
    info = ParquetFileInfo(
        path="", relative_path="", size_bytes=0, modified_unix_nano=0, device=0, inode=0
    )
    return DataFile(tier="indexed", path="", info=info, dialect=dialect_named(name))


def file_ids(one: Indexed) -> list[int]:
    return [file_id for (file_id,) in one.rows("SELECT file_id FROM parquet_files")]


def rows_of(one: Indexed, file_id: int) -> list[tuple[int, bool, bool, str]]:
    return one.rows(
        "SELECT file_row_number, service_name = 'shop', parent_span_id_uint64 IS NULL, name "
        f"FROM indexed_spans WHERE file_id = {file_id} ORDER BY ALL"
    )


@examples(4)
@given(
    made=st.lists(st.tuples(st.sampled_from(FILES), MADE), max_size=24),
    order=st.permutations(FILES),
)
def test_rows_are_those_of_the_index_file_by_file(
    made: list[tuple[str, Span]],
    order: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Also where a file that comes later takes spans from others, or each row of one is a span."""
    with indexed(tmp_path_factory.mktemp("rows")) as one:
        spans = {name: [span for file, span in made if file == name] for name in order}
        for name in order:
            write(one.root / name, spans[name])
            one.settle()
        connection = one.catalog.connection
        found = known_rows(connection, file_ids(one), "true", KNOWN)
        files = dict.fromkeys(file_ids(one), data_file())
        every = every_row(connection, files)
        counts = {}
        for file_id, count in one.rows("SELECT file_id, row_count FROM parquet_files"):
            expected = rows_of(one, file_id)
            assert (file_id in found) == bool(expected)
            if expected:
                some = known(found[file_id], KNOWN, ())
                service, root = some.holds[ServiceIs("shop")], some.holds[IsRoot()]
                names = some.names(np.arange(len(some.row)))
                assert sorted(zip(some.row, service, root, names, strict=True)) == expected
            if expected and len(expected) == count:
                counts[file_id] = count
        rows = {file_id: known(table, ATTRIBUTE, ()).row for file_id, table in every.items()}
        assert {file_id: some.tolist() for file_id, some in rows.items()} == {
            file_id: list(range(count)) for file_id, count in counts.items()
        }


def test_no_statement_says_which_rows_a_file_of_traces_has(tmp_path: Path) -> None:
    """Several spans are in one row of it, and none may be in another."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span()])
        one.settle()
        file = data_file()
        of_traces = replace(file, dialect=replace(file.dialect, trace_a_row=True))
        (file_id,) = file_ids(one)
        assert every_row(one.catalog.connection, {file_id: file}).keys() == {file_id}
        assert not every_row(one.catalog.connection, {file_id: of_traces})


def test_rows_are_asked_for_where_the_index_knows_more_of_them() -> None:
    """What it knows narrows them, or is looked at beside the payload."""
    assert asks_every_row(ATTRIBUTE)
    assert not asks_every_row(AllOf((ATTRIBUTE, IsRoot())))
    assert not asks_every_row(TextCondition(text="a"))
