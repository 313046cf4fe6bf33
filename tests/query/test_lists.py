"""Services come from the index alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.query.lists import list_services
from tests.support.catalogs import indexed
from tests.support.span_files import spans, write

pytestmark = pytest.mark.duckdb


def test_services_are_listed_with_their_totals(tmp_path: Path) -> None:
    """One row a service, in order of name."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(3, service="shop") + spans(2, trace=2, service="cart"))
        one.settle()
        listed = list_services(one.catalog.cursor())
        assert [(row["service_name"], row["total_spans"]) for row in listed] == [
            ("cart", 2),
            ("shop", 3),
        ]
