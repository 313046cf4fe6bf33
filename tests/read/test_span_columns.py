"""Names and codes from every writer: odd ones are replaced, cut or zeroed, counted, and no more.

What the index cannot hold must cost neither the row nor the file, and the payload keeps it.
"""

import pyarrow as pa
import pytest

from indexer.read.limits import TEXT_BYTES_MAX
from indexer.read.span_columns import UNKNOWN_SERVICE
from tests.read.read_back import (
    counts,
    invalid_utf8,
    only,
    read_back,
    values,
    with_columns,
)
from tests.support.span_files import Span, spans, table


def test_a_null_service_is_the_unknown_service(tmp_path):
    rows = with_columns(spans(2), service_name=pa.array(["shop", None]))
    assert values(read_back(tmp_path, rows), "service_name") == ["shop", UNKNOWN_SERVICE]


def test_a_service_column_of_nothing_is_the_unknown_service(tmp_path):
    rows = with_columns(spans(2), service_name=pa.nulls(2, pa.string()))
    assert values(read_back(tmp_path, rows), "service_name") == [UNKNOWN_SERVICE] * 2


def test_a_null_name_is_empty(tmp_path):
    rows = with_columns(spans(2), name=pa.array([None, "GET /"]))
    assert values(read_back(tmp_path, rows), "name") == ["", "GET /"]


@pytest.mark.parametrize("text", ["", "ключ", "🛒" * 1024, "a\0b", "\ufeff", "' OR 1=1 --"])
def test_every_text_within_bounds_arrives_as_it_is(tmp_path, text):
    file = read_back(tmp_path, [Span(name=text, service=text)])
    assert (only(file).name, only(file).service_name, file.clamped_values) == (text, text, 0)


@pytest.mark.parametrize("column", ["name", "service_name"])
def test_invalid_utf8_is_replaced_and_counted(tmp_path, column):
    odd = invalid_utf8(b"ok", b"bad\xff\xfe", b"bad\xff\xfe")
    file = read_back(tmp_path, with_columns(spans(3), **{column: odd}))
    assert values(file, column) == ["ok", "bad\ufffd\ufffd", "bad\ufffd\ufffd"]
    assert counts(file) == (3, 0, 0, 2)


def test_two_texts_that_are_replaced_alike_become_one(tmp_path):
    """Else one service would stand in the list twice."""
    odd = invalid_utf8(b"\xff", b"\xfe", "\ufffd".encode())
    file = read_back(tmp_path, with_columns(spans(3), service_name=odd))
    assert (values(file, "service_name"), file.clamped_values) == (["\ufffd"] * 3, 2)
    assert file.spans.service.values.count("\ufffd") == 1


def test_an_overlong_text_is_cut_and_counted(tmp_path):
    file = read_back(tmp_path, [Span(name="x" * (TEXT_BYTES_MAX + 1)), Span(span=2)])
    assert values(file, "name") == ["x" * TEXT_BYTES_MAX, "GET /"]
    assert file.clamped_values == 1


def test_an_overlong_text_is_never_cut_inside_a_letter(tmp_path):
    file = read_back(tmp_path, [Span(name="a" + "é" * TEXT_BYTES_MAX)])
    assert only(file).name == "a" + "é" * ((TEXT_BYTES_MAX - 1) // 2)


@pytest.mark.parametrize("column", ["status_code", "span_kind"])
@pytest.mark.parametrize(
    ("kind", "odd"),
    [
        (pa.int8(), -1),
        (pa.int16(), 128),
        (pa.int32(), -(2**31)),
        (pa.int64(), 2**32 + 2),
        (pa.uint64(), 2**63),
        (pa.uint64(), 2**64 - 1),
    ],
    ids=str,
)
def test_a_code_beyond_its_range_is_zero_and_counted(tmp_path, column, kind, odd):
    rows = with_columns(spans(2), **{column: pa.array([odd, 2], kind)})
    file = read_back(tmp_path, rows)
    assert (values(file, column), file.clamped_values) == ([0, 2], 1)


@pytest.mark.parametrize("column", ["status_code", "span_kind"])
def test_a_null_code_is_zero_and_nothing_odd(tmp_path, column):
    file = read_back(tmp_path, with_columns(spans(2), **{column: pa.array([None, 2], pa.int8())}))
    assert (values(file, column), file.clamped_values) == ([0, 2], 0)


@pytest.mark.parametrize(
    "kind",
    [
        pa.large_string(),
        pa.binary(),
        pa.large_binary(),
        pa.string_view(),
        pa.binary_view(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int8(), pa.large_string()),
    ],
    ids=str,
)
def test_texts_of_every_encoding_are_the_same_spans(tmp_path, kind):
    rows = [*spans(3), Span(trace=2, service="cart", name="é")]
    columns = ("trace_id", "span_id", "parent_span_id", "service_name", "name")
    encoded = {
        column: pa.array(table(rows)[column].to_pylist(), pa.string()).cast(kind)
        for column in columns
    }
    file = read_back(tmp_path, with_columns(rows, **encoded))
    assert file.content_digest == read_back(tmp_path, rows).content_digest


def test_invalid_utf8_in_a_wide_or_dictionary_column_is_replaced_too(tmp_path):
    odd = pa.array([b"bad\xff", b"ok"], pa.large_binary()).view(pa.large_string())
    coded = invalid_utf8(b"bad\xff", b"ok").dictionary_encode()
    file = read_back(tmp_path, with_columns(spans(2), name=odd, service_name=coded))
    assert values(file, "name") == values(file, "service_name") == ["bad\ufffd", "ok"]
