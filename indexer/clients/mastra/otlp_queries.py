"""What Mastra's queries answer of the store, and of the newest spans that came over OTLP alone.

Deltas, aggregates, values to choose from and threads by what their traces are come from the store
alone: of parts of these no whole can be made.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from indexer.clients.mastra.door import MastraDoor
from indexer.clients.mastra.otlp_traces import (
    ROOTS_MAX,
    Sent,
    bounds,
    find_spans,
    not_published,
    of_index,
)
from indexer.mastra.json_values import json_text
from indexer.mastra.list_arguments import TimeRange
from indexer.mastra.merged_queries import merged_spans, merged_traces
from indexer.mastra.query_requests import QueryRange, SpanQuery, TraceQuery, parsed
from indexer.query.answers import Answers
from indexer.query.deadline import Deadline
from indexer.query.find.span_query import SpanQuery as IndexQuery

Content = Mapping[str, Any]
Found = tuple[Any, bool]
"""An answer, and whether every span that there is was considered."""
Question = Callable[[MastraDoor, Content, Deadline], Found]


def spans_with_sent(door: MastraDoor, content: Content, deadline: Deadline) -> Found:
    """A page of spans."""
    wanted = parsed(SpanQuery, content)
    query = _query(wanted.time_range)
    sent, is_whole = of_index(door, lambda answers: find_spans(answers, query, deadline))
    store, left = door.store.observability, not_published(door, sent)
    return (merged_spans(store, left, wanted) if left else store.query_spans(wanted)), is_whole


def traces_with_sent(door: MastraDoor, content: Content, deadline: Deadline) -> Found:
    """A page of traces, or of threads that they are of."""
    wanted = parsed(TraceQuery, content)
    store = door.store.observability
    if wanted.mode == "delta":
        return store.query_traces(wanted), True
    sent, is_whole = of_index(door, lambda answers: _sent_traces(answers, wanted, deadline))
    left = not_published(door, sent)
    return (merged_traces(store, left, wanted) if left else store.query_traces(wanted)), is_whole


def published_alone(call: Callable[[Content], Any]) -> Question:
    """What the store says by itself, which is all if nothing else came over OTLP."""

    def ask(door: MastraDoor, content: Content, deadline: Deadline) -> Found:
        found = call(content)
        query = IndexQuery(limit=1)
        sent, is_whole = of_index(door, lambda answers: find_spans(answers, query, deadline))
        return found, is_whole and not not_published(door, sent)

    return ask


def _sent_traces(answers: Answers, wanted: TraceQuery, deadline: Deadline) -> Sent:
    """The newest roots of the range, and spans below roots where the predicate may ask of any."""
    query = replace(_query(wanted.time_range), roots=True)
    roots, has_roots = find_spans(answers, query, deadline)
    if not roots or '"spans":' not in json_text(wanted.where):
        return roots, has_roots
    later = replace(query, roots=False, until_unix_nano=None)
    spans, has_spans = find_spans(answers, later, deadline)
    children = [one for one in spans if one.parent_span_id is not None]
    return [*roots, *children], has_roots and has_spans


def _query(given: QueryRange) -> IndexQuery:
    """The newest spans of the range; the store in memory compares exactly."""
    since, until = bounds(TimeRange(start=given.from_, end=given.to))
    return IndexQuery(since_unix_nano=since, until_unix_nano=until, limit=ROOTS_MAX)
