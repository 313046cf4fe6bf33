"""One page of a list of spans, from all tiers.

Each tier gives the first spans of the list that it has, as many as the page can need; the first
of them all are the page. Payload is read for what is shown, and for nothing else.
"""

from dataclasses import dataclass, field
from typing import Any

import duckdb

from indexer.catalog.trace_directory import TraceDirectory
from indexer.errors import IndexerError, QueryRefused
from indexer.query.deadline import Deadline
from indexer.query.find.attribute_coverage import silent_files
from indexer.query.find.index_scan import key_number, key_numbers, newest_spans
from indexer.query.find.llm_traces import llm_traces
from indexer.query.find.span_query import SpanQuery, cursor_after, order_key
from indexer.query.merge import Missing, Span, first_of_each, missing_file
from indexer.query.partial_spans import partial_spans
from indexer.query.payload import Cost, add_payload, files_of, within_budget
from indexer.query.span_cache import EncodedSpanCache
from indexer.query.tiers import Consulted, completeness, unknown_files
from indexer.query.unindexed import (
    UnindexedSpans,
    add_fresh_payload,
    hot_spans_of,
    hot_tier,
    recent_spans_of,
)
from indexer.spans.attributes import tells_llm_calls
from indexer.system.storage import LocalStorage


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What one page is made from: a transaction of the catalog, the files, what is hot."""

    cursor: duckdb.DuckDBPyConnection
    storage: LocalStorage
    hot: Consulted | None
    deadline: Deadline
    directory: TraceDirectory | None = None
    """The writer's, where this is its process."""
    cost: Cost = field(default_factory=Cost)


def page(
    sources: Sources, query: SpanQuery, *, payload: bool, form: EncodedSpanCache | None = None
) -> dict[str, Any]:
    """The spans of one page, the cursor of the next one, and what the answer rests on.

    With a ``form`` each span has its ``shown``, and its payload only where that had to be read.
    Raises QueryRefused for an attribute that is not promoted, QueryTooLarge for a page that
    would be read from too many files.
    """
    cost = sources.cost
    found, recent, missing = _found(sources, query)
    shown = found[query.offset : query.offset + query.limit]
    files = files_of(sources.cursor, shown)
    to_read = (shown if form is None else form.known(shown, files)) if payload else []
    within_budget(to_read, files_max=cost.limits.files)
    cost.indexed()
    with cost.reading():
        unread = add_payload(sources.storage, to_read, files, cost, sources.deadline)
        missing += [*unread, *add_fresh_payload(to_read)]
    if form is not None:
        form.read(to_read, files, {one["file_path"] for one in unread})
    more = len(found) > query.offset + query.limit
    spans = [_named(span, files) for span in shown]
    missing += partial_spans(spans)
    hot_count = sum(one["file_path"] is None for one in spans)
    return {
        "spans": spans,
        "next": cursor_after(query, spans[-1]) if more and spans else None,
        **completeness(sources.hot, recent, hot_count, missing),
        "cost": cost.to_dict(),
    }


def _found(
    sources: Sources, query: SpanQuery
) -> tuple[list[Span], list[str], list[dict[str, Any]]]:
    """The first spans of the list, the recent files looked into, and what is missing."""
    keys = _keys(sources.cursor, query)
    recent = unknown_files(sources.cursor, sources.storage, sources.hot, keys.values())
    tiers, unread = recent_spans_of(sources.storage, recent)
    missing: list[dict[str, Any]] = list(unread)
    view = None if sources.hot is None else sources.hot.view
    fresh_llm: set[str] = set()
    if query.llm:
        everything = tiers if view is None else [*tiers, hot_tier(view.table)]
        fresh_llm, lacking = _llm_traces(everything, list(keys))
        missing += lacking
    if view is not None:
        tiers.append(hot_spans_of(view.table, query))
    wanted = None
    if query.llm:
        asked = set().union(*(one.traces(query) for one in tiers))
        wanted = fresh_llm | llm_traces(sources.cursor, asked - fresh_llm, sources.directory)
    fresh, lacking = _fresh(tiers, query, wanted)
    missing += lacking
    if keys:
        read = [sources.storage.relative(one.path) for one in tiers if one.path]
        missing += silent_files(sources.cursor, keys, query, but=read)
    key_id = None if query.attribute is None else keys[query.attribute]
    cold = newest_spans(
        sources.cursor,
        query,
        sources.deadline,
        key_id=key_id,
        fresh_llm=fresh_llm,
        directory=sources.directory,
    )
    found = sorted(first_of_each([*cold, *fresh]), key=order_key) if fresh else cold
    return found, recent, missing


def _fresh(
    tiers: list[UnindexedSpans], query: SpanQuery, wanted: set[str] | None
) -> tuple[list[Span], list[Missing]]:
    found: list[Span] = []
    missing: list[Missing] = []
    for tier in tiers:
        try:
            found += tier.newest(query, wanted)
        except IndexerError as error:
            missing.append(missing_file(tier.path or "", error))
    return found, missing


def _keys(cursor: duckdb.DuckDBPyConnection, query: SpanQuery) -> dict[str, int]:
    """The promoted attributes that the list depends on. Raises QueryRefused without them."""
    keys = {}
    if query.llm:
        keys = {key: id_ for key, id_ in key_numbers(cursor).items() if tells_llm_calls(key)}
        if not keys:
            raise QueryRefused(
                "no promoted attribute tells LLM calls",
                hint="Add openinference.span.kind or a gen_ai.* key to "
                "INDEXER_PROMOTED_ATTRIBUTES.",
            )
    if query.attribute is not None:
        keys[query.attribute] = key_number(cursor, query.attribute)
    return keys


def _llm_traces(tiers: list[UnindexedSpans], keys: list[str]) -> tuple[set[str], list[Missing]]:
    found: set[str] = set()
    missing: list[Missing] = []
    for tier in tiers:
        try:
            found |= tier.llm_traces(keys)
        except IndexerError as error:
            missing.append(missing_file(tier.path or "", error))
    return found, missing


def _named(span: Span, files: dict[int, dict[str, Any]]) -> Span:
    """The span as it is shown: with the path of its file, and no row number where it has none."""
    source, file_id = span.pop("source", None), span.pop("file_id", None)
    if source is not None:
        span["file_path"] = source.path
        span["file_row_number"] = span["file_row_number"] if source.path else None
    else:
        span["file_path"] = files[file_id]["file_path"] if file_id is not None else None
    return span
