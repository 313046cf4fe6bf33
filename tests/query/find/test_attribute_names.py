"""The name of an attribute is taken for the same one that it was written for, with any key."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.clients.shared.attribute_words import attribute_condition
from indexer.query.find.attribute_names import owner_and_key, written
from indexer.query.find.payload_conditions import Owner

OWNERS = get_args(Owner)
KEYS = st.text(max_size=12) | st.builds(
    "".join, st.lists(st.sampled_from([*OWNERS, ".", "=", "!", "*", "<", "~", '"', "\\", "a"]))
)


@pytest.mark.parametrize(
    ("owner", "key", "name"),
    [
        ("span", "http.route", "http.route"),
        ("resource", "host.name", "resource.host.name"),
        ("span", "resource.host.name", '"resource.host.name"'),
        ("event", "a=b", 'event."a=b"'),
        ("scope", "scope.a", "scope.scope.a"),
        ("span", "", '""'),
        ("span", "k!", '"k!"'),
    ],
)
def test_a_key_is_in_quotes_where_it_would_be_taken_for_something_else(
    owner: Owner, key: str, name: str
) -> None:
    assert written(owner, key) == name
    assert owner_and_key(name) == (owner, key)


@given(st.sampled_from(OWNERS), KEYS)
def test_lists_and_searches_take_it_for_what_it_was(owner: Owner, key: str) -> None:
    name = written(owner, key)
    assert owner_and_key(name) == (owner, key)
    for rest in ("", "=1", "!=x", "*=a", "~b"):
        condition = attribute_condition(name + rest)
        assert (condition.owner, condition.key) == (owner, key)


@pytest.mark.parametrize("name", ["a=b", 'a"b', '"a', '"a"b'])
def test_a_key_without_the_quotes_that_it_needs_is_taken_as_it_stands(name: str) -> None:
    assert owner_and_key(name) == ("span", name)
