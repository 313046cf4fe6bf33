"""What a span has to be is said once as SQL and once of a name; equal by the lists' own test."""

from indexer.query.find.span_conditions import ANY_SPAN, SpanConditions
from indexer.query.find.span_query import SpanQuery


def test_what_is_not_said_does_not_narrow() -> None:
    assert ANY_SPAN.sql == []
    assert ANY_SPAN.is_name("")


def test_text_is_quoted_and_nothing_in_it_is_a_pattern() -> None:
    conditions = SpanConditions(name_prefix="it's", name_contains="%", status_code=2)
    assert conditions.sql == [
        "starts_with(name, 'it''s')",
        "contains(name, '%')",
        "status_code = 2",
    ]
    assert conditions.is_name("it's 100%")
    assert not conditions.is_name("it's 100 per cent")


def test_a_cursor_is_of_one_search_and_those_without_conditions_stay_as_they_were() -> None:
    """Clients hold on to cursors while this program is replaced."""
    plain = SpanQuery(service="shop")
    prints = {
        SpanQuery(service="shop", conditions=SpanConditions(**given)).fingerprint
        for given in ({}, {"name": "a"}, {"name_prefix": "a"}, {"span_kind": 2})
    }
    assert len(prints) == 4
    assert plain.fingerprint in prints
    assert plain.fingerprint == "899936bb0cfe"
