"""Values decoded page by page are those that pyarrow reads from the same file.

pyarrow is the judge over everything that a writer can vary: codec, kind of pages, dictionary or
plain or one after the other, sizes of pages and row groups, nulls, types.
"""

from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import CorruptPage
from indexer.parquet.chunk_statistics import CONSTANT_BYTES_MAX
from indexer.parquet.column_chunks import row_groups
from indexer.parquet.decode_errors import decoding
from indexer.parquet.footer import footer_bytes
from indexer.parquet.page_maps import PageMap
from indexer.read.values import ChunkReader, NotDecodedHere
from tests.read.parquet_pages import pages
from tests.support.examples import examples

NAME = "a.parquet"
TEXTS = st.one_of(
    st.text(max_size=8), st.sampled_from(["", "{}", "long " * 300, "é\u4e2d\U0001f600"])
)
VALUES = {
    pa.string(): TEXTS,
    pa.large_string(): TEXTS,
    pa.binary(): st.binary(max_size=9),
    pa.int8(): st.integers(-(2**7), 2**7 - 1),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint8(): st.integers(0, 2**8 - 1),
    pa.uint32(): st.integers(0, 2**32 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
}
OPTIONS = st.fixed_dictionaries(
    {
        "compression": st.sampled_from(["none", "snappy", "gzip", "brotli", "zstd", "lz4"]),
        "use_dictionary": st.booleans(),
        "data_page_version": st.sampled_from(["1.0", "2.0"]),
        "row_group_size": st.integers(1, 60),
        "data_page_size": st.sampled_from([16, 200, 1 << 20]),
        "write_batch_size": st.sampled_from([1, 7, 1024]),
        "dictionary_pagesize_limit": st.sampled_from([20, 1 << 20]),
        "write_page_checksum": st.booleans(),
    }
)


@st.composite
def columns(draw: st.DrawFn) -> pa.Table:
    """One column of any known type, with nulls where its field allows them."""
    kind = draw(st.sampled_from(sorted(VALUES, key=str)))
    nullable = draw(st.booleans())
    few = draw(st.lists(VALUES[kind], min_size=1, max_size=5))
    value = st.one_of(st.sampled_from(few), VALUES[kind])
    if nullable:
        value = st.one_of(st.none(), value)
    values = draw(st.lists(value, min_size=1, max_size=120))
    schema = pa.schema([pa.field("column", kind, nullable=nullable)])
    return pa.table([pa.array(values, kind)], schema=schema)


def written(table: pa.Table, **options: object) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def decoded(content: bytes, rows: list[int], *, is_footer_known: bool = False) -> list[object]:
    """The values of the rows of a file with one column, in their order."""
    source = pa.BufferReader(content)
    with decoding(NAME):
        groups = row_groups(footer_bytes(source, NAME), NAME)
        kept = PageMap(groups, is_footer_known=is_footer_known)
        found = decoded_of(source, kept, rows)
        for _ in range(2):
            assert decoded_of(source, kept, rows) == found, "by what was kept before"
        return found


def decoded_of(source: pa.NativeFile, kept: PageMap, rows: list[int]) -> list[object]:
    """The same of a file whose footer is read."""
    by_row: dict[int, object] = {}
    first = 0
    for group in kept.groups:
        inside = [row - first for row in rows if first <= row < first + group.row_count]
        reader = ChunkReader(source, group.chunks[0], NAME, kept, row_count=group.row_count)
        values = reader.values(inside) if inside else []
        by_row.update(zip((first + at for at in inside), values, strict=True))
        first += group.row_count
    return [by_row[row] for row in rows]


@pytest.mark.parametrize(
    "value", ["", "{}", None, "long " * 200], ids=["none", "{}", "null", "long"]
)
@pytest.mark.parametrize("use_dictionary", [True, False])
def test_a_value_that_all_rows_have_is_read_once(value, use_dictionary):
    """But for one that is too long to be kept."""
    table = pa.table({"column": pa.array([value] * 100, pa.string())})
    source = pa.BufferReader(written(table, use_dictionary=use_dictionary))
    kept = PageMap(row_groups(footer_bytes(source, NAME), NAME))
    assert decoded_of(source, kept, [7]) == [value]
    is_kept = kept.constant(kept.groups[0].chunks[0]) is not None
    assert is_kept == (value is None or len(value) <= CONSTANT_BYTES_MAX)
    assert decoded_of(pa.BufferReader(b"") if is_kept else source, kept, [8]) == [value]


@pytest.mark.parametrize("use_dictionary", [True, False])
@pytest.mark.parametrize("odd", ["other", "{]", None])
def test_a_value_that_one_row_has_not_is_not_kept_for_all(odd, use_dictionary):
    values = ["{}"] * 99 + [odd]
    table = pa.table({"column": pa.array(values, pa.string())})
    source = pa.BufferReader(written(table, use_dictionary=use_dictionary))
    kept = PageMap(row_groups(footer_bytes(source, NAME), NAME))
    assert decoded_of(source, kept, [7]) == ["{}"]
    assert decoded_of(source, kept, [99]) == [odd]


@examples(100)
@given(columns(), OPTIONS, st.data())
def test_any_rows_of_any_column_are_what_pyarrow_reads(table, options, data):
    content = written(table, **options)
    rows = data.draw(st.lists(st.integers(0, len(table) - 1), min_size=1, max_size=20))
    expected = pq.read_table(pa.BufferReader(content))["column"].to_pylist()
    assert decoded(content, rows) == [expected[row] for row in rows]
    assert decoded(content, rows, is_footer_known=True) == [expected[row] for row in rows]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
def test_a_column_that_turns_from_dictionary_to_plain_is_read_on(version, codec):
    """As every writer does with attributes, once the dictionary is full."""
    texts = [f"{number:0200}" for number in range(3000)]
    table = pa.table({"column": texts})
    content = written(
        table,
        compression=codec,
        data_page_version=version,
        dictionary_pagesize_limit=50_000,
        data_page_size=20_000,
    )
    rows = [0, 1, 249, 250, 251, 1500, 2999]
    assert decoded(content, rows) == [texts[row] for row in rows]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(pa.array([1.5, None]), id="numbers with fractions"),
        pytest.param(pa.array([True, False]), id="truth values"),
        pytest.param(pa.array([1, 2], pa.timestamp("us")), id="times"),
        pytest.param(pa.array([[1], []]), id="lists"),
        pytest.param(pa.array([{"a": 1}]), id="structs"),
        pytest.param(pa.array([b"ab"], pa.binary(2)), id="bytes of fixed length"),
        pytest.param(pa.array([1], pa.decimal128(9, 2)), id="decimals"),
    ],
)
def test_what_is_not_known_is_left_to_pyarrow(values):
    with pytest.raises(NotDecodedHere):
        decoded(written(pa.table({"column": values})), [0])


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_an_encoding_that_is_not_known_is_left_to_pyarrow(encoding):
    table = pa.table({"column": ["a", "b"]})
    content = written(table, use_dictionary=False, column_encoding={"column": encoding})
    with pytest.raises(NotDecodedHere):
        decoded(content, [0])


def test_only_the_page_of_the_row_has_to_be_sound():
    content = written(
        pa.table({"column": [f"{number:0100}" for number in range(50)]}),
        compression="none",
        use_dictionary=False,
        data_page_size=500,
        write_batch_size=5,
        write_page_checksum=True,
    )
    found = list(pages(content))
    assert len(found) == 10
    at = found[3].body_start + 20
    bad = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    assert decoded(bad, [14, 20]) == [f"{14:0100}", f"{20:0100}"]
    with pytest.raises(CorruptPage, match="checksum"):
        decoded(bad, [15])


@examples(120)
@given(columns(), OPTIONS, st.data())
def test_bytes_changed_anywhere_are_answered_or_refused_by_name(table, options, data):
    """Without checksums as well: the decoder believes nothing."""
    content = bytearray(written(table, **options))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(4, len(content) - 9))] = data.draw(st.integers(0, 255))
    rows = data.draw(st.lists(st.integers(0, len(table) - 1), min_size=1, max_size=5))
    with suppress(CorruptPage, NotDecodedHere):
        assert len(decoded(bytes(content), rows)) == len(rows)
