"""Columns are read by position: no name can hide another, and no encoding is called damage."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.errors import CorruptPage, FileEncrypted, FooterUnreadable
from indexer.parquet.file_columns import FileColumns
from tests.support.encrypted_files import encrypted_bytes
from tests.support.span_files import parquet_bytes, spans, table

PLAIN = {"compression": "none", "use_dictionary": False, "write_statistics": False}
TEXTS = ["service_name", "name", "Events.Name", "nested"]
NESTED = pa.struct([("name", pa.string()), ("rows", pa.list_(pa.int64()))])
MIXED = pa.table(
    [["x", "y"], [1, 2], [{"name": "n", "rows": [1]}] * 2, [3, 4], [[("k", "v")]] * 2, ["e", "f"]],
    pa.schema(
        [
            *(
                ("name", pa.string()),
                ("NAME", pa.int64()),
                ("nested", NESTED),
                ("name", pa.int64()),
            ),
            *(("map", pa.map_(pa.string(), pa.string())), ("Events.Name", pa.string())),
        ]
    ),
)


def opened(content, **options):
    return FileColumns(pa.BufferReader(content), "day/a.parquet", **options)


@pytest.mark.parametrize("texts", [(), TEXTS], ids=["plain", "coded"])
@pytest.mark.parametrize("positions", [[0], [3], [5, 0], [4, 2, 1], list(range(6))], ids=str)
def test_columns_come_by_position_in_the_order_asked_for(positions, texts):
    file = opened(parquet_bytes(MIXED, row_group_size=1), text_columns=texts)
    parts = [file.read(positions)]
    parts.append(pa.concat_tables(file.read_row_group(group, positions) for group in (0, 1)))
    parts.append(pa.concat_tables(file.batches(positions, 1)))
    for found in parts:
        assert found.column_names == [MIXED.column_names[at] for at in positions]
        expected = [MIXED.column(at).to_pylist() for at in positions]
        assert [column.to_pylist() for column in found.columns] == expected


@pytest.mark.parametrize("texts", [(), ["name"]], ids=["plain", "coded"])
def test_columns_that_a_writer_had_as_views_are_read_as_plain_ones(texts):
    """Arrow has no kernel that takes rows of views."""
    view = pa.string_view()
    pairs = [[("k", "v")], None]
    stored = pa.table(
        {
            "name": pa.array(["x", None], view),
            "map": pa.array(pairs, pa.map_(view, view)),
            "list": pa.array([["x"], None], pa.list_(view)),
        }
    )
    file = opened(parquet_bytes(stored), text_columns=texts)
    for found in (
        file.read([0, 1, 2]),
        file.read_row_group(0, [0, 1, 2]),
        *file.batches([0, 1, 2], 9),
    ):
        assert "view" not in str(found.schema.types)
        assert found.take([1, 0]).to_pylist() == stored.to_pylist()[::-1]


@pytest.mark.parametrize(
    "read",
    [
        lambda file: file.read([0]),
        lambda file: file.read_row_group(1, [0]),
        lambda file: list(file.batches([0], 2)),
        lambda file: list(file.leaf_batches([0], 2, [1, 2])),
    ],
    ids=["read", "row group", "batches", "leaf batches"],
)
def test_rows_that_pyarrow_loses_are_missed(read):
    """It ends a row group at a page without values, as it writes one itself for an empty list."""
    content = pa.table({"a": pa.array([[1], [], [2]], pa.list_(pa.int64()))})
    sink = pa.BufferOutputStream()
    pq.write_table(content, sink, row_group_size=1, data_page_size=1)
    with pytest.raises(CorruptPage, match=r"^\d rows, the footer says \d$"):
        read(opened(sink.getvalue().to_pybytes()))


def test_no_columns_are_rows_alone():
    assert opened(parquet_bytes(MIXED)).read([]).num_rows == 2


@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_texts_are_read_in_every_encoding(encoding, version):
    """Pyarrow cannot give some of them dictionary-encoded, as texts are asked for."""
    content = parquet_bytes(
        table(spans(50)),
        use_dictionary=False,
        column_encoding={"service_name": encoding, "name": encoding},
        data_page_version=version,
    )
    file = opened(content, text_columns=["service_name", "name"])
    at = [file.schema.names.index(name) for name in ("service_name", "name")]
    assert [column.to_pylist() for column in file.read(at).columns] == [
        ["shop"] * 50,
        ["GET /"] * 50,
    ]


def test_numbers_are_read_in_every_encoding():
    encodings = {"start_time": "DELTA_BINARY_PACKED", "duration_ns": "BYTE_STREAM_SPLIT"}
    content = parquet_bytes(table(spans(50)), use_dictionary=False, column_encoding=encodings)
    file = opened(content)
    at = [file.schema.names.index(name) for name in encodings]
    assert file.read(at).equals(table(spans(50)).select(list(encodings)))


def test_damage_stays_damage_however_it_is_read():
    content = bytearray(parquet_bytes(table(spans(50)), **PLAIN))
    content[content.index(b"GET /")] ^= 1
    file = opened(bytes(content), text_columns=["name"])
    with pytest.raises(CorruptPage):
        file.read([file.schema.names.index("name")])


def test_a_text_column_inside_another_column_is_not_taken_for_one_of_the_file():
    content = parquet_bytes(pa.table({"rs": pa.array([[{"name": "n"}]])}))
    assert opened(content, text_columns=["name"]).read([0]).num_rows == 1


def test_an_encrypted_footer_is_refused_as_encrypted():
    with pytest.raises(FileEncrypted, match="the footer is encrypted"):
        opened(encrypted_bytes(spans(2), plain_footer=False))


@pytest.mark.parametrize("columns", [("name", "events"), None], ids=["two", "all"])
def test_an_encrypted_column_is_refused_by_its_name(columns):
    file = opened(encrypted_bytes(spans(2), columns), text_columns=["name"])
    names = file.schema.names
    for read in (
        file.read,
        lambda at: file.read_row_group(0, at),
        lambda at: [*file.batches(at, 9)],
    ):
        with pytest.raises(FileEncrypted, match=r"encrypted columns: name$") as refusal:
            read([names.index("name")])
        assert refusal.value.path == "day/a.parquet"


def test_columns_beside_encrypted_ones_are_read():
    file = opened(encrypted_bytes(spans(2), ("events",)))
    assert file.encrypted_columns() == {file.schema.names.index("events"): "events"}
    plain = [at for at, name in enumerate(file.schema.names) if name != "events"]
    assert file.read(plain).num_rows == 2


@pytest.mark.parametrize(
    "kind",
    [
        *(pa.null(), pa.bool_(), pa.float16(), pa.decimal128(20, 3), pa.binary(3), pa.uuid()),
        *(pa.list_(pa.int8(), 2), pa.large_list(pa.string()), pa.map_(pa.string(), NESTED), NESTED),
        *(pa.struct([("a", pa.list_(NESTED))]), pa.dictionary(pa.int8(), pa.string())),
        *(pa.timestamp("s"), pa.duration("ms"), pa.json_(), pa.list_(pa.list_(pa.null()))),
    ],
    ids=str,
)
def test_the_leaves_of_every_type_are_counted(kind):
    """A wrong count would read another column."""
    content = parquet_bytes(pa.table({"before": [1], "odd": pa.nulls(1, kind), "after": [2]}))
    assert opened(content).read([0, 2]).to_pylist() == [{"before": 1, "after": 2}]
    assert opened(content).read([1]).num_rows == 1


def test_what_is_no_footer_is_refused():
    with pytest.raises(FooterUnreadable):
        opened(parquet_bytes(spans(2))[:-1])


def test_the_footer_says_what_pyarrow_says():
    content = parquet_bytes(spans(6), row_group_size=2)
    metadata = pq.read_metadata(pa.BufferReader(content))
    footer = opened(content).footer
    assert (footer.row_count, footer.row_group_count) == (metadata.num_rows, 3)


def test_what_is_read_lies_in_the_pool_that_is_given():
    pool = pa.proxy_memory_pool(pa.default_memory_pool())
    file = FileColumns(pa.BufferReader(parquet_bytes(spans(999))), "a.parquet", pool=pool)
    read = [batch.nbytes for batch in file.batches([0, 1], 99)]
    assert pool.max_memory() >= max(read)
