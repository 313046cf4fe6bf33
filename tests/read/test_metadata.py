"""From the file to the index: sound rows arrive as they are, odd ones cost only themselves.

What bad input gets is a promise: no value of a row may cost a file its place in the index, and
no file may cost another one its place in a batch. Times, texts and codes have modules of their own.
"""

import os
import sys

import pyarrow as pa
import pytest

from indexer.errors import (
    FileChanged,
    FileError,
    FileTooLarge,
    FileVanished,
    FooterUnreadable,
    NotSpans,
    PathNotUtf8,
    SchemaMismatch,
    TransientError,
)
from indexer.read.metadata import batch, read_file, read_parquet_metadata
from tests.read.read_back import (
    counts,
    invalid_utf8,
    only,
    put,
    read_back,
    read_bytes,
    values,
    with_columns,
)
from tests.support.span_files import T0, Span, parquet_bytes, spans, table


def test_a_span_arrives_with_every_field(tmp_path):
    written = Span(
        trace=0xABC, span=0xD, parent=0xE, service="shop", name="GET /cart", status=2, kind=3
    )
    span = only(read_back(tmp_path, [written]))
    assert (span.trace_id, span.span_id) == (written.trace_id, written.span_id)
    assert (span.parent_span_id, span.is_root) == (f"{0xE:016x}", False)
    assert (span.service_name, span.name) == ("shop", "GET /cart")
    assert (span.status_code, span.span_kind, span.file_row_number) == (2, 3, 0)
    assert (span.start_time_unix_nano, span.duration_ns) == (T0, written.duration)


def test_a_file_tells_what_it_is(tmp_path):
    storage, info = put(tmp_path, parquet_bytes(spans(5), row_group_size=2))
    file = batch([read_file(storage, info)]).files[0]
    assert (file.info, file.dialect) == (info, "junjo-14")
    assert (file.footer.row_count, file.footer.row_group_count) == (5, 3)
    assert counts(file) == (5, 0, 0, 0)


def test_rows_of_many_row_groups_are_numbered_through(tmp_path):
    file = read_back(tmp_path, spans(23), row_group_size=4)
    assert values(file, "file_row_number") == list(range(23))
    assert values(file, "span_id") == [span.span_id for span in spans(23)]


def test_the_shape_of_the_file_does_not_show_in_the_digest(tmp_path):
    """A compacted or recompressed file holds the same spans."""
    rows = [Span(trace=9 - at // 3, span=at + 1, start=T0 + at * 1000) for at in range(18)]
    shapes = [
        {"row_group_size": 4, "compression": "snappy"},
        {"data_page_version": "2.0", "compression": "gzip", "use_dictionary": False},
        {"write_page_checksum": False, "compression": "none", "data_page_size": 64},
        {"version": "1.0", "coerce_timestamps": "us"},
    ]
    digests = {read_back(tmp_path, rows, **shape).content_digest for shape in shapes}
    assert digests == {read_back(tmp_path, rows).content_digest}


def test_a_file_without_rows_is_a_file(tmp_path):
    file = read_back(tmp_path, [])
    assert counts(file) == (0, 0, 0, 0)
    assert file.content_digest == "0" * 32


def test_a_file_with_an_empty_row_group_is_a_file(tmp_path):
    sink = pa.BufferOutputStream()
    with pa.parquet.ParquetWriter(sink, table([]).schema) as writer:
        writer.write_table(table([]))
        writer.write_table(table(spans(2)))
        writer.write_table(table([]))
    file = read_bytes(tmp_path, sink.getvalue().to_pybytes())
    assert (file.footer.row_group_count, len(file.spans)) == (3, 2)


@pytest.mark.parametrize("column", ["trace_id", "span_id"])
@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(None, id="null"),
        pytest.param("", id="empty"),
        pytest.param("0" * 32, id="zeros"),
        pytest.param("xyz", id="too short"),
        pytest.param("a" * 33, id="too long"),
        pytest.param("g" * 32, id="not hex"),
        pytest.param("é" * 16, id="not ASCII"),
    ],
)
def test_a_row_without_a_real_id_is_rejected_and_the_file_stays(tmp_path, column, odd):
    if odd is not None and len(odd) == 32 and column == "span_id":
        odd = odd[:16]
    ids = table(spans(3))[column].to_pylist()
    ids[1] = odd
    file = read_back(tmp_path, with_columns(spans(3), **{column: pa.array(ids, pa.string())}))
    assert counts(file) == (2, 1, 0, 0)
    assert values(file, "file_row_number") == [0, 2]


def test_a_rejected_row_counts_nothing_else(tmp_path):
    """Its odd values are not in the index, so they are not clamped there."""
    odd = with_columns(spans(1), trace_id=["no id"], service_name=invalid_utf8(b"\xff"))
    assert counts(read_back(tmp_path, odd)) == (0, 1, 0, 0)


def test_uppercase_ids_are_the_same_spans(tmp_path):
    rows = [Span(trace=0xABCDEF, span=0xABC, parent=0xDEF)]
    upper = {
        column: [text.upper() for text in table(rows)[column].to_pylist()]
        for column in ("trace_id", "span_id", "parent_span_id")
    }
    file = read_back(tmp_path, with_columns(rows, **upper))
    assert only(file).trace_id == rows[0].trace_id
    assert file.content_digest == read_back(tmp_path, rows).content_digest


@pytest.mark.parametrize("root", [None, "", "0" * 16], ids=["null", "empty", "zeros"])
def test_an_absent_parent_means_root_and_is_nothing_odd(tmp_path, root):
    file = read_back(tmp_path, with_columns(spans(1), parent_span_id=pa.array([root], pa.string())))
    assert (only(file).parent_span_id, file.clamped_values) == (None, 0)


@pytest.mark.parametrize("parent", ["no id", "a" * 15, "g" * 16, "0" * 32])
def test_a_malformed_parent_means_root_and_is_counted(tmp_path, parent):
    file = read_back(tmp_path, with_columns(spans(1), parent_span_id=[parent]))
    assert (only(file).parent_span_id, file.clamped_values) == (None, 1)


def test_a_parent_column_of_nothing_means_roots(tmp_path):
    rows = with_columns(spans(3), parent_span_id=pa.nulls(3, pa.string()))
    assert values(read_back(tmp_path, rows), "is_root") == [True, True, True]


def test_a_span_repeated_in_its_file_counts_once(tmp_path):
    rows = [Span(name="first"), Span(span=2), Span(name="again"), Span(name="and again")]
    file = read_back(tmp_path, rows)
    assert counts(file) == (2, 0, 2, 0)
    assert values(file, "name") == ["first", "GET /"]


def test_a_file_without_the_optional_columns_is_read(tmp_path):
    lean = with_columns(
        spans(2), status_code=None, span_kind=None, attributes=None, events=None, duration_ns=None
    )
    file = read_back(tmp_path, lean)
    assert values(file, "status_code") == values(file, "span_kind") == [0, 0]
    assert file.missing_columns == ("attributes", "events")


def test_more_rows_than_the_limit_are_refused_before_they_are_read(tmp_path):
    with pytest.raises(FileTooLarge, match="3 rows, limit 2"):
        read_bytes(tmp_path, parquet_bytes(spans(3)), rows_max=2)
    assert len(read_bytes(tmp_path, parquet_bytes(spans(3)), rows_max=3).spans) == 3


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        pytest.param(b"", FooterUnreadable, id="empty"),
        pytest.param(b"PAR1 and no more", FooterUnreadable, id="not Parquet"),
        pytest.param(parquet_bytes(spans(3))[:-1], FooterUnreadable, id="cut"),
        pytest.param(parquet_bytes(pa.table({"a": [1]})), NotSpans, id="not spans"),
        pytest.param(
            parquet_bytes(with_columns(spans(1), start_time=[1.5])), SchemaMismatch, id="wrong type"
        ),
    ],
)
def test_a_file_that_is_refused_says_which(tmp_path, content, refusal):
    with pytest.raises(refusal) as refused:
        read_bytes(tmp_path, content)
    assert refused.value.path == "a.parquet"
    assert refused.value.advice


def test_a_file_that_vanished_is_a_passing_error(tmp_path):
    storage, info = put(tmp_path, parquet_bytes(spans(1)))
    os.unlink(info.path)
    with pytest.raises(FileVanished):
        read_file(storage, info)


def test_a_file_that_changed_is_a_passing_error(tmp_path):
    storage, info = put(tmp_path, parquet_bytes(spans(1)))
    put(tmp_path, parquet_bytes(spans(2)))
    with pytest.raises(FileChanged):
        read_file(storage, info)


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
def test_a_name_that_is_not_utf8_is_refused_readably(tmp_path):
    storage, info = put(tmp_path, parquet_bytes(spans(1)), os.fsdecode(b"odd_\xff.parquet"))
    with pytest.raises(PathNotUtf8) as refusal:
        read_file(storage, info)
    assert refusal.value.path == r"odd_\xff.parquet"


def test_files_of_a_batch_do_not_mix(tmp_path):
    """Same trace, other texts, an empty file and a file of rejected rows between them."""
    contents = {
        "a.parquet": parquet_bytes([Span(name="a"), Span(span=2, name="b")]),
        "b.parquet": parquet_bytes([]),
        "c.parquet": parquet_bytes(with_columns(spans(2), trace_id=["", "x"])),
        "d.parquet": parquet_bytes([Span(name="b", service="cart"), Span(name="again")]),
        "e.parquet": parquet_bytes(with_columns(spans(1), status_code=None, span_kind=None)),
    }
    raws = [read_file(*put(tmp_path, content, name)) for name, content in contents.items()]
    together, alone = batch(raws).files, [batch([raw]).files[0] for raw in raws]
    assert [counts(file) for file in together] == [
        (2, 0, 0, 0),
        (0, 0, 0, 0),
        (0, 2, 0, 0),
        (1, 0, 1, 0),
        (1, 0, 0, 0),
    ]
    for one, other in zip(together, alone, strict=True):
        assert list(one.spans.rows()) == list(other.spans.rows())
        assert one.content_digest == other.content_digest


def test_a_batch_holds_its_files_side_by_side(tmp_path):
    names = ["a.parquet", "b.parquet"]
    raws = [read_file(*put(tmp_path, parquet_bytes(spans(3)), name)) for name in names]
    whole = batch(raws)
    assert whole.columns.slot.tolist() == [0, 0, 0, 1, 1, 1]
    assert [file.info.relative_path for file in whole.files] == names


def test_a_file_is_read_by_its_path_alone(tmp_path):
    put(tmp_path, parquet_bytes(spans(2)))
    assert len(read_parquet_metadata(str(tmp_path / "a.parquet")).spans) == 2


def test_a_file_is_read_by_a_bare_name(tmp_path, monkeypatch):
    put(tmp_path, parquet_bytes(spans(2)))
    monkeypatch.chdir(tmp_path)
    assert len(read_parquet_metadata("a.parquet").spans) == 2


@pytest.mark.parametrize("name", ["a.parquet", "missing.parquet"])
def test_a_path_that_does_not_hold_the_expected_file_is_refused_with_a_known_error(tmp_path, name):
    put(tmp_path, parquet_bytes(spans(2)))
    with pytest.raises((FileError, TransientError)):
        read_parquet_metadata(str(tmp_path / name), size_bytes=1)
