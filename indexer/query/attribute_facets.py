"""Which attributes spans have, and which values of one: of the index, and of spans looked at.

A promoted attribute is counted over every span. Others are in no index: they are counted over some
spans of each operation in the newest files, and over recent and hot ones likewise; the answer says
over how many.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import IndexerError
from indexer.query.answer import AttributesAnswer, AttributeValuesAnswer
from indexer.query.answers import Answers
from indexer.query.deadline import ENDED, Deadline
from indexer.query.facet import AttributeCounts, AttributeValue, CountedOver, values_of
from indexer.query.find.attribute_coverage import missing_attributes
from indexer.query.find.attribute_names import owner_and_key
from indexer.query.find.column_scan import matching
from indexer.query.find.promoted_keys import key_numbers
from indexer.query.find.promoted_values import count_values, rows_with
from indexer.query.find.sample import count_files, sample_columns, sample_index
from indexer.query.find.span_query import SpanQuery
from indexer.query.missing import SPANS_SAMPLED, Missing
from indexer.query.moment import OpenAnswer
from indexer.query.partial_spans import partial_spans
from indexer.query.payload import read_spans
from indexer.query.service_list import unindexed_spans
from indexer.query.span import Span
from indexer.query.tiers.beside_index import beside_index
from indexer.query.window import ANY_TIME, Window
from indexer.spans.columns import SpanColumns
from indexer.system.counted_nouns import counted

LIMIT_DEFAULT = 1_000
LIMIT_MAX = 10_000
"""Keys or values of one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetQuery:
    """Attributes of the spans of a service, or of all, that start in a window."""

    service: str | None = None
    window: Window = ANY_TIME
    prefix: str = ""
    """Of keys, or of values."""
    limit: int = LIMIT_DEFAULT

    @property
    def spans(self) -> SpanQuery:
        """Which spans they are."""
        return SpanQuery(
            service=self.service,
            since_unix_nano=self.window.since_unix_nano,
            until_unix_nano=self.window.until_unix_nano,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """Spans with their payload, and of what they are some."""

    spans: Sequence[Span]
    counted_over: CountedOver
    missing: tuple[Missing, ...]

    @property
    def hot_spans(self) -> int:
        return sum(span.source.tier == "hot" for span in self.spans)


def list_attributes(
    answers: Answers, query: FacetQuery, deadline: Deadline | None = None
) -> AttributesAnswer:
    """The keys of attributes, those of the most spans first."""
    with answers.open(deadline) as opened:
        numbers = key_numbers(opened.cursor)
        is_all = query.service is None and query.window.is_open
        promoted = rows_with(opened.cursor) if is_all else {}
        looked = _look(opened, query.spans)
        counts = AttributeCounts()
        for span in looked.spans:
            counts.add(span)
        keys = [one for one in counts.keys(promoted) if one.key.startswith(query.prefix)]
        behind = missing_attributes(opened.cursor, numbers if is_all else {}, query.spans)
        return AttributesAnswer(
            attributes=keys[: query.limit],
            keys_found=len(keys),
            counted_over=looked.counted_over,
            completeness=opened.completeness(looked.hot_spans, (*looked.missing, *behind)),
            cost=opened.account.total(),
        )


def list_values(
    answers: Answers, key: str, query: FacetQuery, deadline: Deadline | None = None
) -> AttributeValuesAnswer:
    """The values of a key, as it is written, those of the most spans first."""
    with answers.open(deadline) as opened:
        numbers = key_numbers(opened.cursor)
        owner, name = owner_and_key(key)
        if owner == "span" and name in numbers:
            return _promoted_values(opened, name, numbers[name], query)
        looked = _look(opened, query.spans)
        values = [one for one in values_of(looked.spans, key) if one.value.startswith(query.prefix)]
        return AttributeValuesAnswer(
            key=key,
            values=values[: query.limit],
            values_found=len(values),
            counted_over=looked.counted_over,
            completeness=opened.completeness(looked.hot_spans, looked.missing),
            cost=opened.account.total(),
        )


def _promoted_values(
    opened: OpenAnswer, key: str, key_id: int, query: FacetQuery
) -> AttributeValuesAnswer:
    """Those of all spans."""
    texts, hot_spans, unreadable = _unindexed_values(opened, key, query.spans)
    values, total = count_values(
        opened.cursor, key_id, query.spans, texts, prefix=query.prefix, limit=query.limit
    )
    behind = missing_attributes(opened.cursor, {key: key_id}, query.spans)
    files = count_files(opened.cursor, query.spans)
    return AttributeValuesAnswer(
        key=key,
        values=[AttributeValue(value=text, type=None, span_count=count) for text, count in values],
        values_found=total,
        counted_over=CountedOver(files=files, files_matching=files, spans=None, is_sample=False),
        completeness=opened.completeness(hot_spans, (*unreadable, *behind)),
        cost=opened.account.total(),
    )


def _unindexed_values(
    opened: OpenAnswer, key: str, query: SpanQuery
) -> tuple[list[str], int, list[Missing]]:
    """(the value of each span that the index lacks, hot spans among them, what is unreadable)."""
    spans = _unindexed(opened, query)
    texts: list[str] = []
    hot_spans = 0
    missing: list[Missing] = []
    for slot, part in enumerate(opened.tiers.unindexed):
        rows = spans.row[spans.slot == slot]
        hot_spans += len(rows) if part.source.tier == "hot" else 0
        try:
            found = part.attributes([key])
        except ENDED:
            raise
        except IndexerError as error:
            missing.append(Missing.of_error(error, part.source.path))
        else:
            texts += found.value.filter(pa.array(np.isin(found.row, rows))).to_pylist()
    if opened.tiers.published is not None:
        missing += opened.tiers.published.missing_attributes
    return texts, hot_spans, missing


def _unindexed(opened: OpenAnswer, query: SpanQuery) -> SpanColumns:
    """The spans of the query that the index lacks, each once; the slot is the source's number.

    A published span that came over OTLP as well is left to the index: its values are counted there.
    """
    parts = [part.columns for part in opened.tiers.unindexed]
    if not parts:
        return SpanColumns.empty()
    spans = unindexed_spans(opened.cursor, parts, query.window)
    return spans.take(matching(spans, query))


def _look(opened: OpenAnswer, query: SpanQuery) -> _Looked:
    """Some spans of the query with their payload, of every tier."""
    sample = sample_index(opened.cursor, query)
    found = opened.tiers.indexed.spans(sample.rows)
    if opened.tiers.published is not None:
        found = opened.tiers.published.not_replaced(found)
    unindexed = beside_index(opened.tiers, query.window).added
    unindexed = unindexed.take(matching(unindexed, query))
    chosen = unindexed.take(sample_columns(unindexed))
    is_whole = sample.is_whole and len(chosen) == len(unindexed)
    for slot, part in enumerate(opened.tiers.unindexed):
        found += part.spans(chosen.take(chosen.slot == slot), {})
    opened.account.begin_reading()
    read = read_spans(opened.tiers.coldest_first, found, opened.account)
    opened.account.end_reading()
    missing = [*read.missing, *partial_spans((one.source.path, one.omitted) for one in read.spans)]
    if not is_whole:
        spans = counted(len(read.spans), "span was", "spans were")
        detail = f"{spans} looked at, of {counted(sample.files, 'file')} and hot ones"
        missing.append(Missing(reason=SPANS_SAMPLED, detail=detail))
    counted_over = CountedOver(
        files=sample.files,
        files_matching=sample.files_matching,
        spans=len(read.spans),
        is_sample=not is_whole,
    )
    return _Looked(spans=read.spans, counted_over=counted_over, missing=tuple(missing))
