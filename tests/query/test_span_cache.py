"""What is kept of spans that were shown is what a reading of their file would show."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from indexer.hot.view import DecodedRows, HotView
from indexer.model import ParquetFileInfo
from indexer.query.find.span_query import SpanQuery
from indexer.query.span import DataFile, Span
from indexer.query.span_cache import ENTRY_BYTES, SPAN_BYTES_MAX, Encoded, EncodedSpanCache
from indexer.read.dialect_document import dialects
from tests.support.answered_spans import answered
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import Span as Written
from tests.support.span_files import table, write

SHOP = SpanQuery(service="shop")


def attributes(span: Span) -> bytes:
    return json.dumps(span.payload and span.payload.attributes).encode()


def shown(one: Indexed, cache: EncodedSpanCache, **options: Any) -> tuple[list[Any], int, bool]:
    """(the spans as they are shown, files that were read for them, complete)."""
    found = one.answers(**options).spans(SHOP, encoding=cache)
    texts = [json.loads(content) for content in found.encoded]
    return texts, found.cost.files_read, found.completeness.is_complete


def test_the_second_page_opens_no_file(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Written(attributes='{"n":1}')])
        one.settle()
        cache = EncodedSpanCache(attributes)
        assert shown(one, cache) == ([{"n": 1}], 1, True)
        assert shown(one, cache) == ([{"n": 1}], 0, True)
        write(one.root / "b.parquet", [Written(trace=2, attributes='{"n":2}')])
        one.settle()
        assert shown(one, cache) == ([{"n": 1}, {"n": 2}], 1, True)


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    """Same path, same row, same size: another file."""
    with indexed(tmp_path) as one:
        cache = EncodedSpanCache(attributes)
        for number in (1, 2):
            path = write(one.root / "a.parquet", [Written(attributes=f'{{"n":{number}}}')])
            os.utime(path, ns=(number * 10**9, number * 10**9))
            one.settle()
            assert shown(one, cache) == ([{"n": number}], 1, True)


def test_what_could_not_be_read_is_not_kept(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", [Written(attributes='{"n":1}')])
        one.settle()
        cache = EncodedSpanCache(attributes)
        away = path.rename(tmp_path / "away")
        assert shown(one, cache) == ([None], 1, False)
        away.rename(path)
        assert shown(one, cache) == ([{"n": 1}], 1, True)


@pytest.mark.parametrize("flushed", [False, True], ids=["hot", "recent"])
def test_a_recent_file_is_kept_and_what_is_in_no_file_is_not(tmp_path: Path, flushed: bool) -> None:
    """A recent file is opened for its metadata each time, and what is kept of it outlasts that."""
    rows = [Written(attributes='{"n":1}')]
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", rows)
        calls: list[Span] = []
        cache = EncodedSpanCache(lambda span: calls.append(span) or attributes(span))
        hot = HotView(
            rows=DecodedRows(table([] if flushed else rows)),
            as_of_unix_nano=1,
            recent_files=(str(path),) if flushed else (),
            source="incremental",
            bounded=False,
        )
        reads = int(flushed)
        for _ in range(2):
            assert shown(one, cache, hot=lambda: hot) == ([{"n": 1}], reads, True)
        assert len(calls) == (1 if flushed else 2)
        if flushed:
            one.settle()
            assert shown(one, cache) == ([{"n": 1}], 0, True)


def test_no_more_is_kept_than_the_limit_and_the_oldest_goes_first() -> None:
    cache = EncodedSpanCache(lambda _: b"x" * 100, bytes_max=3 * (ENTRY_BYTES + 100))
    for row in (0, 1, 2, 0, 3):
        if cache.lookup([_span(row)]) == [None]:
            cache.encode([_span(row)])
    assert [row for row in range(4) if cache.lookup([_span(row)]) != [None]] == [0, 2, 3]


def test_two_encoders_in_one_memory_keep_their_own_forms_within_one_bound() -> None:
    one = EncodedSpanCache(lambda _: b"1" * 100, bytes_max=3 * (ENTRY_BYTES + 100))
    other = one.beside(lambda _: b"2" * 100)
    for row in (0, 1):
        one.encode([_span(row)])
        other.encode([_span(row)])
    assert one.lookup([_span(0)]) == [None]
    assert [cache.lookup([_span(1)])[0].content[:1] for cache in (one, other)] == [b"1", b"2"]


def test_what_was_altered_is_said_when_the_form_is_kept_too(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Written()])
        one.settle()
        cache = EncodedSpanCache(lambda _: Encoded(b"{}", ("name",)))
        for _ in range(2):
            assert one.answers().spans(SHOP, encoding=cache).altered == [("name",)]


def test_a_giant_span_pushes_nothing_out() -> None:
    cache = EncodedSpanCache(lambda span: b"x" * (SPAN_BYTES_MAX * span.row + 1))
    cache.encode([_span(0), _span(1)])
    assert [one is None for one in cache.lookup([_span(0), _span(1)])] == [False, True]


def test_the_same_row_of_another_file_is_another_span() -> None:
    cache = EncodedSpanCache(lambda _: b"x")
    cache.encode([_span(0)])
    assert cache.lookup([_span(0, path="b.parquet")]) == [None]


def _span(row: int, path: str = "a.parquet") -> Span:
    info = ParquetFileInfo(
        path=f"/spans/{path}",
        relative_path=path,
        size_bytes=1,
        modified_unix_nano=1,
        device=1,
        inode=1,
    )
    source = DataFile(tier="indexed", path=info.path, info=info, dialect=dialects()[0])
    return answered(source=source, row=row, attributes={})
