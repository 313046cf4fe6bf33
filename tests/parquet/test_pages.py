"""The walk over the footer and page headers: exactly the pages that rows need are summed.

Sound ones pass. ``parquet_pages`` walks the same bytes by another hand, so a mistake in the
format shows as a difference.
"""

import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.errors import CorruptPage
from indexer.parquet.column_chunks import row_groups
from indexer.parquet.footer import footer_bytes
from indexer.parquet.pages import pages
from indexer.read.values import ChunkReader, NotDecodedHere
from tests.read.damage import FILES, sound
from tests.read.parquet_pages import pages as pages_by_another_hand
from tests.read.read_back import with_columns
from tests.support.span_files import parquet_bytes, spans

COLUMN = "attributes"
SMALL_PAGES = {"use_dictionary": False, "compression": "none", "write_page_checksum": True}


def walked(content):
    """(row group, column, first byte, length) of every page, as the product finds them."""
    source = pa.BufferReader(content)
    for number, group in enumerate(row_groups(footer_bytes(source, "a.parquet"), "a.parquet")):
        for chunk in group.chunks:
            for page in pages(source, chunk, "a.parquet"):
                yield number, chunk.path_in_schema, page


def verify(content, rows, columns=(COLUMN,), group=0):
    source = pa.BufferReader(content)
    groups = row_groups(footer_bytes(source, "a.parquet"), "a.parquet")
    for chunk in groups[group].chunks:
        if chunk.column in columns:
            ChunkReader(source, chunk, "a.parquet").values(rows)


def ten_pages():
    """Fifty rows, five to a page of the column, none of them like another."""
    rows = with_columns(spans(50), attributes=[f"{number:0100}" for number in range(50)])
    content = parquet_bytes(rows, data_page_size=500, write_batch_size=5, **SMALL_PAGES)
    found = [page for page in pages_by_another_hand(content) if page.column == COLUMN]
    assert len(found) == 10
    return content, found


def flipped(content, at):
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("file", sorted(FILES))
def test_every_page_is_found_where_it_is(file):
    content = sound(file)
    found = [
        (group, column, page.offset, page.size_bytes, page.checksum is not None)
        for group, column, page in walked(content)
    ]
    assert found == [
        (page.group, page.column, page.body_start, page.size, page.has_checksum)
        for page in pages_by_another_hand(content)
    ]


@pytest.mark.parametrize("file", sorted(FILES))
def test_the_values_of_the_data_pages_are_the_rows(file):
    counted: dict[tuple[int, str], int] = {}
    for group, column, page in walked(sound(file)):
        values = 0 if page.is_dictionary else page.value_count
        counted[group, column] = counted.get((group, column), 0) + values
    metadata = pq.read_metadata(pa.BufferReader(sound(file)))
    for (group, _), count in counted.items():
        assert count == metadata.row_group(group).num_rows


@pytest.mark.parametrize("length", [1000, 2100, 3000, 4000, 4096, 5000, 100_000])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_long_values_do_not_make_a_sound_file_look_damaged(length, version):
    """Headers carry the smallest and the largest value; a prompt has thousands of letters."""
    rows = with_columns(spans(4), attributes=[f"{number}" * length for number in range(4)])
    verify(parquet_bytes(rows, data_page_version=version), [0, 3])


@pytest.mark.parametrize("row", [0, 4, 5, 24, 49])
def test_damage_in_the_page_of_a_wanted_row_is_refused(row):
    content, found = ten_pages()
    with pytest.raises(CorruptPage, match="checksum") as refusal:
        verify(flipped(content, found[row // 5].body_start), [row])
    assert refusal.value.path == "a.parquet"


def test_damage_in_a_page_without_a_wanted_row_is_passed_by():
    content, found = ten_pages()
    verify(flipped(content, found[3].body_end - 1), [0, 14, 20, 49])


def test_damage_in_a_page_of_another_column_is_passed_by():
    content, found = ten_pages()
    verify(flipped(content, found[0].body_start), [0], columns=["events"])


def test_damage_in_the_dictionary_is_refused_for_every_row():
    content = parquet_bytes(spans(50), compression="none")
    dictionary = next(page for page in pages_by_another_hand(content) if page.column == COLUMN)
    for row in (0, 49):
        with pytest.raises(CorruptPage):
            verify(flipped(content, dictionary.body_start), [row])


def test_a_nested_column_is_not_decoded_page_by_page():
    """Its values are not its rows; pyarrow reads the whole row group instead."""
    events = [[{"name": f"{number:0100}"}] * 3 for number in range(50)]
    content = parquet_bytes(with_columns(spans(50), events=events))
    with pytest.raises(NotDecodedHere):
        verify(content, [0], columns=["events"])


def test_pages_without_a_checksum_pass():
    content = parquet_bytes(spans(50), write_page_checksum=False, compression="none")
    dictionary = next(page for page in pages_by_another_hand(content) if page.column == COLUMN)
    verify(flipped(content, dictionary.body_end - 1), [0])


def test_rows_are_counted_from_the_start_of_their_group():
    content = parquet_bytes(spans(9), row_group_size=3, **SMALL_PAGES)
    (page,) = [p for p in pages_by_another_hand(content) if (p.group, p.column) == (2, COLUMN)]
    bad = flipped(content, page.body_start)
    verify(bad, [0, 1, 2], group=1)
    with pytest.raises(CorruptPage):
        verify(bad, [2], group=2)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"\xff" * 30, id="all ones"),
        pytest.param(b"\x00" * 30, id="all zeros"),
        pytest.param(
            b"\x15\x00\x15\x00\x15\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", id="long"
        ),
        pytest.param(b"\x15\x00\x15\x02\x15\xfe\xff\x03\x2c\x15\x02\x00\x00", id="overruns"),
        pytest.param(b"\x15\x00\x15\x02\x15\x01\x2c\x15\x02\x00\x00", id="negative size"),
        pytest.param(b"\x15\x00\x15\x02\x18\x01a\x2c\x15\x02\x00\x00", id="a text as size"),
        pytest.param(b"\x15\x00\x15\x02\x1c\x00\x2c\x15\x02\x00\x00", id="a struct as size"),
        pytest.param(b"\x15\x00\x15\x02\x15\x02\x25\x02\x00", id="a number as data header"),
        pytest.param(b"\x15\x00\x15\x02\x15\x02\x28\x01a\x00", id="a text as data header"),
        pytest.param(b"\x15\x00\x15\x02\x15\x02\x2c\x1c\x00\x00\x00", id="a struct as count"),
        pytest.param(b"\x15\x00\x15\x02\x15\x02\x19\x15\x02", id="a list"),
        pytest.param(b"\x1c" * 3000, id="structs in structs"),
    ],
)
def test_what_is_no_page_header_is_refused_by_name(header):
    content, found = ten_pages()
    start = found[0].header_start
    bad = content[:start] + header + content[start + len(header) :]
    with pytest.raises(CorruptPage):
        verify(bad, [0])


def test_a_header_that_claims_an_endless_list_costs_no_memory():
    """Five million doubles in nine bytes; with three more bytes it would be all of them."""
    content, found = ten_pages()
    start = found[0].header_start
    header = b"\x15\x00\x15\x02\x15\x02\x19\xf7\xc0\x96\xb1\x02"
    tracemalloc.start()
    try:
        with pytest.raises(CorruptPage):
            verify(content[:start] + header + content[start + len(header) :], [0])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 << 20
