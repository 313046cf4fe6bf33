"""What the footer says of column chunks: where they lie, of which column, and if they are encrypted."""

from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import CorruptPage
from indexer.parquet.column_chunks import chunk_sizes, encrypted_columns, positions_of, row_groups
from indexer.parquet.footer import footer_bytes
from tests.read.damage import FILES, sound
from tests.read.read_back import with_columns
from tests.support.encrypted_files import encrypted_bytes
from tests.support.examples import examples
from tests.support.span_files import parquet_bytes, spans

NESTED = with_columns(spans(9), events=[[{"name": "a", "at": [1, 2]}]] * 9, **{"a.b": [1] * 9})


@pytest.mark.parametrize(
    "content",
    [
        *(pytest.param(sound(file), id=file) for file in sorted(FILES)),
        pytest.param(parquet_bytes([]), id="no rows"),
        pytest.param(parquet_bytes(NESTED), id="nested columns"),
        pytest.param(parquet_bytes(spans(99), row_group_size=1), id="many row groups"),
        pytest.param(parquet_bytes(spans(9), write_statistics=False), id="no statistics"),
        pytest.param(parquet_bytes(spans(9), write_page_index=True), id="page index"),
        pytest.param(
            parquet_bytes(spans(9), sorting_columns=[pq.SortingColumn(1)]), id="sorting columns"
        ),
    ],
)
def test_the_footer_says_what_pyarrow_reads_from_it(content):
    source = pa.BufferReader(content)
    metadata = pq.read_metadata(source)
    expected = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        chunks = [group.column(index) for index in range(metadata.num_columns)]
        starts = [chunk.dictionary_page_offset or chunk.data_page_offset for chunk in chunks]
        sizes = [(chunk.path_in_schema, chunk.total_compressed_size) for chunk in chunks]
        expected.append((group.num_rows, list(zip(sizes, starts, strict=True))))
    found = groups_of(content)
    assert [
        (group.row_count, [((c.path_in_schema, c.size_bytes), c.offset) for c in group.chunks])
        for group in found
    ] == expected


@pytest.mark.parametrize("length", [0, 1, 10, 100, -1, -2])
def test_a_footer_that_was_cut_does_not_say_where_pages_are(length):
    footer = footer_bytes(pa.BufferReader(sound("usual")), "a.parquet")
    for read in (row_groups, chunk_sizes):
        with pytest.raises(CorruptPage, match="where its pages are"):
            read(footer[:length], "a.parquet")


@examples(100)
@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda text: b"\x15\x04" + text))
def test_any_bytes_are_a_footer_or_refused_by_name(footer):
    with suppress(CorruptPage):
        chunk_sizes(footer, "a.parquet")
    with suppress(CorruptPage):
        row_groups(footer, "a.parquet")


@examples(200)
@given(st.data())
def test_of_a_damaged_footer_the_sizes_are_those_of_its_chunks_or_are_refused(data):
    footer = bytearray(footer_bytes(pa.BufferReader(sound("usual")), "a.parquet"))
    for place in data.draw(st.lists(st.integers(0, len(footer) - 1), max_size=3)):
        footer[place] = data.draw(st.integers(0, 255))
    with suppress(CorruptPage):
        assert_sizes_of(row_groups(bytes(footer), "a.parquet"), bytes(footer))


def assert_sizes_of(groups, footer):
    expected = [[chunk.size_bytes for chunk in group.chunks] for group in groups]
    assert chunk_sizes(footer, "a.parquet") == expected


def groups_of(content):
    footer = footer_bytes(pa.BufferReader(content), "a.parquet")
    groups = row_groups(footer, "a.parquet")
    assert_sizes_of(groups, footer)
    return groups


def test_a_column_is_known_by_its_position():
    """Names that are alike, that differ in case alone, and a dot that is not a path."""
    table = pa.table(
        [[1], [{"b": 1, "c": [1]}], [2], [3], [[("k", 1)]]],
        pa.schema(
            [
                *(
                    ("a.b", pa.int64()),
                    ("a", pa.struct([("b", pa.int64()), ("c", pa.list_(pa.int64()))])),
                ),
                *(("A", pa.int64()), ("a.b", pa.int64()), ("m", pa.map_(pa.string(), pa.int64()))),
            ]
        ),
    )
    (group,) = groups_of(parquet_bytes(table))
    assert [(c.position, c.column, c.is_flat) for c in group.chunks] == [
        *((0, "a.b", True), (1, "a", False), (1, "a", False), (2, "A", True), (3, "a.b", True)),
        *((4, "m", False), (4, "m", False)),
    ]
    assert positions_of([group]) == {"a.b": 0, "a": 1, "A": 2, "m": 4}


def test_a_file_without_row_groups_has_no_columns():
    assert positions_of([]) == {}


@pytest.mark.parametrize("keys", [("attributes",), ("attributes", "events"), None], ids=str)
def test_encrypted_columns_are_named(keys):
    content = encrypted_bytes(spans(3), keys)
    found = encrypted_columns(groups_of(content))
    schema = pq.read_schema(pa.BufferReader(parquet_bytes(spans(3))))
    assert list(found.values()) == (list(keys) if keys else schema.names)
    assert [schema.names[position] for position in found] == list(found.values())


def test_a_schema_of_groups_in_each_other_does_not_become_long_paths():
    """Three kilobytes of schema for each of a thousand columns would be megabytes of paths."""
    kind = pa.int64()
    for _ in range(200):
        kind = pa.struct([("a", kind), ("b", pa.int64())])
    (group,) = groups_of(parquet_bytes(pa.table({"a": pa.nulls(1, kind)})))
    assert len(group.chunks) == 201
    assert max(len(chunk.path_in_schema) for chunk in group.chunks) < 100
    assert {chunk.position for chunk in group.chunks} == {0}
