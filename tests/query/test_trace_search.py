"""A search for traces gives each trace with a matching span once, as brute force does."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from indexer.errors import QueryRefused
from indexer.query.answer import TraceFound
from indexer.query.answers import Answers
from indexer.query.find.condition_tree import AllOf, AnyOf, Condition, NotMet, ServiceIs
from indexer.query.find.cursor import page_after
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.query.find.span_conditions import SpanConditions
from indexer.query.find.span_query import SpanQuery
from indexer.query.limits import AnswerLimits
from indexer.query.trace_search import TRACES_MAX, search_traces
from tests.support.examples import examples
from tests.support.span_files import Span
from tests.support.tiers import TIERS, answers_over, distinct

pytestmark = pytest.mark.duckdb

DRAW = random.Random(7)


def made(number: int) -> Span:
    return Span(
        trace=DRAW.randint(1, 9),
        span=number,
        parent=None if DRAW.random() < 0.3 else DRAW.randint(1, 60),
        service=DRAW.choice(("shop", "cart")),
        name=DRAW.choice(("GET /", "pay")),
        start=DRAW.randint(0, 30),
        duration=DRAW.choice((0, 1, 5, 2**40)),
        status=DRAW.randint(0, 2),
        attributes=json.dumps({"n": DRAW.randint(0, 3)}),
    )


SPANS = [made(number) for number in range(1, 60)]
BY_TIER = {
    tier: [span for span in SPANS if span.span % 5 == at or span.span % 7 == at]
    for at, tier in enumerate(TIERS)
}
BY_TIER["published"] = [
    replace(one, start=one.start + 1, status=2 - one.status, service="cart", name="pay")
    for one in BY_TIER["published"]
]
N_IS_2 = AttributeCondition(owner="span", key="n", operator="=", value=2)
WHERE: tuple[Condition | None, ...] = (
    None,
    N_IS_2,
    AllOf((N_IS_2, ServiceIs("shop"))),
    AnyOf((N_IS_2, SpanConditions(name="pay"))),
    NotMet(AnyOf((N_IS_2, ServiceIs("cart")))),
)
QUERIES = st.builds(
    SpanQuery,
    service=st.none() | st.sampled_from(("shop", "nobody")),
    roots=st.booleans(),
    slowest=st.booleans(),
    conditions=st.builds(SpanConditions, status_code=st.none() | st.integers(0, 2)),
    where=st.sampled_from(WHERE),
    since_unix_nano=st.none() | st.integers(0, 30),
    limit=st.integers(1, 5),
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with answers_over(tmp_path_factory.mktemp("traces"), BY_TIER) as found:
        yield found


def holds(span: Span, where: Condition | None) -> bool:
    if isinstance(where, AllOf):
        return all(holds(span, one) for one in where.parts)
    if isinstance(where, AnyOf):
        return any(holds(span, one) for one in where.parts)
    if isinstance(where, NotMet):
        return not holds(span, where.part)
    if isinstance(where, ServiceIs):
        return span.service == where.service
    if isinstance(where, SpanConditions):
        return where.name in (None, span.name) and where.status_code in (None, span.status)
    return where is None or json.loads(span.attributes)["n"] == 2


def matching(query: SpanQuery) -> list[Span]:
    """In the order of the list, by brute force."""
    found = [
        one
        for one in distinct(BY_TIER)
        if query.service in (None, one.service)
        and not (query.roots and one.parent is not None)
        and holds(one, query.conditions)
        and holds(one, query.where)
        and one.start >= (query.since_unix_nano or 0)
    ]
    return sorted(found, key=lambda one: place(one, slowest=query.slowest))


def place(one: Span, *, slowest: bool) -> tuple[Any, ...]:
    return -one.duration * slowest, -one.start, one.trace_id, one.span_id, one.kind


def pages(answers: Answers, query: SpanQuery) -> list[TraceFound]:
    found: list[TraceFound] = []
    while True:
        answer = search_traces(answers, query)
        assert len(answer.traces) <= query.limit
        assert answer.completeness.is_complete
        found += answer.traces
        if answer.next_cursor is None:
            return found
        query = page_after(query, answer.next_cursor, "traces")


@examples(30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(query=QUERIES, files=st.sampled_from((1, 1, 2, 100)))
def test_pages_of_traces_are_all_traces_with_a_matching_span(
    answers: Answers, query: SpanQuery, files: int
) -> None:
    """Each once, where its first matching span is, with all its matching spans in order.

    However few files a page may read.
    """
    expected = matching(query)
    found = pages(replace(answers, limits=AnswerLimits(search_files=files)), query)
    assert [one.trace_id for one in found] == list(dict.fromkeys(one.trace_id for one in expected))
    for one in found:
        spans = [span.span_id for span in expected if span.trace_id == one.trace_id]
        assert [span.span_id for span in one.matches] == spans


def test_a_trace_has_the_facts_of_all_its_spans(answers: Answers) -> None:
    """Whatever of it was searched for."""
    for one in pages(answers, SpanQuery(where=N_IS_2, limit=4)):
        held = [span for span in distinct(BY_TIER) if span.trace_id == one.trace_id]
        assert one.span_counts == Counter(span.service for span in held)
        errors = Counter(span.service for span in held if span.status == 2)
        assert Counter(one.error_counts) == errors
        starts = [span.start for span in held if span.start]
        assert one.start_time_unix_nano == min(starts)
        assert one.end_time_unix_nano == max(one.start + one.duration for one in held if one.start)
        roots = [span for span in held if span.parent is None]
        root = min(roots, key=lambda span: (span.start, span.span), default=None)
        said = (one.root_service_name, one.root_name)
        assert said == ((None, None) if root is None else (root.service, root.name))


def test_without_the_writers_directory_the_same_is_found(answers: Answers) -> None:
    query = SpanQuery(limit=3)
    elsewhere = replace(answers, directory=lambda: None)
    found = [
        [(one.trace_id, one.span_counts, one.root_name) for one in search_traces(by, query).traces]
        for by in (answers, elsewhere)
    ]
    assert len(found[0]) == 3
    assert found[0] == found[1]


def test_a_page_of_too_many_traces_is_refused(answers: Answers) -> None:
    with pytest.raises(QueryRefused, match="expected 1 to 1000 traces"):
        search_traces(answers, SpanQuery(limit=TRACES_MAX + 1))
