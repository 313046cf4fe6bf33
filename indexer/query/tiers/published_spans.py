"""The tier of spans that Mastra applications have published, of which the store is the only place.

They pass through the same reading as the rows of a file. A published record replaces whatever other
tiers have of its span: it says more than what an application has sent over OTLP as well.
"""

from collections.abc import Sequence
from dataclasses import field, replace
from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import IndexerError
from indexer.mastra.otel_table import OtelView
from indexer.query.cost import CostAccount
from indexer.query.deadline import ENDED, Deadline
from indexer.query.find import column_scan
from indexer.query.find.llm_traces import LlmTraces
from indexer.query.find.span_query import SpanQuery
from indexer.query.find.trace_query import TraceQuery
from indexer.query.missing import PUBLISHED_NOT_READ, Missing
from indexer.query.span import UNREADABLE, PublishedTable, Span, TierName, places_by_source
from indexer.query.tiers.hot_spans import hot_columns, hot_payload
from indexer.query.tiers.published_payload import PublishedPayload
from indexer.query.tiers.tier import Candidates, Payloads, Query
from indexer.query.tiers.unindexed_spans import UnindexedSpans, attribute_reader, candidates_of
from indexer.spans.attributes import AttributeValues
from indexer.spans.columns import SpanColumns
from indexer.spans.identifiers import BoolArray, UInt64Array
from indexer.spans.identity import SpanKeys
from indexer.spans.payload import Payload
from indexer.system import arrow_compute as pc

ATTRIBUTE_SPANS_MAX = 100_000
"""Newest spans whose attributes one list may need. It bounds the time that reading them takes."""


class PublishedStore(Protocol):
    """Where the spans are. What reads it raises IndexerError."""

    def trace(self, trace_id: str) -> OtelView:
        """Those of a trace, by 32 hex digits."""
        ...

    def newest(self) -> OtelView:
        """Those of all traces."""
        ...

    def since(self, after: int | None) -> tuple[int, OtelView]:
        """Those that were created after the number of the last call, and the next number."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSpans:
    """The published spans of the trace of a question, or of all."""

    view: OtelView
    missing: tuple[Missing, ...] = ()
    deadline: Deadline = field(default_factory=Deadline)

    @property
    def name(self) -> TierName:
        """Of the tier."""
        return "published"

    @property
    def spans(self) -> UnindexedSpans:
        """All of them."""
        return self._part(self.view, _read(self.view).columns)

    def candidates(self, query: Query, llm: LlmTraces | None = None) -> Candidates:
        """Those of the question, each once and in its order."""
        columns = _read(self.view).columns
        if not len(columns):
            return Candidates(missing=self.missing)
        part = self.spans
        if isinstance(query, SpanQuery) and query.where is not None:
            some = columns.take(column_scan.matching(columns, query))
            view = self.view.take(some.row.tolist())
            part = self._part(view, replace(some, row=np.arange(len(some), dtype=np.int32)))
        found = candidates_of([part], query, llm)
        missing = (*self.missing, *found.missing, *self._missing_attributes(query))
        return Candidates(spans=sorted(found.spans, key=query.order), missing=missing)

    def payload(
        self,
        spans: Sequence[Span],
        account: CostAccount,
        *,
        as_stored: bool = False,  # noqa: ARG002 - it has values
    ) -> Payloads:
        """Read from the store."""
        payloads = [UNREADABLE] * len(spans)
        missing: list[Missing] = []
        for source, places in places_by_source(spans, PublishedTable).items():
            try:
                table = source.view.rows([spans[at].row for at in places])
            except ENDED:
                raise
            except IndexerError as error:
                missing.append(Missing.of_error(error))
                continue
            for at, payload in zip(places, _payloads(table, account), strict=True):
                payloads[at] = payload
            account.hold(len(places))
        if gone := payloads.count(UNREADABLE):
            detail = f"{gone:,} published spans were deleted, or could not be read"
            missing.append(Missing(reason=PUBLISHED_NOT_READ, detail=detail))
        return Payloads(payloads=payloads, missing=tuple(missing))

    def replaces(self, hashes: UInt64Array) -> BoolArray:
        """Which of the identities, by their hashes, are of published spans."""
        known = _read(self.view).hashes
        if not len(known):
            return np.zeros(len(hashes), np.bool_)
        at = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        found: BoolArray = known[at] == hashes
        return found

    def not_replaced(self, spans: Sequence[Span]) -> list[Span]:
        """Spans of another source without copies of published ones."""
        replaced = self.replaces(_keys(spans).hashes)
        return [span for span, is_copy in zip(spans, replaced, strict=True) if not is_copy]

    def without_replaced(self, part: UnindexedSpans) -> UnindexedSpans:
        """The same of all spans of a source."""
        columns = part.columns
        return replace(part, columns=columns.take(~self.replaces(columns.keys.hashes)))

    @property
    def missing_in_files(self) -> tuple[Missing, ...]:
        """What an answer lacks that is of files alone."""
        count = self.view.table.num_rows + self.view.left_out
        if not count:
            return self.missing
        detail = f"{count:,} published spans are in the Mastra store, and in no table of the index"
        return (Missing(reason=PUBLISHED_NOT_READ, detail=detail),)

    def newest(self, count: int) -> tuple[OtelView, tuple[Missing, ...]]:
        """The newest of them, and what is left out."""
        view = self.view
        if view.table.num_rows <= count:
            return view, self.missing
        detail = f"the newest {count:,} of {view.table.num_rows + view.left_out:,} published spans"
        newest = view.take(_newest_rows(_read(view).columns, count))
        return newest, (Missing(reason=PUBLISHED_NOT_READ, detail=detail),)

    def _part(self, view: OtelView, columns: SpanColumns) -> UnindexedSpans:
        payload = PublishedPayload(view=view, deadline=self.deadline)

        def attributes(keys: Sequence[str]) -> AttributeValues:
            if not keys or not len(columns):
                return AttributeValues.none()
            newest = _newest_rows(columns, ATTRIBUTE_SPANS_MAX)
            some = PublishedPayload(view=view.take(newest), deadline=self.deadline)
            table = pa.concat_tables(one.select(["trace_id", "attributes"]) for one in some.parts())
            texts = pc.fill_null(table["attributes"], "{}")
            found = attribute_reader().of_rows(table["trace_id"], texts, keys)
            return replace(found, row=np.array(newest, np.int32)[found.row])

        return UnindexedSpans(
            source=PublishedTable(view),
            columns=columns,
            attributes=attributes,
            payload=payload,
            is_read_by_row=True,
        )

    def _missing_attributes(self, query: Query) -> tuple[Missing, ...]:
        is_asked = isinstance(query, SpanQuery) and (query.llm or query.attribute is not None)
        return self.missing_attributes if is_asked else ()

    @property
    def missing_attributes(self) -> tuple[Missing, ...]:
        """What an answer lacks that needs the attributes of all of them."""
        count = self.view.table.num_rows
        if count <= ATTRIBUTE_SPANS_MAX:
            return ()
        detail = f"attributes were read of the newest {ATTRIBUTE_SPANS_MAX:,} of {count:,} spans"
        return (Missing(reason=PUBLISHED_NOT_READ, detail=detail),)


_NOTHING = OtelView(table=pa.table({}), rows=lambda _: pa.table({}))


def published_spans(
    store: PublishedStore | None, query: Query | None, deadline: Deadline | None = None
) -> PublishedSpans | None:
    """The tier for a question, and what it cannot have; None without a store."""
    if store is None:
        return None
    deadline = deadline or Deadline()
    deadline.will_wait()
    try:
        view = store.trace(query.trace_id) if isinstance(query, TraceQuery) else store.newest()
    except ENDED:
        raise
    except IndexerError as error:
        return PublishedSpans(view=_NOTHING, missing=(Missing.of_error(error),))
    missing: tuple[Missing, ...] = ()
    if view.left_out:
        detail = f"{view.left_out:,} older spans of the store are not looked at"
        missing = (Missing(reason=PUBLISHED_NOT_READ, detail=detail),)
    return PublishedSpans(view=view, missing=missing, deadline=deadline)


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    columns: SpanColumns
    hashes: UInt64Array
    """Of all identities, sorted."""


_KEPT: WeakKeyDictionary[OtelView, _Read] = WeakKeyDictionary()
"""As long as a view: the store gives the same one to the next question."""


def _read(view: OtelView) -> _Read:
    """A view as columns."""
    found = _KEPT.get(view)
    if found is None:
        columns = hot_columns(view.table) if view.table.num_rows else SpanColumns.empty()
        found = _KEPT[view] = _Read(columns, np.sort(columns.keys.hashes))
    return found


def _keys(spans: Sequence[Span]) -> SpanKeys:
    return SpanKeys(
        np.array([int(span.trace_id[:16], 16) for span in spans], np.uint64),
        np.array([int(span.trace_id[16:], 16) for span in spans], np.uint64),
        np.array([int(span.span_id, 16) for span in spans], np.uint64),
        np.array([span.span_kind for span in spans], np.int8),
    )


def _newest_rows(columns: SpanColumns, count: int) -> list[int]:
    """Rows of the newest spans, in the order of the source."""
    order = np.argsort(-columns.start, kind="stable")[:count]
    rows: list[int] = np.sort(columns.row[order]).tolist()
    return rows


def _payloads(table: pa.Table, account: CostAccount) -> list[Payload]:
    """``UNREADABLE`` of a span that is gone."""
    found = hot_payload(table, range(table.num_rows), account)
    held = table["attributes"].is_valid().to_pylist()
    return [one if is_held else UNREADABLE for one, is_held in zip(found, held, strict=True)]
