"""The payload of exactly the rows that were asked for, or a typed refusal, never a guess.

What a person reads about a failing span comes from here; a row mixed up with its neighbour would
be believed.
"""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from indexer.errors import CorruptPage, FileChanged, FileError, FileVanished
from indexer.read.dialect_document import dialects
from indexer.read.payload import PAYLOAD_COLUMNS, read_every_page, read_payload
from tests.read.parquet_pages import pages
from tests.read.read_back import invalid_utf8, put, with_columns
from tests.support.examples import examples
from tests.support.span_files import T0, Span, parquet_bytes, spans, table

NAMED = {dialect.name: dialect for dialect in dialects()}
OLD, NEW = NAMED["junjo-14"], NAMED["junjo-21"]
ROWS = [Span(span=number + 1, attributes=f'{{"row": {number}}}') for number in range(10)]


def attributes(folder, rows, **options):
    """The attributes of the rows of a file with ten of them, two to a row group."""
    content = parquet_bytes(ROWS, **{"row_group_size": 2, **options})
    return [row["attributes"] for row in read_payload(*put(folder, content), OLD, rows)]


def numbered(rows):
    return [f'{{"row": {number}}}' for number in rows]


def damaged(content, column, *, group=0):
    """The file with one byte flipped in the middle of a page of the column."""
    page = next(page for page in pages(content) if (page.group, page.column) == (group, column))
    middle = (page.body_start + page.body_end) // 2
    return content[:middle] + bytes([content[middle] ^ 0x10]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "rows",
    [[0], [9], [4], [1, 2], [0, 9], [9, 0], [5, 1, 8, 4], [3, 3], list(range(10))],
    ids=str,
)
def test_the_rows_come_in_the_order_asked_for(tmp_path, rows):
    assert attributes(tmp_path, rows) == numbered(rows)


@examples(
    30,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
    ],  # each example overwrites the file
)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(1, 11))
def test_any_rows_come_from_any_row_groups(tmp_path, rows, row_group_size):
    assert attributes(tmp_path, rows, row_group_size=row_group_size) == numbered(rows)


def test_no_rows_are_no_payload(tmp_path):
    assert attributes(tmp_path, []) == []


@pytest.mark.parametrize("row", [10, 2**31, -1])
def test_a_row_that_the_file_does_not_have_is_refused(tmp_path, row):
    with pytest.raises(FileError):
        attributes(tmp_path, [0, row])


def test_every_payload_column_is_in_every_row(tmp_path):
    (row,) = read_payload(*put(tmp_path, parquet_bytes(ROWS)), OLD, [3])
    assert tuple(row) == PAYLOAD_COLUMNS


def test_a_column_that_the_file_lacks_is_none(tmp_path):
    content = parquet_bytes(with_columns(ROWS, events=None))
    (row,) = read_payload(*put(tmp_path, content), OLD, [3])
    absent = {name: value for name, value in row.items() if value is None}
    assert row["attributes"] == '{"row": 3}'
    assert set(absent) == set(PAYLOAD_COLUMNS) - {"attributes", "resource_attributes"}


def test_a_file_without_any_payload_column_still_has_its_rows(tmp_path):
    bare = with_columns(
        ROWS, attributes=None, events=None, resource_attributes=None, status_message=None
    )
    rows = read_payload(*put(tmp_path, parquet_bytes(bare)), OLD, [3, 1])
    assert rows == [dict.fromkeys(PAYLOAD_COLUMNS)] * 2


def test_a_column_of_another_name_comes_under_the_name_of_answers(tmp_path):
    newer = with_columns(ROWS, links=["[]"] * 10, trace_flags=pa.array(range(10), pa.uint32()))
    (row,) = read_payload(*put(tmp_path, parquet_bytes(newer)), NEW, [7])
    assert (row["flags"], row["links"]) == (7, "[]")


def test_odd_payload_comes_as_it_is(tmp_path):
    """The index promises to leave the payload alone: malformed JSON, nulls, nested columns."""
    odd = with_columns(
        spans(3),
        attributes=["{not json", "", None],
        events=pa.array([[{"name": "a"}], [], None]),
        resource_attributes=pa.array([b"\xff", b"", None], pa.binary()),
    )
    rows = read_payload(*put(tmp_path, parquet_bytes(odd)), OLD, [0, 1, 2])
    assert [row["attributes"] for row in rows] == ["{not json", "", {}]
    assert [row["events"] for row in rows] == [[{"name": "a"}], [], []]
    assert [row["resource_attributes"] for row in rows] == [b"\xff", b"", {}]


def test_payload_that_is_not_utf8_is_answered_and_no_damage(tmp_path):
    """One poisonous value is not a damaged file: its bytes are what the writer wrote."""
    odd = with_columns(spans(2), attributes=invalid_utf8(b"bad\xff", b"{}"))
    rows = read_payload(*put(tmp_path, parquet_bytes(odd)), OLD, [0, 1])
    assert [row["attributes"] for row in rows] == ["bad\ufffd", "{}"]


@pytest.mark.parametrize("name", ["a[1].parquet", "[!a].parquet", "a*b?.parquet", "a'b\".parquet"])
def test_a_name_with_signs_of_other_languages_names_one_file(tmp_path, name):
    put(tmp_path, parquet_bytes(spans(4, attributes="other")), "a1.parquet")
    put(tmp_path, parquet_bytes(spans(4, attributes="other")), "b.parquet")
    (row,) = read_payload(*put(tmp_path, parquet_bytes(ROWS), name), OLD, [2])
    assert row["attributes"] == '{"row": 2}'


def test_a_folder_named_like_a_partition_adds_nothing(tmp_path):
    folder = tmp_path / "attributes=wrong"
    folder.mkdir()
    (row,) = read_payload(*put(folder, parquet_bytes(ROWS)), OLD, [2])
    assert row["attributes"] == '{"row": 2}'


def test_a_column_named_like_a_virtual_one_does_not_matter(tmp_path):
    odd = with_columns(ROWS, file_row_number=list(range(9, -1, -1)), filename=["x"] * 10)
    (row,) = read_payload(*put(tmp_path, parquet_bytes(odd)), OLD, [2])
    assert row["attributes"] == '{"row": 2}'


def test_a_column_whose_name_differs_in_case_is_another_column(tmp_path):
    content = table(ROWS)
    names = ["ATTRIBUTES", *content.column_names]
    odd = pa.table([pa.array(["other"] * 10), *content.columns], names=names)
    (row,) = read_payload(*put(tmp_path, parquet_bytes(odd)), OLD, [2])
    assert row["attributes"] == '{"row": 2}'


def test_a_file_rewritten_within_a_second_is_answered_from_its_new_bytes(tmp_path):
    """Whatever the engine has cached of the file before it."""
    answers = []
    for number, text in enumerate(["before", "behind"]):
        content = parquet_bytes(spans(9, attributes=text), compression="none")
        storage, info = put(tmp_path, content)
        os.utime(info.path, ns=(0, T0 + number))
        info = storage.stat("a.parquet").info
        (row,) = read_payload(storage, info, OLD, [2])
        answers.append((row["attributes"], info.size_bytes))
    assert [text for text, _ in answers] == ["before", "behind"]
    assert answers[0][1] == answers[1][1]


def test_a_file_that_changed_since_it_was_indexed_is_not_answered_from(tmp_path):
    storage, info = put(tmp_path, parquet_bytes(ROWS))
    put(tmp_path, parquet_bytes(ROWS[:5]))
    with pytest.raises(FileChanged):
        read_payload(storage, info, OLD, [0])


def test_a_file_replaced_by_its_equal_in_size_and_time_is_not_answered_from(tmp_path):
    storage, info = put(tmp_path, parquet_bytes(ROWS))
    put(tmp_path, parquet_bytes(ROWS[::-1]), "other.parquet")
    os.utime(tmp_path / "other.parquet", ns=(0, info.modified_unix_nano))
    os.replace(tmp_path / "other.parquet", info.path)
    assert os.stat(info.path).st_size == info.size_bytes
    with pytest.raises(FileChanged):
        read_payload(storage, info, OLD, [0])


def test_a_file_that_is_gone_is_not_answered_from(tmp_path):
    storage, info = put(tmp_path, parquet_bytes(ROWS))
    os.unlink(info.path)
    with pytest.raises(FileVanished):
        read_payload(storage, info, OLD, [0])


@pytest.mark.parametrize("column", ["attributes", "events", "resource_attributes"])
def test_a_damaged_page_is_refused_and_not_answered(tmp_path, column):
    storage, info = put(tmp_path, damaged(parquet_bytes(ROWS), column))
    with pytest.raises(CorruptPage, match="checksum"):
        read_payload(storage, info, OLD, [0])


def test_damage_in_one_row_group_costs_no_other(tmp_path):
    content = damaged(parquet_bytes(ROWS, row_group_size=2), "attributes", group=1)
    storage, info = put(tmp_path, content)
    rows = read_payload(storage, info, OLD, [0, 1, 4, 5])
    assert [row["attributes"] for row in rows] == numbered([0, 1, 4, 5])
    with pytest.raises(CorruptPage):
        read_payload(storage, info, OLD, [2])


def test_damage_in_a_column_of_the_index_costs_no_payload(tmp_path):
    storage, info = put(tmp_path, damaged(parquet_bytes(ROWS), "span_id"))
    assert len(read_payload(storage, info, OLD, [0, 9])) == 2


def test_every_page_of_a_sound_file_is_read(tmp_path):
    read_every_page(*put(tmp_path, parquet_bytes(ROWS, row_group_size=3)))


@pytest.mark.parametrize("column", table(ROWS).column_names)
def test_the_full_audit_sees_damage_in_every_column(tmp_path, column):
    content = parquet_bytes(ROWS, row_group_size=5)
    if not any(page.column == column and page.size for page in pages(content)):
        pytest.fail(f"the file has no page of {column}")
    storage, info = put(tmp_path, damaged(content, column, group=1))
    with pytest.raises(CorruptPage):
        read_every_page(storage, info)


def test_the_full_audit_reads_payload_that_is_not_utf8(tmp_path):
    odd = with_columns(spans(1), attributes=invalid_utf8(b"bad\xff"))
    read_every_page(*put(tmp_path, parquet_bytes(odd)))


def test_the_full_audit_reads_a_file_without_rows(tmp_path):
    sink = pa.BufferOutputStream()
    pq.ParquetWriter(sink, table([]).schema).close()
    read_every_page(*put(tmp_path, sink.getvalue().to_pybytes()))
