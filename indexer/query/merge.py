"""What several tiers have as one: each span once, in the order of the question. Pure."""

from collections.abc import Iterable, Sequence

from indexer.query.find.span_query import SpanQuery
from indexer.query.span import Span
from indexer.query.tiers.tier import Candidates, Query


def merge_candidates(query: Query, found: Sequence[Candidates]) -> Candidates:
    """Of a span that several tiers have the first one's counts: tiers are the coldest first.

    Those of the first tier are each there once, and in order; it alone may leave some undecided.
    """
    missing = tuple(one for candidates in found for one in candidates.missing)
    first, *others = found
    spans = first.spans
    if any(candidates.spans for candidates in others):
        each = first_of_each(span for candidates in found for span in candidates.spans)
        spans = sorted(each, key=query.order)
    end = first.undecided_from
    if isinstance(query, SpanQuery) and end is not None:
        decided = query.place(end)
        spans = [span for span in spans if query.order(span) <= decided]
    return Candidates(spans=spans, missing=missing, undecided_from=end, files_left=first.files_left)


def first_of_each(spans: Iterable[Span]) -> list[Span]:
    """Each span once: the first copy of it."""
    kept: dict[tuple[str, str, int], Span] = {}
    for span in spans:
        kept.setdefault(span.identity, span)
    return list(kept.values())
