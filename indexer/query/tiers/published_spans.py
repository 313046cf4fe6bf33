"""The tier of spans that Mastra applications have published: those of one trace, whole.

They pass through the same reading as the rows of a file. A list does not ask it, and says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from indexer.errors import IndexerError
from indexer.hot.identity import identified_rows
from indexer.query.cost import CostAccount
from indexer.query.find.llm_traces import LlmTraces
from indexer.query.find.trace_query import TraceQuery
from indexer.query.missing import PUBLISHED_NOT_READ, Missing
from indexer.query.span import UNREADABLE, PublishedTable, Span, TierName
from indexer.query.tiers.hot_spans import hot_payload, unindexed_spans
from indexer.query.tiers.tier import Candidates, Payloads, Query

AskPublished = Callable[[str], pa.Table | None]
"""The published spans of a trace, by 32 hex digits, with the columns of the decoder; None without
any. Raises IndexerError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSpans:
    """The published spans of the trace of one question."""

    table: pa.Table | None
    missing: tuple[Missing, ...] = ()

    @property
    def name(self) -> TierName:
        """Of the tier."""
        return "published"

    def candidates(self, query: Query, llm: LlmTraces | None = None) -> Candidates:
        """Those of the question, each once and in its order."""
        if self.table is None:
            return Candidates(missing=self.missing)
        part = replace(unindexed_spans(self.table), source=PublishedTable(self.table))
        found = sorted(part.candidates(query, llm), key=query.order)
        return Candidates(spans=found, missing=self.missing)

    def payload(self, spans: Sequence[Span], account: CostAccount) -> Payloads:
        """Out of the rows themselves."""
        if self.table is None:
            return Payloads(payloads=[UNREADABLE] * len(spans))
        found = hot_payload(self.table, [span.row for span in spans], account)
        account.hold(len(spans))
        return Payloads(payloads=found)


def published_spans(ask: AskPublished | None, query: Query | None) -> PublishedSpans | None:
    """The tier for a question about one trace; None for any other, and without a store."""
    if ask is None or not isinstance(query, TraceQuery):
        return None
    try:
        table = ask(query.trace_id)
    except IndexerError as error:
        return PublishedSpans(table=None, missing=(Missing.of_error(error),))
    return PublishedSpans(table=None if table is None else identified_rows(table)[0])


def published_not_read(ask: AskPublished | None, query: Query | None) -> tuple[Missing, ...]:
    """What any other question lacks beside a store."""
    if ask is None or isinstance(query, TraceQuery):
        return ()
    return (Missing(reason=PUBLISHED_NOT_READ, detail="the store of INDEXER_MASTRA_PATH"),)
