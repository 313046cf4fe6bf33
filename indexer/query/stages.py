"""The one way from a question to its spans, each stage a function of values and visited once.

Which spans each tier has, of all of them each once and in order, the payload of those that are
shown and not kept in encoded form, and the encoded form where one is asked for.
"""

from collections.abc import Sequence
from dataclasses import replace

from indexer.deferred_dataclass import dataclass
from indexer.query.cost import CostAccount
from indexer.query.find.cursor import cursor_after, cursor_at
from indexer.query.find.span_query import SpanQuery
from indexer.query.find.trace_query import TraceQuery
from indexer.query.merge import merge_candidates
from indexer.query.missing import Missing
from indexer.query.partial_spans import partial_spans
from indexer.query.payload import read_spans
from indexer.query.span import Span
from indexer.query.span_cache import EncodedSpanCache
from indexer.query.tiers.all_tiers import AllTiers
from indexer.query.tiers.tier import Candidates, Query


@dataclass(frozen=True, slots=True, kw_only=True)
class SpansShown:
    """The spans of an answer, and what it lacks of them."""

    spans: Sequence[Span]
    missing: tuple[Missing, ...]
    encoded: Sequence[bytes] = ()
    altered: Sequence[tuple[str, ...]] = ()
    next_cursor: str | None = None


def find_spans(query: Query, tiers: AllTiers) -> Candidates:
    """Which spans the question is about, in its order, each once; without payload."""
    llm, not_asked = tiers.llm_traces(query)
    found = merge_candidates(query, tiers.candidates(query, llm))
    return replace(found, missing=(*not_asked, *found.missing)) if not_asked else found


def show_spans(
    query: Query,
    found: Candidates,
    tiers: AllTiers,
    account: CostAccount,
    *,
    payload: bool = True,
    encoding: EncodedSpanCache | None = None,
) -> SpansShown:
    """Those of them that are shown: encoded, with their payload, or as they were found.

    Raises QueryTooLarge and QueriesBusy, and what the tiers' deadline raises.
    """
    spans = found.spans[query.page]
    kept = [None] * len(spans) if encoding is None else encoding.lookup(spans)
    to_read = [span for span, one in zip(spans, kept, strict=True) if one is None]
    account.files_left = found.files_left
    account.begin_reading()
    read = read_spans(
        tiers.coldest_first,
        to_read if payload else [],
        account,
        as_stored=encoding is not None and encoding.as_stored,
    )
    account.end_reading()
    content: Sequence[bytes] = ()
    altered: Sequence[tuple[str, ...]] = ()
    if encoding is not None:
        new = iter(encoding.encode(read.spans))
        encoded = [next(new) if one is None else one for one in kept]
        content = [one.content for one in encoded]
        altered = [one.altered for one in encoded]
        omitted = [one.omitted for one in encoded]
    else:
        spans = read.spans if payload else spans
        omitted = [span.omitted for span in spans]
    partial: Sequence[Missing] = ()
    if any(omitted):
        paths = [span.source.path for span in spans]
        partial = partial_spans(zip(paths, omitted, strict=True))
    return SpansShown(
        spans=spans,
        encoded=content,
        altered=altered,
        missing=(*found.missing, *read.missing, *partial),
        next_cursor=_next_cursor(query, found, spans),
    )


def _next_cursor(query: Query, found: Candidates, shown: Sequence[Span]) -> str | None:
    """Where the next page begins; None at the end, and of a trace that is not asked in pages."""
    if isinstance(query, TraceQuery):
        has_more = query.limit is not None and len(found.spans) > query.limit
        return query.cursor_after(shown[-1]) if has_more else None
    if isinstance(query, SpanQuery) and len(found.spans) >= query.count:
        return cursor_after(query, shown[-1])
    if isinstance(query, SpanQuery) and found.undecided_from is not None:
        return cursor_at(query, found.undecided_from)
    return None
