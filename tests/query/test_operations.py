"""Operations of every tier are those of brute force, page by page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.errors import QueryRefused
from indexer.query.answers import Answers
from indexer.query.operations import OperationsQuery, list_operations
from indexer.query.window import ANY_TIME, Window
from tests.support.catalogs import indexed
from tests.support.span_files import T0, Span, spans, write
from tests.support.tiers import TIERS, answers_over, distinct

pytestmark = pytest.mark.duckdb

SPANS = [
    Span(
        trace=n,
        service=("shop", "cart", "a\0b")[n % 3],
        name=f"op {n % 5}",
        kind=2 + n % 2,
        start=T0 + n,
    )
    for n in range(1, 40)
]
BY_TIER = {
    tier: [span for span in SPANS if span.trace % 5 == at or span.trace % 7 == at]
    for at, tier in enumerate(TIERS)
}
BY_TIER["published"] = [replace(one, name=f"{one.name}!") for one in BY_TIER["published"]]


FROM_9 = Window(since_unix_nano=T0 + 9)
FROM_9_TO_30 = Window(since_unix_nano=T0 + 9, until_unix_nano=T0 + 30)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with answers_over(tmp_path_factory.mktemp("operations"), BY_TIER) as found:
        yield found


def pages(answers: Answers, query: OperationsQuery) -> list[tuple[str, str, int, int]]:
    found = []
    while True:
        answer = list_operations(answers, query)
        assert answer.completeness.is_complete
        found += [(*one.key, one.span_count) for one in answer.operations]
        assert len(answer.operations) <= query.limit
        if answer.next_cursor is None:
            return found
        query = OperationsQuery(
            service=query.service,
            span_kind=query.span_kind,
            window=query.window,
            limit=query.limit,
            cursor=answer.next_cursor,
        )


@pytest.mark.parametrize("limit", [1, 3, 1_000])
@pytest.mark.parametrize("service", [None, "shop", "nobody"])
@pytest.mark.parametrize("kind", [None, 3])
@pytest.mark.parametrize("window", [ANY_TIME, FROM_9, FROM_9_TO_30])
def test_every_page_of_operations_is_that_of_brute_force(
    answers: Answers, service: str | None, kind: int | None, limit: int, window: Window
) -> None:
    counted = Counter(
        (one.service, one.name, one.kind)
        for one in distinct(BY_TIER)
        if service in (None, one.service) and kind in (None, one.kind)
        if (window.since_unix_nano or 0) <= one.start < (window.until_unix_nano or 2**63)
    )
    expected = [(*key, counted[key]) for key in sorted(counted)]
    query = OperationsQuery(service=service, span_kind=kind, limit=limit, window=window)
    assert pages(answers, query) == expected


@pytest.mark.parametrize("cursor", ["", "x", "W10", "A" * 10_000])
def test_a_cursor_of_nobody_is_refused(cursor: str) -> None:
    with pytest.raises(QueryRefused, match="invalid cursor"):
        OperationsQuery(cursor=cursor).after  # noqa: B018 - reading it is the check


def test_a_cursor_of_another_list_is_refused(answers: Answers) -> None:
    cursor = list_operations(answers, OperationsQuery(limit=1)).next_cursor
    with pytest.raises(QueryRefused, match="another list"):
        OperationsQuery(service="shop", cursor=cursor).after  # noqa: B018 - as above
    with pytest.raises(QueryRefused, match="another list"):
        OperationsQuery(window=FROM_9, cursor=cursor).after  # noqa: B018 - as above


def test_operations_that_a_file_has_too_many_of_are_said(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        one.pipeline.register._operations_max = 2
        write(one.root / "a.parquet", [Span(trace=n, name=f"op {n}") for n in range(1, 5)])
        write(one.root / "b.parquet", spans(1, trace=9))
        one.settle()
        answer = list_operations(one.answers(), OperationsQuery())
    (missing,) = answer.completeness.missing
    assert (missing.reason.code, missing.files) == ("OperationsBounded", 1)
    assert "2 spans" in missing.detail
