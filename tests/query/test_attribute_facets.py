"""Attributes and values of every tier are counted as brute force counts them, or said to be some."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.query.answers import Answers
from indexer.query.attribute_facets import FacetQuery, list_attributes, list_values
from indexer.query.find import sample
from indexer.query.window import Window
from tests.support.span_files import T0, Span
from tests.support.tiers import TIERS, answers_over, distinct

pytestmark = pytest.mark.duckdb

PROMOTED = "gen_ai.system"
VALUES = (1, 2.5, True, "1", ["a"], {"b": None}, None)


def made(number: int) -> Span:
    attributes = {"n": VALUES[number % 7], f"key {number % 3}": "x", "event.n": "own"}
    if number % 2:
        attributes[PROMOTED] = f"model {number % 3}"
    event = {"name": "e", "timeUnixNano": "1", "attributes": {"n": number % 2}}
    return Span(
        trace=number,
        start=T0 + number,
        service=("shop", "cart")[number % 2],
        attributes=json.dumps(attributes),
        events=json.dumps([event] * (number % 3)),
    )


SPANS = [made(number) for number in range(1, 15)]
BY_TIER = {
    tier: [span for span in SPANS if span.trace % 5 == at or span.trace % 7 == at]
    for at, tier in enumerate(TIERS)
}
CART = FacetQuery(service="cart")
LATE = FacetQuery(window=Window(since_unix_nano=T0 + 4, until_unix_nano=T0 + 12))
QUERIES = pytest.mark.parametrize("query", [FacetQuery(), CART, LATE], ids=["all", "cart", "late"])


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with answers_over(tmp_path_factory.mktemp("attributes"), BY_TIER, (PROMOTED,)) as found:
        yield found


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample that has every span."""
    monkeypatch.setattr(sample, "OF_EACH", 1_000)


def chosen(query: FacetQuery) -> list[Span]:
    since = query.window.since_unix_nano or 0
    until = query.window.until_unix_nano or 2 * T0
    return [
        one
        for one in distinct(BY_TIER)
        if query.service in (None, one.service) and since <= one.start < until
    ]


def attributes(span: Span) -> dict[str, set[str]]:
    """Each key with its values as text, by brute force."""
    own = json.loads(span.attributes)
    found = {f'"{key}"' if key == "event.n" else key: {text(value)} for key, value in own.items()}
    for event in json.loads(span.events):
        for key, value in event["attributes"].items():
            found.setdefault(f"event.{key}", set()).add(text(value))
    return found


def text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


@QUERIES
def test_every_key_is_counted_once_a_span(
    answers: Answers, query: FacetQuery, everything: None
) -> None:
    answer = list_attributes(answers, query)
    expected = Counter(key for span in chosen(query) for key in attributes(span))
    assert {one.key: one.span_count for one in answer.attributes} == expected
    assert [one.span_count for one in answer.attributes] == sorted(expected.values(), reverse=True)
    assert answer.completeness.is_complete
    assert (answer.counted_over.is_sample, answer.counted_over.spans) == (
        False,
        len(chosen(query)),
    )


def test_a_key_has_the_types_of_its_values(answers: Answers, everything: None) -> None:
    (key,) = [one for one in list_attributes(answers, FacetQuery()).attributes if one.key == "n"]
    assert sorted(key.types) == ["array", "bool", "double", "int", "map", "null", "string"]


@QUERIES
@pytest.mark.parametrize("key", [PROMOTED, "n", "event.n", '"event.n"', "nobody"])
def test_every_value_is_counted_once_a_span(
    answers: Answers, query: FacetQuery, key: str, everything: None
) -> None:
    """The promoted one is counted in the index, the others are looked at."""
    expected = Counter(
        value
        for span in chosen(query)
        for value in attributes(span).get(key, ())
        if value != "null"
    )
    answer = list_values(answers, key, query)
    found: Counter[str] = Counter()
    for one in answer.values:
        found[one.value] += one.span_count
    assert found == expected
    assert answer.values_found == len(answer.values)
    assert answer.completeness.is_complete


def test_numbers_and_their_texts_are_two_values(answers: Answers, everything: None) -> None:
    values = list_values(answers, "n", FacetQuery()).values
    assert {(one.value, one.type) for one in values} >= {("1", "int"), ("1", "string")}


def test_values_are_those_with_a_prefix_up_to_the_limit(answers: Answers) -> None:
    answer = list_values(answers, PROMOTED, FacetQuery(prefix="model", limit=1))
    assert (len(answer.values), answer.values_found) == (1, 3)
    assert list_values(answers, PROMOTED, FacetQuery(prefix="x")).values == []


def test_a_promoted_attribute_is_counted_over_every_indexed_file(answers: Answers) -> None:
    keys = list_attributes(answers, FacetQuery()).attributes
    rows = sum(PROMOTED in json.loads(one.attributes) for at in "ab" for one in BY_TIER[at])
    assert {one.key: one.promoted_count for one in keys}[PROMOTED] == rows


def test_what_was_looked_at_of_many_spans_is_said(tmp_path: Path) -> None:
    """Of an operation that every span is of, eight spans are read."""
    many = [Span(trace=n, attributes='{"a":1}') for n in range(1, 30)]
    rare = Span(trace=99, name="rare", attributes='{"b":1}')
    with answers_over(tmp_path, {"a": [*many, rare], "hot": [Span(trace=100)]}) as answers:
        answer = list_attributes(answers, FacetQuery())
    assert {one.key: one.span_count for one in answer.attributes} == {"a": 8, "b": 1}
    assert answer.counted_over.is_sample
    assert answer.counted_over.spans == sample.OF_EACH + 2
    assert [one.reason.code for one in answer.completeness.missing] == ["SpansSampled"]
    assert answer.cost.files_read == 1
