"""The words of a search become the query that they say, exactly."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from indexer.cli.option_words import GivenWords
from indexer.clients.shared.search_body import SearchBody
from indexer.clients.shared.search_words import SearchWords
from indexer.errors import QueryRefused
from indexer.query.find.condition_tree import AllOf
from indexer.query.find.cursor import cursor_after
from indexer.query.find.payload_conditions import AttributeCondition, TextCondition
from indexer.query.find.span_conditions import ANY_SPAN, SpanConditions
from indexer.query.find.span_query import SpanQuery
from tests.support.answered_spans import answered


def test_no_word_is_the_first_page_of_all_spans() -> None:
    assert SearchWords().query() == SpanQuery(limit=100, conditions=ANY_SPAN)


def test_every_word_narrows() -> None:
    words = SearchWords(
        service="shop",
        name="a",
        name_prefix="b",
        name_contains="c",
        kind="client",
        status="error",
        min_duration="20ms",
        max_duration="1.5s",
        since="1970-01-01T00:00:01Z",
        until="2",
        roots=True,
        order="slowest",
        limit=3,
    )
    assert words.query() == SpanQuery(
        service="shop",
        roots=True,
        slowest=True,
        conditions=SpanConditions(
            name="a",
            name_prefix="b",
            name_contains="c",
            span_kind=3,
            status_code=2,
            min_duration_ns=20_000_000,
            max_duration_ns=1_500_000_000,
        ),
        since_unix_nano=1_000_000_000,
        until_unix_nano=2,
        limit=3,
    )


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("0ns", 0, 0),
        ("1.5ns", 2, 1),
        ("0.1us", 100, 100),
        ("2m", 120_000_000_000, 120_000_000_000),
        ("1h", 3_600_000_000_000, 3_600_000_000_000),
        ("999999999999999999h", 2**63 - 1, 2**63 - 1),
    ],
)
def test_a_duration_is_whole_nanoseconds_that_mean_the_same(
    text: str, least: int, most: int
) -> None:
    """Of spans, which last whole ones, and no longer than 64 bits of them."""
    found = SearchWords(min_duration=text, max_duration=text).query().conditions
    assert (found.min_duration_ns, found.max_duration_ns) == (least, most)


@pytest.mark.parametrize(
    "word",
    [
        *(
            {"min_duration": text}
            for text in ("", "20", "-1s", "1e3s", "1 s", "1d", "\u0661s", "1s\n")
        ),
        *({"kind": "SERVER"}, {"status": "2"}, {"limit": 0}, {"limit": 10_001}, {"nmae": "a"}),
    ],
    ids=str,
)
def test_a_word_that_cannot_be_is_named(word: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        SearchWords.model_validate(word)
    assert refused.value.errors()[0]["loc"] == tuple(word)


def test_payload_is_asked_for_by_conditions() -> None:
    found = SearchWords(attr=["a=1", "b"], text="x").query()
    assert found.where == AllOf(
        (
            AttributeCondition(key="a", operator="=", value=1),
            AttributeCondition(key="b"),
            TextCondition(text="x"),
        )
    )
    assert found.asks_payload


def test_a_cursor_of_another_search_is_refused() -> None:
    with pytest.raises(QueryRefused, match="cursor"):
        SearchWords(cursor="AAAA").query()


HOUR = 3_600_000_000_000
NOW = 1_800_000_000_000_000_000


def at(monkeypatch, nanoseconds):
    monkeypatch.setattr("time.time_ns", lambda: nanoseconds)


NESTED = {"or": [{"since": "1h", "status": "error"}, {"until": "2d"}]}


@pytest.mark.parametrize(
    "query_of",
    [
        lambda cursor: SearchWords(since="1h", until="1m", cursor=cursor).query(),
        lambda cursor: SearchBody(since="1h", until="1m", cursor=cursor).query(),
        lambda cursor: GivenWords(since="1h", until="1m", cursor=cursor).query(),
        lambda cursor: SearchBody(**NESTED, cursor=cursor).query(),
    ],
    ids=["in a URL", "as JSON", "on the command line", "inside others"],
)
def test_relative_times_are_those_of_the_first_page(query_of, monkeypatch) -> None:
    """The same words with the cursor are the same list, however much later they come."""
    at(monkeypatch, NOW)
    first = query_of(None)
    at(monkeypatch, NOW + 7 * HOUR)
    next_page = query_of(cursor_after(first, answered(start_time_unix_nano=5)))
    assert next_page.fingerprint == first.fingerprint != query_of(None).fingerprint
    assert (next_page.window, next_page.where) == (first.window, first.where)
    third = query_of(cursor_after(next_page, answered(start_time_unix_nano=4)))
    assert third.window == first.window


def test_a_relative_time_is_so_long_before_the_question(monkeypatch) -> None:
    at(monkeypatch, NOW)
    assert SearchWords(since="1h").query().since_unix_nano == NOW - HOUR


def test_a_cursor_without_relative_times_names_no_moment() -> None:
    query = SearchWords(since="2026-11-21T08:00Z").query()
    assert "." not in cursor_after(query, answered())


def test_a_cursor_with_a_moment_of_nobody_is_of_another_list(monkeypatch) -> None:
    at(monkeypatch, NOW)
    cursor = cursor_after(SearchWords(since="1h").query(), answered())
    with pytest.raises(QueryRefused, match="another list"):
        SearchWords(since="1h", cursor=cursor[:-1] + "1").query()
    with pytest.raises(QueryRefused, match="invalid cursor"):
        SearchWords(since="1h", cursor=cursor + "x").query()
