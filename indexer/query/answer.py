"""What an answer is: its spans or services, what it is complete of, and what it has cost. Pure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from indexer.deferred_dataclass import dataclass
from indexer.hot.view import Generation
from indexer.query.cost import NO_COST, Cost
from indexer.query.facet import AttributeKey, AttributeValue, CountedOver, Operation
from indexer.query.hot_handover import HotHandover
from indexer.query.missing import Missing
from indexer.query.service_list import Service
from indexer.query.span import Span
from indexer.query.trace_summary import TraceSummary

if TYPE_CHECKING:  # most answers need no store
    from indexer.mastra.otel_table import OtelView


@dataclass(frozen=True, slots=True, kw_only=True)
class HotShare:
    """What the hot tier has to do with an answer."""

    source: Generation | None
    """How the ingestion service was asked; None where it does not answer."""
    spans: int
    """Hot spans in the answer; of a list of services, hot spans that were looked at; of the index
    alone, hot spans that it lacks."""

    @property
    def is_reachable(self) -> bool:
        """The ingestion service answers."""
        return self.source is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """What an answer says of itself.

    Complete is one that has considered every span acknowledged before ``as_of_unix_nano``.
    """

    missing: tuple[Missing, ...] = ()
    as_of_unix_nano: int | None = None
    """None without a hot tier that answers."""
    hot: HotShare | None = None
    """None without a hot tier."""
    recent_files: tuple[str, ...] = ()
    """Files that the index does not have yet, by absolute path, newest first."""
    files_pending: int | None = None
    """Files that were seen and are not in the index yet; None where nobody watches."""
    files_quarantined: int | None = None
    """Files that were refused, whatever they hold."""

    @property
    def is_complete(self) -> bool:
        """Nothing is missing."""
        return not self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class SpansAnswer:
    """A trace, in order of start, or a page of a list, newest first."""

    completeness: Completeness
    spans: Sequence[Span]
    encoded: Sequence[bytes] = ()
    """Each span's encoded form, where one was asked for."""
    altered: Sequence[tuple[str, ...]] = ()
    """Of each encoded form the fields that are not as the span has them."""
    cost: Cost
    trace_id: str | None = None
    """Of a trace; None of a list."""
    next_cursor: str | None = None
    """For the next page of a list; None at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicesAnswer:
    """Every service with spans in the window, by name."""

    completeness: Completeness
    services: Sequence[Service]
    cost: Cost = NO_COST


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsAnswer:
    """What services do: a page of names of spans, in order of service, name and kind."""

    completeness: Completeness
    operations: Sequence[Operation]
    next_cursor: str | None
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributesAnswer:
    """Keys of attributes, those of the most spans first."""

    completeness: Completeness
    attributes: Sequence[AttributeKey]
    keys_found: int
    """Before the limit of the answer."""
    counted_over: CountedOver
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeValuesAnswer:
    """Values of one attribute, those of the most spans first."""

    completeness: Completeness
    key: str
    values: Sequence[AttributeValue]
    values_found: int
    """Before the limit of the answer."""
    counted_over: CountedOver
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndexAnswer:
    """What the index says of itself to those who read it themselves, and what they can add."""

    completeness: Completeness
    """Of the index and nothing else."""
    with_unindexed: Completeness
    """Of the index with the hot spans given here and the recent files named in this."""
    hot: HotHandover | None = None
    """None without hot spans."""
    published: "OtelView | None" = None
    """Published spans, which replace what the index has of them; None without a Mastra store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryAnswer:
    """The facts of one trace."""

    completeness: Completeness
    trace_id: str
    summary: TraceSummary
    spans_unread: int
    """Spans whose attributes were not read, because a trace of so many may not be."""
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFound:
    """A trace with a span that was searched for, and what the whole trace is."""

    trace_id: str
    root_service_name: str | None
    """Of the earliest span without a parent; None where there is none."""
    root_name: str | None
    start_time_unix_nano: int | None
    end_time_unix_nano: int | None
    span_counts: Mapping[str, int]
    """By service, in order of name."""
    error_counts: Mapping[str, int]
    matches: Sequence[Span]
    """Its matching spans, without payload, in the order of the search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracesAnswer:
    """A page of traces, in the order of their first matching spans."""

    completeness: Completeness
    traces: Sequence[TraceFound]
    next_cursor: str | None
    cost: Cost


FacetAnswer = OperationsAnswer | AttributesAnswer | AttributeValuesAnswer

Answer = SpansAnswer | ServicesAnswer | IndexAnswer | FacetAnswer | SummaryAnswer | TracesAnswer
