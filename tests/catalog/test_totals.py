"""The numbers that the writer keeps are those that the catalog would say, after every transaction."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.catalog.totals import Totals
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import T0, Span, spans, write

pytestmark = pytest.mark.duckdb


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Indexed]:
    with indexed(tmp_path, keys=("error.type",)) as opened:
        yield opened


def settled(one: Indexed) -> Totals:
    """After everything on disk was taken in; the kept numbers, once they are the right ones."""
    one.clock.advance(10)
    one.settle()
    kept = one.pipeline.register.totals
    assert kept == Totals.read(one.catalog.connection)
    return kept


def test_an_empty_catalog_has_zeros_and_no_times(one: Indexed) -> None:
    found = settled(one).to_dict()
    assert (found["files"], found["spans"], found["services"]) == (0, 0, 0)
    assert found["min_time"] is None


def test_files_add_up_and_leave_as_they_came(one: Indexed) -> None:
    """Also the first and the last time, which no sum can take back."""
    write(one.root / "a.parquet", spans(3, trace=1))
    first = settled(one)
    write(one.root / "early.parquet", [Span(trace=2, start=T0 - 10**12, service="early")])
    write(one.root / "late.parquet", [Span(trace=3, start=T0 + 10**12, service="late")])
    both = settled(one)
    assert (both.of_files.files, both.of_files.spans, both.of_files.services) == (3, 5, 3)
    assert both.of_files.min_time < first.of_files.min_time
    for name in ("early", "late"):
        os.unlink(one.root / f"{name}.parquet")
        settled(one)
    assert settled(one).of_files == first.of_files
    os.unlink(one.root / "a.parquet")
    assert settled(one).of_files.files == 0


def test_spans_that_a_smaller_path_takes_over_are_counted_once(one: Indexed) -> None:
    """And come back to the larger one when the smaller one goes."""
    write(one.root / "m.parquet", spans(4, trace=1))
    alone = settled(one)
    write(one.root / "a.parquet", spans(3, trace=1))
    assert settled(one).of_files.spans == 4
    assert settled(one).of_files.duplicate_spans == 3
    os.unlink(one.root / "a.parquet")
    assert settled(one).of_files.spans == alone.of_files.spans


def test_a_file_that_is_written_again_counts_as_it_is_now(one: Indexed) -> None:
    write(one.root / "a.parquet", spans(5, trace=1))
    settled(one)
    write(one.root / "a.parquet", spans(2, trace=9, service="other"))
    found = settled(one).of_files
    assert (found.files, found.spans, found.trace_files, found.services) == (1, 2, 1, 1)


def test_refused_files_are_counted_until_they_are_whole_or_gone(one: Indexed) -> None:
    for name in ("a", "b"):
        (one.root / f"{name}.parquet").write_bytes(b"not Parquet at all")
    settled(one)
    assert settled(one).quarantined_files == 2
    write(one.root / "a.parquet", spans(1))
    os.unlink(one.root / "b.parquet")
    assert settled(one).quarantined_files == 0


def test_the_second_pass_is_counted(one: Indexed) -> None:
    write(one.root / "a.parquet", spans(2, trace=1))
    assert settled(one).files_to_promote in {0, 1}
    one.pipeline.promotion.finish(lambda: False)
    assert settled(one).files_to_promote == 0
