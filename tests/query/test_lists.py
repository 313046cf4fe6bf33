"""Lists come from the index alone and equal brute force over the spans."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.query.lists import latest_roots, list_services, totals
from tests.support.catalogs import indexed
from tests.support.span_files import Span, spans, write

pytestmark = pytest.mark.duckdb

ROOTS = st.lists(
    st.lists(st.tuples(st.integers(0, 50), st.sampled_from(("shop", "cart"))), max_size=4),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files=ROOTS, limit=st.integers(1, 6))
def test_the_latest_roots_are_those_of_a_full_scan(
    files: list[list[tuple[int, str]]],
    limit: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Stopping at the first file that cannot hold a newer root loses none."""
    number = 0
    with indexed(tmp_path_factory.mktemp("roots")) as one:
        for at, roots in enumerate(files):
            rows = []
            for start, service in roots:
                number += 1
                rows.append(Span(trace=number, start=start, service=service))
                rows.append(Span(trace=number, span=2, parent=1, start=99, service=service))
            write(one.root / f"{at}.parquet", rows)
        one.settle()
        expected = one.rows(
            "SELECT trace_id, start_time_unix_nano FROM span_metadata "
            "WHERE service_name = 'shop' AND is_root "
            f"ORDER BY start_time_unix_nano DESC, trace_id, span_id LIMIT {limit}"
        )
        roots = latest_roots(one.catalog.cursor(), "shop", limit)
        assert [(root["trace_id"], root["start_time_unix_nano"]) for root in roots] == expected


def test_an_unknown_service_has_no_roots(tmp_path: Path) -> None:
    """An empty list, not an error."""
    with indexed(tmp_path) as one:
        assert latest_roots(one.catalog.cursor(), "nobody", 10) == []


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


def test_totals_of_an_empty_catalog_are_zero(tmp_path: Path) -> None:
    """No NULL where a number is expected."""
    with indexed(tmp_path) as one:
        summary = totals(one.catalog.cursor())
        assert (summary["files"], summary["spans"], summary["services"]) == (0, 0, 0)
        assert summary["min_time"] is None
