"""Of a span that several tiers have one copy counts, that of the coldest, in the question's order."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.query.find.span_query import SpanQuery
from indexer.query.find.trace_query import TraceQuery
from indexer.query.merge import merge_candidates
from indexer.query.missing import HOT_BOUNDED, HOT_INCOMPLETE, Missing
from indexer.query.span import HotTable, Span
from indexer.query.tiers.tier import Candidates, Query
from tests.support.examples import examples

COLD, RECENT, HOT = (HotTable(pa.table({"number": [number]})) for number in range(3))
QUERIES = [TraceQuery(trace_id=f"{1:032x}"), SpanQuery()]

Made = list[tuple[int, int, int, int]]
ROW = st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(1, 4), st.integers(2, 3))
ROWS = st.lists(ROW, max_size=12)
INDEXED = st.lists(
    ROW,
    max_size=12,
    unique_by=lambda one: one[1:],
)


def made(rows: Made, source: HotTable) -> list[Span]:
    return [
        Span(f"{trace:032x}", f"{span:016x}", None, "shop", "GET /", start, 1, 0, kind, source, row)
        for row, (start, trace, span, kind) in enumerate(rows)
    ]


@pytest.mark.parametrize("query", QUERIES, ids=["trace", "list"])
@examples(40)
@given(cold=INDEXED, recent=ROWS, hot=ROWS)
def test_each_span_once_from_the_coldest_tier_that_has_it_in_order(
    query: Query, cold: Made, recent: Made, hot: Made
) -> None:
    tiers = [
        sorted(made(cold, COLD), key=query.order),
        made(recent, RECENT),
        made(hot, HOT),
    ]
    found = merge_candidates(query, [Candidates(spans=some) for some in tiers]).spans
    everything = [span for some in tiers for span in some]
    assert {one.identity for one in found} == {
        (one.trace_id, one.span_id, one.span_kind) for one in everything
    }
    assert {span.identity for span in found} == {span.identity for span in everything}
    assert len({span.identity for span in found}) == len(found)
    for span in found:
        assert span is next(one for one in everything if one.identity == span.identity)
    assert list(found) == sorted(found, key=query.order)


def test_what_any_tier_lacks_is_missing() -> None:
    one, other = (Missing(reason=reason, detail="d") for reason in (HOT_BOUNDED, HOT_INCOMPLETE))
    tiers = [Candidates(missing=(one,)), Candidates(), Candidates(missing=(other,))]
    assert merge_candidates(SpanQuery(), tiers).missing == (one, other)
