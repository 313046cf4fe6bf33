"""A condition on an attribute means what it says, and text that cannot be one is refused."""

from __future__ import annotations

import pytest

from indexer.clients.shared.attribute_words import attribute_condition
from indexer.errors import QueryRefused
from indexer.query.find.payload_conditions import AttributeCondition, Operator, Owner, Value


@pytest.mark.parametrize(
    ("text", "owner", "key", "operator", "value"),
    [
        ("http.response.status_code>=500", "span", "http.response.status_code", ">=", 500),
        ("resource.host.name=web-1", "resource", "host.name", "=", "web-1"),
        ("event.exception.type~^Time.*out$", "event", "exception.type", "matches", "^Time.*out$"),
        ("scope.a.b", "scope", "a.b", "exists", None),
        ("span.event.name=x", "span", "event.name", "=", "x"),
        ("resource", "span", "resource", "exists", None),
        ("url.path*=cart=1", "span", "url.path", "contains", "cart=1"),
        ("n*=500", "span", "n", "contains", "500"),
        ("n=500", "span", "n", "=", 500),
        ('n="500"', "span", "n", "=", "500"),
        ("n!=-1.5e3", "span", "n", "!=", -1500.0),
        ("n<0500", "span", "n", "<", "0500"),
        ("b=true", "span", "b", "=", True),
        ("k=", "span", "k", "=", ""),
        ("k=~a", "span", "k", "matches", "a"),
        ('"a=b"!="c\\n"', "span", "a=b", "!=", "c\n"),
        ("a*b=NaN", "span", "a*b", "=", "NaN"),
        ("k=a\nb", "span", "k", "=", "a\nb"),
        ('k="=>500"', "span", "k", "=", "=>500"),
        ("k*==>", "span", "k", "contains", "=>"),
    ],
)
def test_whose_key_operator_and_value(
    text: str, owner: Owner, key: str, operator: Operator, value: Value | None
) -> None:
    found = attribute_condition(text)
    assert found == AttributeCondition(owner=owner, key=key, operator=operator, value=value)
    assert type(found.value) is type(value)


@pytest.mark.parametrize(
    ("text", "operator", "meant"),
    [
        ("a=>500", "'=>'", "'>='"),
        ("a=<500", "'=<'", "'<='"),
        ("a==x", "'=='", "'='"),
        ("a<>x", "'<>'", "'!='"),
        ("a!==x", "'!=='", "'!='"),
    ],
)
def test_an_operator_of_other_languages_is_refused_with_the_one_that_is_meant(
    text: str, operator: str, meant: str
) -> None:
    with pytest.raises(QueryRefused, match=f"invalid operator {operator} in .*{text}") as refused:
        attribute_condition(text)
    assert refused.value.advice.startswith(f"Did you mean {meant}? ")
    assert "quote it" in refused.value.advice


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=1",
        "a>>1",
        "a<=>1",
        ">",
        'k="open',
        'k="a"b',
        "b<true",
        "k~(",
        "k~" + "a" * 257,
        "a" * 257,
        '"k',
    ],
)
def test_what_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(QueryRefused):
        attribute_condition(text)
