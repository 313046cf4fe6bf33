"""What several tiers have as one: each span once, in the order of the question. Pure."""

from collections.abc import Iterable, Sequence

from indexer.query.span import Span
from indexer.query.tiers.tier import Candidates, Query


def merge_candidates(query: Query, found: Sequence[Candidates]) -> Candidates:
    """Of a span that several tiers have the first one's counts: tiers are the coldest first.

    Those of the first tier are each there once, and in order.
    """
    missing = tuple(one for candidates in found for one in candidates.missing)
    first, *others = found
    if not any(candidates.spans for candidates in others):
        return Candidates(spans=first.spans, missing=missing)
    spans = first_of_each(span for candidates in found for span in candidates.spans)
    return Candidates(spans=sorted(spans, key=query.order), missing=missing)


def first_of_each(spans: Iterable[Span]) -> list[Span]:
    """Each span once: the first copy of it."""
    kept: dict[tuple[str, str, int], Span] = {}
    for span in spans:
        kept.setdefault(span.identity, span)
    return list(kept.values())
