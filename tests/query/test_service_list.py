"""Services are those of every tier, and a span of several counts once."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.hot.decoding import Decoder
from indexer.query.service_list import add_spans, list_services, unindexed_spans
from indexer.query.tiers.hot_spans import hot_columns
from tests.hot.servers import body
from tests.support.catalogs import indexed
from tests.support.span_files import T0, Span, spans, write

pytestmark = pytest.mark.duckdb


def test_services_are_listed_with_their_totals(tmp_path: Path) -> None:
    """One row a service, in order of name."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(3, service="shop") + spans(2, trace=2, service="cart"))
        one.settle()
        listed = list_services(one.catalog.cursor())
        assert [(row.service_name, row.total_spans) for row in listed] == [
            ("cart", 2),
            ("shop", 3),
        ]


def test_services_of_both_tiers_are_those_of_one(tmp_path: Path) -> None:
    """What is hot and cold at once counts once, by asking the index for the doubles."""
    flushed = [Span(trace=n, start=T0 + n, service="ab"[n % 2]) for n in range(1, 7)]
    still_hot = [Span(trace=n, start=T0 - n, service="bc"[n % 2]) for n in range(7, 12)]
    child = Span(trace=1, span=9, parent=1, service="a", start=T0 + 99)
    table = Decoder().requests([body(*flushed[3:], *still_hot, child)])
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", flushed)
        one.settle()
        cursor = one.catalog.cursor()
        columns = hot_columns(table)
        added = unindexed_spans(cursor, [columns])
        services = add_spans(list_services(cursor), added)
        write(one.root / "b.parquet", [*still_hot, child])
        one.settle()
        later = one.catalog.cursor()
        assert services == list_services(later)
        assert len(unindexed_spans(later, [columns])) == 0
