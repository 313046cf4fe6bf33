"""Spans of one source that are not in the index, as columns, and which a question is about.

They passed through the same reading as the rows of an indexed file, and their promoted attributes
through the same query, so that an answer does not tell by its values which tier a span is from.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from indexer.deferred_dataclass import dataclass
from indexer.errors import IndexerError
from indexer.query.deadline import ENDED, Deadline
from indexer.query.find import column_scan
from indexer.query.find.condition_tree import Condition, metadata_leaves
from indexer.query.find.llm_traces import LlmTraces
from indexer.query.find.span_query import SpanQuery
from indexer.query.find.trace_query import TraceQuery
from indexer.query.missing import Missing
from indexer.query.span import Source, Span
from indexer.query.tiers.payload_search import KnownRows, PayloadReader, PayloadSearch
from indexer.query.tiers.tier import Candidates, Query
from indexer.read.promoted import AttributeReader
from indexer.spans.attributes import AttributeValues
from indexer.spans.columns import SpanColumns

AttributesOf = Callable[[Sequence[str]], AttributeValues]
"""The values that the rows of a source have under some keys. Raises IndexerError."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnindexedSpans:
    """The spans of one recent file, or all that are hot."""

    source: Source
    columns: SpanColumns
    attributes: AttributesOf
    payload: PayloadReader
    is_read_by_row: bool = False
    """Whether payload is read of single rows, and not as columns of all."""

    def candidates(
        self, query: Query, llm: LlmTraces | None, deadline: Deadline | None = None
    ) -> list[Span]:
        """Those of a question, as many as the answer can need. Raises IndexerError, MustWait."""
        wanted = column_scan.matching(self.columns, query)
        if deadline is not None and isinstance(query, TraceQuery):
            deadline.will_make(int(np.count_nonzero(wanted)))
        values: dict[int, str] = {}
        if isinstance(query, SpanQuery) and query.attribute is not None:
            values = self._values(query.attribute, query.value)
            wanted &= np.isin(self.columns.row, list(values))
        if llm is not None:
            some = self.columns.take(wanted)
            calling = llm.among(column_scan.trace_ids(some.trace_hi, some.trace_lo))
            wanted &= column_scan.in_traces(self.columns, calling)
        if isinstance(query, SpanQuery) and query.where is not None:
            found = self._meeting(self.columns.take(wanted), query, query.where)
            return self.spans(found, values)
        return self.spans(column_scan.first(self.columns, wanted, query), values)

    def llm_traces(self, keys: Sequence[str], service: str | None = None) -> set[str]:
        """The traces of which some span here, of the service, is an LLM call by these attributes.

        Raises IndexerError.
        """
        values = self.attributes(keys)
        calls = values.is_llm
        if service is not None:
            own = self.columns.take(column_scan.of_service(self.columns, service))
            calls = calls & np.isin(
                _places(values.row, values.position), _places(own.row, own.position)
            )
        return column_scan.trace_ids(values.trace_hi[calls], values.trace_lo[calls])

    def _meeting(self, columns: SpanColumns, query: SpanQuery, where: Condition) -> SpanColumns:
        """The first of these that meet the conditions, as many as the answer can need."""
        ordered = column_scan.in_order(columns, query)
        known = KnownRows(
            row=ordered.row.astype(np.int64),
            names=lambda places: [ordered.name.values[at] for at in ordered.name.codes[places]],
            holds={leaf: column_scan.meeting(ordered, leaf) for leaf in metadata_leaves(where)},
        )
        search = PayloadSearch(where, known, self.payload)
        places = search.possible() if self.is_read_by_row else search.candidates()
        return ordered.take(search.first(places, query.count))

    def _values(self, key: str, value: str | None) -> dict[int, str]:
        found = self.attributes([key])
        pairs = zip(found.row.tolist(), found.value.to_pylist(), strict=True)
        return {row: text for row, text in pairs if value is None or text == value}

    def spans(self, columns: SpanColumns, values: Mapping[int, str]) -> list[Span]:
        """Spans of the source, from their columns; ``values`` has those of an attribute by row."""
        return [
            Span(
                one.trace_id,
                one.span_id,
                one.parent_span_id,
                one.service_name,
                one.name,
                one.start_time_unix_nano,
                one.duration_ns,
                one.status_code,
                one.span_kind,
                self.source,
                one.file_row_number,
                values.get(one.file_row_number),
            )
            for one in columns.rows()
        ]


def every_span(spans: UnindexedSpans) -> UnindexedSpans:
    """As they are."""
    return spans


def candidates_of(
    parts: Iterable[UnindexedSpans],
    query: Query,
    llm: LlmTraces | None,
    deadline: Deadline | None = None,
) -> Candidates:
    """Those of several sources, in their order; a source that cannot be read is missing.

    Raises MustWait for many of a trace, where the answer must not wait.
    """
    spans: list[Span] = []
    missing: list[Missing] = []
    for part in parts:
        try:
            spans += part.candidates(query, llm, deadline)
        except ENDED:
            raise
        except IndexerError as error:
            missing.append(Missing.of_error(error, part.source.path))
    return Candidates(spans=spans, missing=tuple(missing))


def llm_traces_of(
    parts: Iterable[UnindexedSpans], keys: Sequence[str], service: str | None = None
) -> tuple[frozenset[str], tuple[Missing, ...]]:
    """The traces with an LLM call, of the service, in some of the sources.

    And which of these cannot be read.
    """
    found: set[str] = set()
    missing: list[Missing] = []
    for part in parts:
        try:
            found |= part.llm_traces(keys, service)
        except ENDED:
            raise
        except IndexerError as error:
            missing.append(Missing.of_error(error, part.source.path))
    return frozenset(found), tuple(missing)


def _places(row: npt.NDArray[np.int32], position: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """One number for each place in the source."""
    return (row.astype(np.int64) << 32) | position


@cache
def attribute_reader() -> AttributeReader:
    """One for the process: it is opened when the first such span is asked for an attribute."""
    return AttributeReader()
