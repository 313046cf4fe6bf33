"""What several tiers have as one: each span once, in the order of the question. Pure."""

from collections.abc import Iterable, Sequence

from indexer.query.find.span_query import SpanQuery
from indexer.query.span import Span
from indexer.query.tiers.tier import NOTHING, Candidates, Query


def merge_candidates(query: Query, found: Sequence[Candidates]) -> Candidates:
    """Of a span that several tiers have the first one's counts: tiers are the coldest first.

    Those of published and indexed spans are each there once, and in order; only of indexed ones
    may some be undecided.
    """
    some = [one for one in found if one is not NOTHING]
    if len(some) == 1 and some[0].undecided_from is None:
        return some[0]
    missing = tuple(one for candidates in found for one in candidates.missing)
    spans = found[0].spans
    if any(candidates.spans for candidates in found[1:]):
        each = first_of_each(span for candidates in found for span in candidates.spans)
        spans = sorted(each, key=query.order)
    end = next((one.undecided_from for one in found if one.undecided_from is not None), None)
    if isinstance(query, SpanQuery) and end is not None:
        decided = query.place(end)
        spans = [span for span in spans if query.order(span) <= decided]
    files_left = sum(candidates.files_left for candidates in found)
    return Candidates(spans=spans, missing=missing, undecided_from=end, files_left=files_left)


def first_of_each(spans: Iterable[Span]) -> list[Span]:
    """Each span once: the first copy of it."""
    kept: dict[tuple[str, str, int], Span] = {}
    for span in spans:
        kept.setdefault(span.identity, span)
    return list(kept.values())
