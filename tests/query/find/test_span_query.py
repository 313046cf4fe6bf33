"""A list is asked for within bounds."""

from __future__ import annotations

import pytest

from indexer.errors import QueryRefused
from indexer.query.find.span_query import SpanQuery
from indexer.query.span import HotTable, Span


@pytest.mark.parametrize(("name", "value"), [("limit", 0), ("limit", 10_001), ("offset", -1)])
def test_a_page_out_of_bounds_is_refused_with_the_bound(name: str, value: int) -> None:
    """Both ends are named."""
    with pytest.raises(QueryRefused, match=f"{name} is {value}, expected"):
        SpanQuery(**{name: value})


@pytest.mark.parametrize("slowest", [False, True])
def test_a_span_has_the_place_of_its_position(slowest: bool) -> None:
    """So that a page begins after the last span of the one before it."""
    source = HotTable(None)  # type: ignore[arg-type]  # what a span lies in has no part in it
    span = Span("ab" * 16, "cd" * 8, None, "shop", "GET /", 7, 5, 0, 2, source, 0)
    query = SpanQuery(slowest=slowest)
    assert query.order(span) == query.place(query.position(span))
