"""What the index has of a question without the spans that a published record replaces.

A page of the index is as long as the answer needs; where some of it are replaced, the index is
asked for what comes after them, and no further than the published spans of the page reach.
"""

from collections.abc import Sequence
from dataclasses import replace

from indexer.query.find.llm_traces import LlmTraces
from indexer.query.find.span_query import LIMIT_MAX, SpanQuery
from indexer.query.span import Span
from indexer.query.tiers.published_spans import PublishedSpans
from indexer.query.tiers.tier import Candidates, Query, Tier


def without_replaced(
    tier: Tier,
    query: Query,
    llm: LlmTraces | None,
    published: PublishedSpans,
    shown: Sequence[Span],
) -> Candidates:
    """Those of a tier that has each span once and in order; ``shown`` are the published ones."""
    found = tier.candidates(query, llm)
    kept = published.not_replaced(found.spans)
    missing = list(found.missing)
    count = _count(query)
    if count is None or len(kept) == len(found.spans):
        return replace(found, spans=kept)
    wanted, at_once = count, count
    last = query.order(shown[count - 1]) if len(shown) >= count else None
    while len(kept) < wanted and len(found.spans) >= at_once:
        end = found.spans[-1]
        if last is not None and query.order(end) >= last:
            break
        at_once = min(2 * at_once, LIMIT_MAX)
        found = tier.candidates(_after(query, end, at_once), llm)
        at_once += 1
        kept += published.not_replaced(found.spans)
        missing += [one for one in found.missing if one not in missing]
    return replace(found, spans=kept, missing=tuple(missing))


def _count(query: Query) -> int | None:
    """Spans that the answer can need; None of a trace as a whole."""
    if isinstance(query, SpanQuery):
        return query.count
    return None if query.limit is None else query.limit + 1


def _after(query: Query, end: Span, limit: int) -> Query:
    if isinstance(query, SpanQuery):
        return replace(query, after=query.position(end), offset=0, limit=limit)
    return replace(query, after=query.order(end), limit=limit)
