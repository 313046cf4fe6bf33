"""What is kept of where pages lie: the same values, for fewer bytes, and never too much."""

from __future__ import annotations

import pyarrow as pa
import pytest

from indexer.errors import CorruptPage
from indexer.model import ParquetFileInfo
from indexer.parquet.column_chunks import RowGroup, row_groups
from indexer.parquet.footer import footer_bytes
from indexer.parquet.page_maps import PageMap, PageMaps
from indexer.read.dialect_document import dialects
from indexer.read.payload import read_payload
from indexer.read.tally import Tally
from indexer.system.storage import LocalStorage
from tests.support.span_files import spans, write

NAME = "a.parquet"


def info(number: int) -> ParquetFileInfo:
    return ParquetFileInfo(
        path="/a", relative_path=NAME, size_bytes=number, modified_unix_nano=0, device=0, inode=0
    )


def groups_of(content: bytes) -> list[RowGroup]:
    return row_groups(footer_bytes(pa.BufferReader(content), NAME), NAME)


def test_a_file_that_is_asked_again_gives_the_same_for_fewer_bytes(tmp_path):
    write(tmp_path / NAME, spans(500), row_group_size=100)
    storage = LocalStorage(str(tmp_path))
    entry = storage.stat(NAME)
    assert entry is not None
    first, again = Tally(), Tally()
    dialect = next(one for one in dialects() if one.name == "junjo-14")
    asked = [7, 150, 499]
    one = read_payload(storage, entry.info, dialect, asked, first)
    two = read_payload(storage, entry.info, dialect, asked, again)
    assert one == two
    assert again.bytes_read < first.bytes_read


def test_pages_ahead_of_a_damaged_header_are_found_each_time(tmp_path):
    """What is sound is read, and damage is told when it is come to."""
    path = write(
        tmp_path / NAME, spans(400), data_page_size=64, write_batch_size=50, use_dictionary=False
    )
    content = bytearray(path.read_bytes())
    groups = groups_of(bytes(content))
    chunk = next(one for one in groups[0].chunks if one.column == "span_id")
    sound = list(PageMap(groups).pages(pa.BufferReader(bytes(content)), chunk, NAME))
    assert len(sound) > 2
    content[sound[-2].offset + sound[-2].size_bytes] = 0xFF
    damaged = PageMap(groups)
    for _ in range(2):
        found = iter(damaged.pages(pa.BufferReader(bytes(content)), chunk, NAME))
        assert [next(found) for _ in sound[:-1]] == sound[:-1]
        with pytest.raises(CorruptPage):
            next(found)


@pytest.mark.parametrize("use_dictionary", [False, True])
def test_from_any_row_on_pages_come_with_the_rows_before_them(tmp_path, use_dictionary):
    path = write(
        tmp_path / NAME,
        spans(300),
        data_page_size=64,
        write_batch_size=50,
        use_dictionary=use_dictionary,
    )
    content = path.read_bytes()
    groups = groups_of(content)
    chunk = next(one for one in groups[0].chunks if one.column == "span_id")
    page_map, source = PageMap(groups), pa.BufferReader(content)
    pages = list(page_map.pages(source, chunk, NAME))
    for row in range(300):
        found = list(page_map.pages_from(source, chunk, NAME, row))
        if use_dictionary:
            assert found.pop(0) == (0, pages[0])
        (first, page), *_ = found
        assert first <= row < first + page.value_count
        assert [one for _, one in found] == pages[len(pages) - len(found) :]
        assert found[-1][0] + found[-1][1].value_count == 300


def test_files_that_were_asked_the_longest_ago_are_let_go(tmp_path):
    groups = groups_of(write(tmp_path / NAME, spans(10)).read_bytes())
    parts = PageMap(groups).parts
    maps, read = PageMaps(parts_max=2 * parts), []

    def ask(number: int) -> None:
        found = maps.find(info(number))
        if found is None:
            read.append(number)
        maps.keep(info(number), found or PageMap(groups))

    for number in (1, 2, 1, 3, 1, 2):
        ask(number)
    assert read == [1, 2, 3, 2]
