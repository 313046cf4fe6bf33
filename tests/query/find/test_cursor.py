"""A cursor is taken back for the list that it is of, and no other text is."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import QueryRefused
from indexer.query.find.cursor import ListOf, cursor_after, cursor_at, page_after, position_of
from indexer.query.find.keyset import decode_place, encode_place, fingerprint
from indexer.query.find.span_query import Position, SpanQuery
from tests.support.answered_spans import answered
from tests.support.examples import examples


@pytest.mark.parametrize("cursor", ["", "x", "é", "W10", "bnVsbA", "A" * 10_000, "WzEsImEiXQ"])
def test_a_cursor_of_nobody_is_refused(cursor: str) -> None:
    """Whatever the bytes."""
    with pytest.raises(QueryRefused, match="invalid cursor"):
        position_of(SpanQuery(), cursor)


@examples(100)
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
    assert after == place(span_kind=span.span_kind)
    with pytest.raises(QueryRefused, match="another list"):
        position_of(SpanQuery(service="b"), cursor)


def test_a_cursor_of_an_earlier_version_is_of_the_lowest_kind() -> None:
    """It names a span that a client's and a server's may share: both come, rather than neither."""
    cursor = encoded(1, SpanQuery(service="a").fingerprint)
    assert position_of(SpanQuery(service="a"), cursor) == place(span_kind=0)


def test_a_cursor_hands_on_the_moment_of_the_first_page() -> None:
    """Whichever page it is of; one of an earlier version knows none."""
    first = SpanQuery(as_of_unix_nano=7)
    second = page_after(SpanQuery(), cursor_after(first, answered()))
    third = page_after(SpanQuery(), cursor_after(second, answered()))
    assert (second.as_of_unix_nano, third.as_of_unix_nano) == (7, 7)
    assert page_after(SpanQuery(), encoded(2, SpanQuery().fingerprint, 1)).as_of_unix_nano is None


def test_a_cursor_is_of_spans_or_of_traces_and_one_of_an_earlier_version_of_what_is_asked() -> None:
    query = SpanQuery(service="a")
    at = query.position(answered(start_time_unix_nano=-5))
    earlier = text_of([3, query.fingerprint, None, -5, at.trace_id, at.span_id, at.span_kind])
    kinds: tuple[ListOf, ...] = ("spans", "traces")
    for list_of, other in (kinds, kinds[::-1]):
        cursor = cursor_at(query, at, list_of)
        assert position_of(query, cursor, list_of) == at
        assert position_of(query, earlier, list_of) == at
        with pytest.raises(QueryRefused, match=f"belongs to a list of {list_of}"):
            position_of(query, cursor, other)
        with pytest.raises(QueryRefused, match="another list"):
            position_of(SpanQuery(service="b"), cursor, list_of)


def test_a_cursor_of_a_list_of_others_is_said_to_be_one() -> None:
    others = encode_place(fingerprint("operations", "a"), ("a", "b", 1))
    with pytest.raises(QueryRefused, match="another list"):
        position_of(SpanQuery(), others)
    with pytest.raises(QueryRefused, match="another list"):
        decode_place(fingerprint("operations", "a"), cursor_after(SpanQuery(), answered()), (str,))


@pytest.mark.parametrize("moment", ["7", 7.0, True, 2**63])
def test_a_cursor_with_an_invalid_moment_is_refused(moment: Any) -> None:
    at = place(span_kind=1)
    said = [3, SpanQuery().fingerprint, moment, -5, at.trace_id, at.span_id, 1]
    with pytest.raises(QueryRefused, match="invalid cursor"):
        position_of(SpanQuery(), text_of(said))


def test_a_cursor_of_the_slowest_has_the_duration_and_is_of_no_other_list() -> None:
    slowest, newest = SpanQuery(slowest=True), SpanQuery()
    cursor = cursor_after(slowest, answered(duration_ns=2**40))
    assert position_of(slowest, cursor).duration_ns == 2**40
    for query, other in ((newest, cursor), (slowest, cursor_after(newest, answered()))):
        with pytest.raises(QueryRefused, match="another list"):
            position_of(query, other)


@pytest.mark.parametrize("duration", ["3", 3.0, True, 2**63])
def test_a_cursor_with_an_invalid_duration_is_refused(duration: Any) -> None:
    query = SpanQuery(slowest=True)
    with pytest.raises(QueryRefused, match="invalid cursor"):
        position_of(query, encoded(2, query.fingerprint, 1, duration))


@pytest.mark.parametrize("kind", ["3", 3.0, True, None, 128, -129])
def test_a_cursor_with_a_kind_that_is_none_is_refused(kind: Any) -> None:
    with pytest.raises(QueryRefused, match="invalid cursor"):
        position_of(SpanQuery(), encoded(2, SpanQuery().fingerprint, kind))


def place(span_kind: int) -> Position:
    span = answered(start_time_unix_nano=-5)
    return Position(
        start_time_unix_nano=-5,
        trace_id=span.trace_id,
        span_id=span.span_id,
        span_kind=span_kind,
    )


def encoded(version: int, fingerprint: str, *kind: Any) -> str:
    at = place(span_kind=0)
    return text_of([version, fingerprint, -5, at.trace_id, at.span_id, *kind])


def text_of(said: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
