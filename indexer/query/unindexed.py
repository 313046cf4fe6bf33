"""Spans that no index has yet, as lists want them: of recent files, and hot ones.

They pass through the same reading as the rows of an indexed file, and their promoted attributes
through the same query, so that an answer does not tell by its values which tier a span is from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from indexer.errors import IndexerError
from indexer.query.find.span_query import Position, SpanQuery
from indexer.query.merge import (
    Missing,
    Span,
    file_payload,
    hot_columns,
    hot_payload,
    metadata,
    missing_file,
    recent_files,
)
from indexer.read.metadata import RawFile
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.read.promoted import AttributeReader
from indexer.spans.attributes import AttributeValues
from indexer.spans.columns import SpanColumns
from indexer.spans.identifiers import BoolArray, UInt64Array, format_hex
from indexer.system.storage import LocalStorage

_NO_PARENT = pa.array(["", "0" * 16])

Rows = npt.NDArray[np.intp]
Payload = Callable[[Sequence[int]], list[dict[str, Any]]]
TraceIds = set[str]


@dataclass(frozen=True, kw_only=True, eq=False)
class UnindexedSpans:
    """The spans of one tier, or of one file, that are not in the index."""

    columns: SpanColumns
    path: str | None
    """Of the file; None for hot spans."""
    payload: Payload
    """The payload of rows of the tier. Raises IndexerError."""
    values: Callable[[Sequence[str]], AttributeValues]
    """The values of attributes. Raises IndexerError."""

    def newest(self, query: SpanQuery, of_traces: TraceIds | None) -> list[Span]:
        """The first ``query.count`` of the list, each with its ``source``.

        ``of_traces`` are the traces that are wanted, where not all are. Raises IndexerError.
        """
        columns = self.columns
        wanted = _matching(columns, query)
        values: dict[int, str] = {}
        if query.attribute is not None:
            values = self._values_of(query.attribute, query.value)
            wanted &= np.isin(columns.row, list(values))
        if of_traces is not None:
            wanted &= _in_traces(columns, of_traces)
        chosen = columns.take(_first(columns, np.flatnonzero(wanted), query.count))
        found = [{**metadata(span), "source": self} for span in chosen.rows()]
        for span in found if values else ():
            span["value"] = values[span["file_row_number"]]
        return found

    def llm_traces(self, keys: Sequence[str]) -> TraceIds:
        """The traces of which some span here is an LLM call, by these attributes."""
        values = self.values(keys)
        high, low = values.trace_hi[values.is_llm], values.trace_lo[values.is_llm]
        return _texts(high, low)

    def traces(self, query: SpanQuery) -> TraceIds:
        """The traces of the spans that match, but for their attributes and their LLM calls."""
        wanted = _matching(self.columns, query)
        high, low = self.columns.trace_hi[wanted], self.columns.trace_lo[wanted]
        return _texts(high, low)

    def _values_of(self, key: str, value: str | None) -> dict[int, str]:
        found = self.values([key])
        pairs = zip(found.row.tolist(), found.value.to_pylist(), strict=True)
        return {row: text for row, text in pairs if value is None or text == value}


def hot_spans_of(table: pa.Table, query: SpanQuery) -> UnindexedSpans:
    """What is hot and may match."""
    if query.service is not None:
        table = table.filter(pc.equal(table["service_name"], query.service))
    if query.roots:
        parent = table["parent_span_id"]
        table = table.filter(pc.or_(pc.is_null(parent), pc.is_in(parent, _NO_PARENT)))
    return hot_tier(table)


def hot_tier(table: pa.Table) -> UnindexedSpans:
    """Everything that is hot."""
    return UnindexedSpans(
        columns=hot_columns(table),
        path=None,
        payload=lambda rows: hot_payload(table, list(rows)),
        values=lambda keys: hot_values(table, keys),
    )


def hot_values(table: pa.Table, keys: Sequence[str]) -> AttributeValues:
    """The values of attributes of hot spans. Raises CorruptPage."""
    if "attributes" not in table.column_names or not keys:
        return AttributeValues.none()
    return _reader().of_rows(table["trace_id"], table["attributes"], keys)


def recent_spans_of(
    storage: LocalStorage, paths: Sequence[str]
) -> tuple[list[UnindexedSpans], list[Missing]]:
    """Recent files, newest first, and what of them cannot be read."""
    files, missing = recent_files(storage, paths)
    return [_recent(storage, raw, columns) for raw, columns in files], missing


def add_fresh_payload(spans: Sequence[Span]) -> list[Missing]:
    """Give each span with a ``source`` its payload; what could not be read."""
    by_source: dict[UnindexedSpans, list[Span]] = {}
    for span in spans:
        if span.get("source") is not None:
            by_source.setdefault(span["source"], []).append(span)
    missing: list[Missing] = []
    for source, members in by_source.items():
        try:
            payload = source.payload([span["file_row_number"] for span in members])
        except IndexerError as error:
            missing.append(missing_file(source.path or "", error))
            payload = [dict.fromkeys(PAYLOAD_COLUMNS) for _ in members]
        for span, values in zip(members, payload, strict=True):
            span.update(values)
    return missing


def _recent(storage: LocalStorage, raw: RawFile, columns: SpanColumns) -> UnindexedSpans:
    def values(keys: Sequence[str]) -> AttributeValues:
        (found,) = _reader().read(storage, [raw.info], keys)
        if isinstance(found, IndexerError):
            raise found
        return found

    return UnindexedSpans(
        columns=columns,
        path=raw.info.path,
        payload=lambda rows: file_payload(storage, raw, list(rows)),
        values=values,
    )


@cache
def _reader() -> AttributeReader:
    """One for the process: it is opened when the first fresh span is asked for an attribute."""
    return AttributeReader()


def _matching(columns: SpanColumns, query: SpanQuery) -> BoolArray:
    """Which spans the list may hold by service, place in the trace and time."""
    wanted: BoolArray = np.ones(len(columns), np.bool_)
    if query.service is not None:
        codes = [at for at, name in enumerate(columns.service.values) if name == query.service]
        wanted &= np.isin(columns.service.codes, codes)
    if query.roots:
        wanted &= columns.parent_span_id == 0
    if query.since_unix_nano is not None:
        wanted &= columns.start >= query.since_unix_nano
    if query.until_unix_nano is not None:
        wanted &= columns.start < query.until_unix_nano
    if query.after is not None:
        wanted &= ~_up_to(columns, query.after)
    return wanted


def _up_to(columns: SpanColumns, after: Position) -> BoolArray:
    """Which spans an earlier page has shown: those up to and with the position."""
    high, low, span_id = (
        np.uint64(int(after.trace_id[:16], 16)),
        np.uint64(int(after.trace_id[16:], 16)),
        np.uint64(int(after.span_id, 16)),
    )
    in_trace = (columns.trace_hi == high) & (columns.trace_lo == low)
    earlier = (columns.trace_hi < high) | ((columns.trace_hi == high) & (columns.trace_lo < low))
    same_start = columns.start == after.start_time_unix_nano
    shown: BoolArray = columns.start > after.start_time_unix_nano
    shown |= same_start & (earlier | (in_trace & (columns.span_id <= span_id)))
    return shown


def _in_traces(columns: SpanColumns, traces: TraceIds) -> BoolArray:
    texts = format_hex([columns.trace_hi, columns.trace_lo]).to_pylist()
    return np.fromiter((text in traces for text in texts), np.bool_, len(columns))


def _texts(high: UInt64Array, low: UInt64Array) -> TraceIds:
    found: list[str] = format_hex([high, low]).to_pylist()
    return set(found)


def _first(columns: SpanColumns, chosen: Rows, count: int) -> Rows:
    """The first of the chosen rows in the order of a list."""
    some = columns.take(chosen)
    order = np.lexsort((some.span_id, some.trace_lo, some.trace_hi, -some.start))
    first: Rows = chosen[order[:count]]
    return first
