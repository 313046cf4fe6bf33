"""The tier of hot spans, which are in no file that the index or a listing knows.

They pass through the same reading as the rows of a file.
"""

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import HotUnavailable
from indexer.hot.view import HotView
from indexer.query.cost import CostAccount
from indexer.query.deadline import Deadline
from indexer.query.find.llm_traces import LlmTraces
from indexer.query.find.trace_query import TraceQuery
from indexer.query.missing import HOT_BOUNDED, HOT_INCOMPLETE, HOT_NOT_READ, Missing
from indexer.query.span import UNREADABLE, HotTable, HotValues, Span, TierName, places_by_source
from indexer.query.tiers.hot_values import HOT_COLUMNS, payload_of_values, spans_of_values
from indexer.query.tiers.payload_readers import MemoryPayload
from indexer.query.tiers.tier import NOTHING, Candidates, Payloads, Query
from indexer.query.tiers.unindexed_spans import (
    UnindexedSpans,
    attribute_reader,
    candidates_of,
    every_span,
)
from indexer.read.canonical_columns import UNLIMITED, canonical_values
from indexer.read.dialect_fields import Field, FieldType, PayloadColumn
from indexer.read.normalise import empty
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.read.payload_table import PayloadTable
from indexer.read.payload_values import Reading
from indexer.read.span_columns import span_columns
from indexer.read.span_payload import span_payload
from indexer.read.whole_names import as_name, may_be_cut
from indexer.spans.attributes import AttributeValues
from indexer.spans.columns import SpanColumns
from indexer.spans.limits import SPAN_LIMITS, SpanLimits
from indexer.spans.payload import Payload
from indexer.system import arrow_compute as pc

AskHot = Callable[[], HotView]
"""Raises HotUnavailable."""

_TYPES: dict[str, FieldType] = {
    "trace_id": "id",
    "span_id": "id",
    "parent_span_id": "id",
    "service_name": "text",
    "name": "text",
    "start_time": "timestamp",
    "end_time": "timestamp",
    "status_code": "status",
    "span_kind": "kind",
}
_FIELDS = tuple(
    Field(name=name, column=name, type=kind, optional=False) for name, kind in _TYPES.items()
)
"""The metadata columns of a hot table; a snapshot may lack the last two."""
METADATA_COLUMNS = tuple(_TYPES)
"""Their names."""
NAME = "name"
"""Of the column whose texts are whole in a hot table, and may be cut in an index."""
_NO_PARENT = pa.array(["", "0" * 16])


@dataclass(frozen=True, slots=True, kw_only=True)
class HotAnswer:
    """What the hot tier said before the index was asked; no view where it does not answer."""

    view: HotView | None
    missing: tuple[Missing, ...] = ()


def ask_hot(ask: AskHot) -> HotAnswer:
    """Ask the hot tier."""
    try:
        view = ask()
    except HotUnavailable as error:
        return HotAnswer(view=None, missing=(Missing.of_error(error),))
    missing = [Missing(reason=HOT_INCOMPLETE, detail=problem) for problem in view.problems]
    if view.bounded:
        detail = f"the service's {view.source} does not name every file that is not indexed yet"
        missing.append(Missing(reason=HOT_BOUNDED, detail=detail))
    return HotAnswer(view=view, missing=tuple(missing))


@dataclass(frozen=True, slots=True, kw_only=True)
class HotSpans:
    """The hot spans of one view."""

    view: HotView
    narrow: Callable[[UnindexedSpans], UnindexedSpans] = every_span
    """Leaves out what another tier has."""
    deadline: Deadline = field(default_factory=Deadline)

    @property
    def name(self) -> TierName:
        """Of the tier."""
        return "hot"

    def candidates(self, query: Query, llm: LlmTraces | None = None) -> Candidates:
        """For one trace nothing else is decoded."""
        few = self._few(query) if isinstance(query, TraceQuery) else None
        if few is not None:
            return Candidates(spans=few) if few else NOTHING
        if isinstance(query, TraceQuery) or self.view.rows.count():
            self.deadline.will_wait()
        rows = self._rows(query)  # of none too: so it is noted that a list is asked for
        if not rows.num_rows:
            return NOTHING
        return candidates_of([self.narrow(unindexed_spans(rows))], query, llm)

    def payload(
        self,
        spans: Sequence[Span],
        account: CostAccount,
        *,
        as_stored: bool = False,
    ) -> Payloads:
        """Out of the rows themselves."""
        payloads = [UNREADABLE] * len(spans)
        places_of: dict[HotTable | HotValues, list[int]]
        places_of = places_by_source(spans, HotTable, HotValues)
        for source, places in places_of.items():
            rows = [spans[at].row for at in places]
            found = (
                hot_payload(source.table, rows, account)
                if isinstance(source, HotTable)
                else payload_of_values(source, rows, account.tally, as_stored=as_stored)
            )
            for at, payload in zip(places, found, strict=True):
                payloads[at] = payload
            account.hold(len(places))
        return Payloads(payloads=payloads)

    def all_spans(self) -> UnindexedSpans:
        """Everything that is hot, and in no tier before it."""
        return self.narrow(unindexed_spans(self.view.table))

    def _few(self, query: TraceQuery) -> list[Span] | None:
        """Those of the question, where the trace has few; of copies the coldest counts anyway."""
        rows = self.view.rows.few(query.trace_id, may_wait=self.deadline.may_wait)
        if rows is None:
            return None
        spans = spans_of_values(HotValues(rows))
        return spans if query.is_whole else [span for span in spans if query.holds(span)]

    def _rows(self, query: Query) -> pa.Table:
        """What may match: the others need not be interpreted."""
        if isinstance(query, TraceQuery):
            return self.view.trace(query.trace_id)
        table = self.view.table
        if not table.num_rows:
            return table
        if query.service is not None:
            table = table.filter(pc.equal(table["service_name"], query.service))
        if query.roots:
            parent = table["parent_span_id"]
            table = table.filter(pc.or_(pc.is_null(parent), pc.is_in(parent, _NO_PARENT)))
        return table


def unindexed_spans(table: pa.Table) -> UnindexedSpans:
    """The spans of a hot table."""

    def attributes(keys: Sequence[str]) -> AttributeValues:
        if "attributes" not in table.column_names or not keys:
            return AttributeValues.none()
        return attribute_reader().of_rows(table["trace_id"], table["attributes"], keys)

    return UnindexedSpans(
        source=HotTable(table),
        columns=hot_columns(table),
        attributes=attributes,
        payload=MemoryPayload(table=payload_table(table)),
    )


def payload_table(table: pa.Table) -> PayloadTable:
    """The payload of a hot table for those who look for spans by it."""
    held = {name: column for name, column in HOT_COLUMNS.items() if column in table.column_names}
    return PayloadTable(
        table=table,
        payload=tuple(PayloadColumn(name, (("", column),)) for name, column in held.items()),
        constants=dict.fromkeys(PAYLOAD_COLUMNS),
    )


def hot_columns(table: pa.Table) -> SpanColumns:
    """A hot table read as the metadata columns of a file are: bounded, without doubles."""
    return span_columns(table, _FIELDS)


def newest_within(table: pa.Table, bytes_max: int) -> tuple[pa.Table, tuple[Missing, ...]]:
    """The newest rows of a hot table that fit in so many bytes; and what is left out."""
    if table.nbytes <= bytes_max:
        return table, ()
    count = table.num_rows * bytes_max // table.nbytes
    newest = pc.select_k_unstable(table, count, [("start_time", "descending")])
    left_out = f"{table.num_rows - count:,} of {table.num_rows:,} hot spans, the oldest ones"
    detail = f"{left_out}, are beyond {bytes_max >> 20} MiB"
    return table.take(newest), (Missing(reason=HOT_NOT_READ, detail=detail),)


def hot_column(table: pa.Table, name: str) -> pa.Array | None:
    """A canonical payload column, or the whole names, of all rows of a hot table as SQL has it.

    None where the table has no such column.
    """
    column = hot_column_name(name)
    if column not in table.column_names:
        return None
    values = _stored(table[column], name, UNLIMITED)
    if name == NAME:
        return pa.array(map(as_name, values), pa.string())
    return canonical_values(name, values)


def hot_column_name(name: str) -> str:
    """The column of a hot table in which a canonical payload column, or the name, is."""
    return HOT_COLUMNS.get(name, name)


def _stored(column: pa.ChunkedArray, name: str, limits: SpanLimits = SPAN_LIMITS) -> list[Any]:
    """A NULL says that there is nothing, as in the file that the ingestion writes."""
    values = Reading(name=name).values(column, limits)
    return [empty(name) if value is None else value for value in values]


def hot_payload(
    table: pa.Table, rows: Sequence[int], account: CostAccount | None = None
) -> list[Payload]:
    """The payload of rows of a hot table."""
    taken = table.take(pa.array(rows, pa.int64()))
    absent = [None] * len(rows)
    columns = {
        name: _stored(taken[column], name) if column in taken.column_names else absent
        for name, column in HOT_COLUMNS.items()
    }
    if account is not None:
        account.tally.count_texts(value for values in columns.values() for value in values)
    names = map(as_name, _stored(taken["name"], "name"))
    return [
        Payload(
            **span_payload({column: values[at] for column, values in columns.items()}),
            whole_name=name if may_be_cut(name) else None,
        )
        for at, name in enumerate(names)
    ]
