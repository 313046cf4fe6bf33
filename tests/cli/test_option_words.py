"""The options of a search are checked as the routes check their words."""

from argparse import Namespace
from typing import Any

import pytest
from pydantic import ValidationError

from indexer.cli.command_line import CommandParser
from indexer.cli.main import command_parser
from indexer.cli.option_words import given_words
from indexer.clients.shared.search_words import SearchWords, TraceSearchWords
from indexer.errors import QueryRefused
from indexer.query.find.cursor import cursor_at
from tests.support.answered_spans import answered


def options(**given: Any) -> Namespace:
    return Namespace(**given)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"service": "shop", "name": "a", "name_prefix": "b", "name_contains": "c", "text": "d"},
        {"kind": "server", "status": "error", "roots": True},
        {"min_duration": "20ms", "max_duration": "1.5s", "order": "slowest", "limit": 7},
        {"since": "2026-11-21T08:00Z", "until": "1800000000000000000", "attr": ["a=1", "b"]},
        *({"service": "x" * 1_024}, {"attr": ["x" * 256] * 2}, {"limit": 10_000}),
    ],
    ids=str,
)
def test_what_options_say_is_the_query_of_the_same_words_of_a_route(given: dict[str, Any]) -> None:
    assert given_words(options(**given)).query() == SearchWords(**given).query()


@pytest.mark.parametrize("limit", [1, 1_000])
def test_a_search_for_traces_has_the_words_of_its_route(limit: int) -> None:
    """Its cursors as well, and its own bound of a page."""
    words = given_words(options(traces=True, service="a", limit=limit))
    first = TraceSearchWords(service="a", limit=limit).query()
    assert words.query() == first
    assert "traces" not in words.parameters()
    cursor = cursor_at(first, first.position(answered()), "traces")
    said = {"service": "a", "limit": limit, "cursor": cursor}
    after = given_words(options(traces=True, **said)).query()
    assert after == TraceSearchWords(**said).query()
    with pytest.raises(QueryRefused, match="belongs to a list of traces"):
        given_words(options(**said)).query()
    with pytest.raises(QueryRefused, match="a number from 1 to 1000"):
        given_words(options(traces=True, limit=1_001))
    with pytest.raises(ValidationError):
        TraceSearchWords(limit=1_001)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        *(({"kind": "serve"}, "one of unspecified"), ({"status": "2"}, "one of unset, ok, error")),
        *(({"order": "oldest"}, "one of newest, slowest"), ({"limit": 0}, "a number from 1")),
        ({"limit": 10_001}, "a number from 1 to 10000"),
        *(({"min_duration": one}, "a length such as") for one in ("", "20", "-1s", "1d", "1s\n")),
        *(({name: "x" * 1_025}, "1,024 characters at most") for name in ("service", "text")),
        ({"since": "x" * 65}, "64 characters at most"),
        ({"attr": ["x" * 2_049]}, "2,048 characters at most"),
        ({"attr": ["x"] * 65}, "64 conditions at most"),
    ],
    ids=lambda one: str(one)[:40],
)
def test_what_a_route_refuses_is_refused_with_its_option(
    given: dict[str, Any], expected: str
) -> None:
    option = "--" + next(iter(given)).replace("_", "-")
    with pytest.raises(QueryRefused, match=f"invalid {option}.*expected {expected}"):
        given_words(options(**given))
    with pytest.raises(ValidationError):
        SearchWords(**given)


def test_what_is_not_given_is_no_parameter() -> None:
    words = given_words(options(service="shop", roots=False, attr=None))
    assert words.parameters() == {"service": "shop", "order": "newest", "limit": 100}


def test_kinds_and_states_are_taken_as_they_are_written_out() -> None:
    parser: CommandParser = command_parser()
    given = parser.parse_args(["search", "--kind", "SERVER", "--status", "Error"])
    assert (given.kind, given.status) == ("server", "error")
