"""A cursor is taken back for the list that it is of, and no other text is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.errors import QueryRefused
from indexer.query.find.cursor import cursor_after, page_after, position_of
from indexer.query.find.span_query import SpanQuery
from tests.support.answered_spans import answered


@pytest.mark.parametrize("cursor", ["", "x", "é", "W10", "bnVsbA", "A" * 10_000, "WzEsImEiXQ"])
def test_a_cursor_of_nobody_is_refused(cursor: str) -> None:
    """Whatever the bytes."""
    with pytest.raises(QueryRefused, match="none of ours"):
        position_of(SpanQuery(), cursor)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda b: b.decode("latin-1")))
def test_no_text_is_taken_for_a_place(text: str) -> None:
    """A cursor is checked before it goes into a query."""
    with pytest.raises(QueryRefused):
        position_of(SpanQuery(), text)


def test_a_cursor_of_another_list_is_refused() -> None:
    """Its place would mean nothing there; another limit is the same list."""
    span = answered(start_time_unix_nano=-5)
    cursor = cursor_after(SpanQuery(service="a"), span)
    after = page_after(SpanQuery(service="a", limit=3), cursor).after
    assert after is not None
    assert (after.start_time_unix_nano, after.trace_id, after.span_id) == (
        -5,
        span.trace_id,
        span.span_id,
    )
    with pytest.raises(QueryRefused, match="another list"):
        position_of(SpanQuery(service="b"), cursor)
