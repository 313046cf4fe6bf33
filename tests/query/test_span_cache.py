"""What is kept of spans that were shown is what a reading of their file would show."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from indexer.query.answers import Answers
from indexer.query.find.span_query import SpanQuery
from indexer.query.span_cache import ENTRY_BYTES, SPAN_BYTES_MAX, EncodedSpanCache
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import Span, write

pytestmark = pytest.mark.duckdb

SHOP = SpanQuery(service="shop")


def form(span: dict[str, Any]) -> bytes:
    return json.dumps(span["attributes"]).encode()


def answers(one: Indexed) -> Answers:
    return Answers(cursor=one.catalog.cursor, storage=one.pipeline.storage)


def shown(one: Indexed, kept: EncodedSpanCache) -> tuple[list[Any], int, bool]:
    """(the spans as they are shown, files that were read for them, complete)."""
    found = answers(one).spans(SHOP, form=kept)
    texts = [json.loads(span["shown"]) for span in found["spans"]]
    return texts, found["cost"]["files_read"], found["complete"]


def test_the_second_page_opens_no_file(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(attributes='{"n":1}')])
        one.settle()
        kept = EncodedSpanCache(form)
        assert shown(one, kept) == ([{"n": 1}], 1, True)
        assert shown(one, kept) == ([{"n": 1}], 0, True)
        write(one.root / "b.parquet", [Span(trace=2, attributes='{"n":2}')])
        one.settle()
        assert shown(one, kept) == ([{"n": 1}, {"n": 2}], 1, True)


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    """Same path, same row, same size: another file."""
    with indexed(tmp_path) as one:
        kept = EncodedSpanCache(form)
        for number in (1, 2):
            path = write(one.root / "a.parquet", [Span(attributes=f'{{"n":{number}}}')])
            os.utime(path, ns=(number * 10**9, number * 10**9))
            one.settle()
            assert shown(one, kept) == ([{"n": number}], 1, True)


def test_what_could_not_be_read_is_not_kept(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", [Span(attributes='{"n":1}')])
        one.settle()
        kept = EncodedSpanCache(form)
        away = path.rename(tmp_path / "away")
        assert shown(one, kept) == ([None], 1, False)
        away.rename(path)
        assert shown(one, kept) == ([{"n": 1}], 1, True)


def test_no_more_is_kept_than_the_limit_and_the_oldest_goes_first() -> None:
    files = {1: _file("a.parquet")}
    kept = EncodedSpanCache(lambda span: b"x" * span["size"], bytes_max=3 * (ENTRY_BYTES + 100))
    for row in (0, 1, 2, 0, 3):
        spans = [{"file_id": 1, "file_row_number": row, "size": 100}]
        kept.read(kept.known(spans, files), files)
    assert [row for row in range(4) if not _unknown(kept, files, row)] == [0, 2, 3]


def test_a_giant_span_pushes_nothing_out() -> None:
    files = {1: _file("a.parquet")}
    kept = EncodedSpanCache(lambda span: b"x" * span["size"])
    for row, size in enumerate((1, SPAN_BYTES_MAX + 1)):
        kept.read([{"file_id": 1, "file_row_number": row, "size": size}], files)
    assert [_unknown(kept, files, row) for row in range(2)] == [False, True]


def test_the_same_number_of_a_file_in_another_catalog_is_another_file() -> None:
    kept = EncodedSpanCache(lambda _: b"x")
    kept.read([{"file_id": 1, "file_row_number": 0}], {1: _file("a.parquet")})
    assert _unknown(kept, {1: _file("b.parquet")}, 0)


def _unknown(kept: EncodedSpanCache, files: dict[int, dict[str, Any]], row: int) -> bool:
    return bool(kept.known([{"file_id": 1, "file_row_number": row}], files))


def _file(path: str) -> dict[str, Any]:
    return {
        "relative_path": path,
        "file_path": f"/spans/{path}",
        "size_bytes": 1,
        "modified_unix_nano": 1,
        "device": 1,
        "inode": 1,
    }
