"""A list is asked for within bounds."""

from __future__ import annotations

import pytest

from indexer.errors import QueryRefused
from indexer.query.find.span_query import SpanQuery


@pytest.mark.parametrize(("name", "value"), [("limit", 0), ("limit", 10_001), ("offset", -1)])
def test_a_page_out_of_bounds_is_refused_with_the_bound(name: str, value: int) -> None:
    """Both ends are named."""
    with pytest.raises(QueryRefused, match=f"{name} is {value}, expected"):
        SpanQuery(**{name: value})
