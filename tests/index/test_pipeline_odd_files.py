"""Files that are odd and legal are indexed and answered whole; what cannot be read is named.

Each goes the whole way: found, read, registered, and its payload read back from its pages.
"""

from __future__ import annotations

import base64
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

from tests.read.read_back import with_columns
from tests.support.catalogs import indexed
from tests.support.span_files import Span, parquet_bytes, spans, table

pytestmark = pytest.mark.duckdb

TRACE = f"{1:032x}"
CODECS = ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]
MANY_ROWS = 10_000_000


def written(count: int) -> list[Span]:
    return [
        Span(
            span=number + 1,
            parent=None if number == 0 else 1,
            start=1_795_000_000_000_000_000 + number,
            attributes=f'{{"number": {number}}}',
        )
        for number in range(count)
    ]


def assert_whole(folder: Path, content: bytes, count: int) -> None:
    """Every span of the one trace is in the index, with the payload of its own row."""
    with indexed(folder) as one:
        (one.root / "a.parquet").write_bytes(content)
        one.settle()
        assert one.rows("SELECT file_path, error_message FROM quarantined_files") == []
        answer = one.answers().trace(TRACE)
    assert answer.completeness.missing == ()
    assert [span.payload.attributes for span in answer.spans] == [
        {"number": number} for number in range(count)
    ]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False], ids=["dictionary", "plain"])
@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_and_kind_of_page(tmp_path, codec, dictionary, version):
    options = {"compression": codec, "use_dictionary": dictionary, "data_page_version": version}
    assert_whole(tmp_path, parquet_bytes(written(300), data_page_size=500, **options), 300)


@pytest.mark.parametrize("count", [0, 1])
def test_no_row_and_one_row(tmp_path, count):
    assert_whole(tmp_path, parquet_bytes(written(count)), count)


def test_a_file_without_a_row_group(tmp_path):
    sink = pa.BufferOutputStream()
    pq.ParquetWriter(sink, table([]).schema).close()
    assert_whole(tmp_path, sink.getvalue().to_pybytes(), 0)


def test_a_thousand_row_groups(tmp_path):
    assert_whole(tmp_path, parquet_bytes(written(1000), row_group_size=1), 1000)


def test_five_hundred_more_columns(tmp_path):
    more = {f"more_{number}": [number] * 5 for number in range(500)}
    assert_whole(tmp_path, parquet_bytes(with_columns(written(5), **more)), 5)


def test_nested_columns_of_no_concern(tmp_path):
    nested = with_columns(
        written(5),
        tags=pa.array([[("a", "b")]] * 5, pa.map_(pa.string(), pa.string())),
        deep=[[{"x": [{"y": [1, 2]}]}]] * 5,
        empty=pa.array([{}] * 5, pa.struct([("z", pa.int8())])),
        nothing=pa.nulls(5),
    )
    assert_whole(tmp_path, parquet_bytes(nested), 5)


@pytest.mark.parametrize(
    "kind",
    [
        *(pa.large_string(), pa.binary(), pa.large_binary()),
        *(pa.string_view(), pa.binary_view()),
        pa.dictionary(pa.int32(), pa.string()),
    ],
    ids=str,
)
def test_text_of_another_arrow_type(tmp_path, kind):
    content = table(written(9))
    columns = {name: content[name].cast(kind) for name in ("attributes", "name", "trace_id")}
    assert_whole(tmp_path, parquet_bytes(with_columns(content, **columns)), 9)


def test_columns_in_any_order_and_all_nullable(tmp_path):
    content = table(written(9))
    shuffled = pa.table({name: content[name] for name in sorted(content.column_names)})
    assert_whole(tmp_path, parquet_bytes(shuffled, row_group_size=4), 9)


class _Keys(pe.KmsClient):
    """Keys that are their own wrapping."""

    def wrap_key(self, key_bytes: bytes, _master_key_identifier: str) -> bytes:
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, _master_key_identifier: str) -> bytes:
        return base64.b64decode(wrapped_key)


@pytest.mark.parametrize("readable_footer", [False, True])
def test_an_encrypted_file_is_refused_by_name(tmp_path, readable_footer):
    """Even one whose footer can be read and whose columns cannot."""
    factory = pe.CryptoFactory(lambda _config: _Keys())
    properties = factory.file_encryption_properties(
        pe.KmsConnectionConfig(),
        pe.EncryptionConfiguration(
            footer_key="footer",
            column_keys={"column": ["trace_id", "span_id", "name"]},
            plaintext_footer=readable_footer,
        ),
    )
    with indexed(tmp_path) as one:
        with pq.ParquetWriter(
            one.root / "secret.parquet", table([]).schema, encryption_properties=properties
        ) as writer:
            writer.write_table(table(spans(9)))
        (one.root / "sound.parquet").write_bytes(parquet_bytes(written(3)))
        one.settle()
        (refused,) = one.rows(
            "SELECT relative_path, error_type, error_message FROM quarantined_files"
        )
        assert refused[0] == "secret.parquet"
        assert refused[1] == "FileEncrypted"
        assert "crypt" in str(refused[2])
        assert len(one.spans()) == 3


def test_a_file_of_ten_million_rows(tmp_path, soak):
    """In one row group, of which a trace needs twelve rows."""
    count = MANY_ROWS if soak else 200_000
    hexes = pa.array([f"{number:016x}" for number in range(1, count + 1)])
    traces = pa.array([f"{number // 12 + 1:032x}" for number in range(count)])
    content = pa.table(
        {
            "trace_id": traces,
            "span_id": hexes,
            "parent_span_id": pa.nulls(count, pa.string()),
            "service_name": ["shop"] * count,
            "name": ["GET /"] * count,
            "start_time": pa.array(range(count), pa.timestamp("ns", "UTC")),
            "end_time": pa.array(range(count), pa.timestamp("ns", "UTC")),
            "attributes": [f'{{"number": {number}}}' for number in range(count)],
        }
    )
    assert_whole(tmp_path, parquet_bytes(content, row_group_size=count), 12)
