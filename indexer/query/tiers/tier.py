"""What a tier is asked: which spans it has for a question, and what the payload of some is."""

from collections.abc import Sequence
from typing import Protocol

from indexer.deferred_dataclass import dataclass
from indexer.query.cost import CostAccount
from indexer.query.find.llm_traces import LlmTraces
from indexer.query.find.span_query import Position, SpanQuery
from indexer.query.find.trace_query import TraceQuery
from indexer.query.missing import Missing
from indexer.query.span import Span, TierName
from indexer.spans.payload import Payload

Query = TraceQuery | SpanQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The spans of one tier that a question is about, without payload; and what it lacks of them.

    Of a list at least as many of the first ones as the answer can need. A span may be there twice
    where several files of the tier have it: the first copy counts.
    """

    spans: Sequence[Span] = ()
    missing: tuple[Missing, ...] = ()
    undecided_from: Position | None = None
    """Of a search that has cost what it may: spans at this place of the list and after it were not
    all looked at."""
    files_left: int = 0
    """Files that it has not looked into, and that may have some of them."""


NOTHING = Candidates()
"""Of a tier that has nothing to do with a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payloads:
    """The payload of spans, in their order; ``UNREADABLE`` where something is missing."""

    payloads: Sequence[Payload]
    missing: tuple[Missing, ...] = ()


class Tier(Protocol):
    """One place where spans are, as of the moment of one answer."""

    @property
    def name(self) -> TierName:
        """What the source of its spans says."""
        ...

    def candidates(self, query: Query, llm: LlmTraces | None = None) -> Candidates:
        """Its spans for this question.

        ``llm`` says which traces have an LLM call, for a list that is of those alone. Raises
        nothing of a file's: that is missing.
        """
        ...

    def payload(
        self, spans: Sequence[Span], account: CostAccount, *, as_stored: bool = False
    ) -> Payloads:
        """The payload of some of its spans; ``as_stored`` says as for ``read_spans``.

        Raises QueryTooLarge and QueriesBusy when that is more than an answer may have, and nothing
        of a file's.
        """
        ...
