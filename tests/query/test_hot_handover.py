"""The worker promises that the index has no hot span, and that each is there once, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.catalog.trace_directory import TraceDirectory
from indexer.hot.metadata import HotMetadata
from indexer.hot.view import DecodedRows, HotView
from indexer.query import hot_handover
from indexer.query.hot_handover import HotHandover, SpansApart, large_parts
from indexer.query.tiers.hot_spans import hot_columns
from tests.support.catalogs import Indexed, indexed
from tests.support.examples import examples
from tests.support.span_files import Span, spans, table, write


def part(*rows: Span) -> HotMetadata:
    return HotMetadata.of(pa.table(table(list(rows))), hot_columns)


def view(*rows: Span) -> HotView:
    return HotView(
        rows=DecodedRows(pa.table(table(list(rows)))),
        as_of_unix_nano=1,
        recent_files=(),
        source="incremental",
        bounded=False,
    )


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Indexed]:
    """An index of two traces, of three spans each."""
    with indexed(tmp_path) as made:
        write(made.root / "a.parquet", [*spans(3, trace=1), *spans(3, trace=2)])
        made.settle()
        yield made


@pytest.mark.duckdb
@pytest.mark.parametrize("has_directory", [True, False])
def test_no_promise_where_the_index_has_one_or_one_is_there_twice(
    one: Indexed, has_directory: bool
) -> None:
    directory: TraceDirectory | None = one.pipeline.register.directory if has_directory else None
    new, old = part(*spans(2, trace=7)), part(Span(trace=2, span=2))
    later = part(Span(trace=2, span=9))
    for parts, is_apart in (
        ([], True),
        ([new], True),
        ([new, later], True),
        ([new, old], False),
        ([new, part(Span(trace=7, span=2))], False),
        ([HotMetadata.joined([new, part(Span(trace=7, span=2))])], False),
        ([new, part(Span(trace=7, span=2, kind=1))], True),
    ):
        found = SpansApart().are_apart(parts, one.catalog.cursor(), directory, 1)
        assert found == is_apart


@pytest.mark.duckdb
def test_a_part_is_looked_up_once_for_each_state_of_the_index(
    one: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart, looks = SpansApart(), []
    known = hot_handover.known_spans
    monkeypatch.setattr(
        hot_handover, "known_spans", lambda *given: looks.append(1) or known(*given)
    )
    some, more = part(*spans(2, trace=7)), part(*spans(2, trace=8))
    for state, parts, looked in (
        (1, [some], 1),
        (1, [some], 0),
        (1, [some, more], 1),
        (2, [some, more], 2),
        (1, [some], 1),
    ):
        looks.clear()
        assert apart.are_apart(parts, one.catalog.cursor(), None, state)
        assert len(looks) == looked
    write(one.root / "b.parquet", spans(2, trace=7))
    one.settle()
    assert not apart.are_apart([some], one.catalog.cursor(), None, 3)


@examples(60)
@given(st.lists(st.integers(0, 40), max_size=6), st.integers(1, 20))
def test_fewer_parts_have_the_same_rows(sizes: list[int], large: int) -> None:
    parts = [part(*spans(size, trace=at)) for at, size in enumerate(sizes, 1)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hot_handover, "LARGE_ROWS", large)
        fewer = large_parts(parts)
    every, again = HotMetadata.joined(parts), HotMetadata.joined(fewer)
    assert again.table.to_pylist() == every.table.to_pylist()
    behind = [size >= large for size in sizes][::-1]
    small = behind.index(True) if True in behind else len(sizes)
    assert len(fewer) == len(parts) - max(small - 1, 0)


def test_nothing_is_handed_over_where_nothing_is_hot() -> None:
    assert HotHandover.of(view()) is None


def test_of_too_many_the_newest_are_handed_over_and_the_rest_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hot = view(*[Span(span=at, start=at) for at in range(1, 11)])
    monkeypatch.setattr(hot_handover, "SQL_HOT_BYTES_MAX", hot.rows.nbytes // 2)
    given_over = HotHandover.of(hot)
    assert given_over is not None
    (newest,) = given_over.metadata()
    table = given_over.table()
    assert newest.row_count == table.num_rows < 10
    assert [one.reason.code for one in given_over.missing] == ["HotNotRead"]
    of_rows = sorted(newest.columns.rows(), key=lambda row: row.file_row_number)
    assert [row.span_id for row in of_rows] == table["span_id"].to_pylist()
