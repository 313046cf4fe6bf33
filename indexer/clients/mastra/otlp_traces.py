"""What Mastra's routes answer of the store, and of spans that came over OTLP alone.

These are where all spans are that came over OTLP. Of a span that was published as well its record
in the store counts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from indexer.clients.mastra.door import MastraDoor
from indexer.clients.mastra.exported_spans import span_record
from indexer.errors import IndexerError, InvalidId, QueryRefused
from indexer.mastra.list_arguments import ListBranches, ListTraces, TimeRange
from indexer.mastra.list_records import BranchList, LightTraceList, TraceList
from indexer.mastra.merged_lists import merged_list
from indexer.mastra.otlp_records import SPAN_TYPE, OtlpSpan, record_of_otlp
from indexer.mastra.records import LightSpan, LightTrace, SpanRecord, Trace
from indexer.mastra.span_reads import below, stored_keys
from indexer.mastra.sync_store import SyncObservability
from indexer.query.answers import Answers
from indexer.query.deadline import ENDED, Deadline
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.query.find.span_conditions import SpanConditions
from indexer.query.find.span_query import SpanQuery
from indexer.query.span import Span

L = TypeVar("L", TraceList, LightTraceList, BranchList)
W = TypeVar("W", ListTraces, ListBranches)
ListCall = Callable[[SyncObservability, ListTraces], L]
Sent = tuple[list[SpanRecord], bool]
"""Spans that came over OTLP, and whether there are no others."""

ROOTS_MAX = 300
"""Newest roots or spans that a list looks at, and failed spans beside roots: their payload is
read."""
_PROMOTED = (SPAN_TYPE, "gen_ai.operation.name")
"""Attributes that each span of the exporter has: with one of them promoted no file is searched."""
_ERROR = 2


def list_with_sent(
    door: MastraDoor, call: ListCall[L], wanted: ListTraces, deadline: Deadline
) -> tuple[L, bool]:
    """One page of traces, and whether it has considered every one that there is.

    What is listed newly after a cursor is of published traces alone.
    """
    return _merged(door, call, wanted, lambda answers: _sent_roots(answers, wanted, deadline))


def branches_with_sent(
    door: MastraDoor, wanted: ListBranches, deadline: Deadline
) -> tuple[BranchList, bool]:
    """The same of spans that branches begin with, among the newest that came over OTLP."""
    since, until = bounds(wanted.filters.started_at)
    query = SpanQuery(since_unix_nano=since, until_unix_nano=until, limit=ROOTS_MAX)
    call = SyncObservability.list_branches
    return _merged(door, call, wanted, lambda answers: find_spans(answers, query, deadline))


def newest_sent(door: MastraDoor, deadline: Deadline) -> Sent:
    """The newest spans that came over OTLP, published ones too; none where the index cannot say."""
    query = SpanQuery(limit=ROOTS_MAX)
    return of_index(door, lambda answers: find_spans(answers, query, deadline))


def whole_trace(door: MastraDoor, trace_id: str, deadline: Deadline) -> Trace | None:
    """All spans of a trace by start; None when there are none."""
    published = door.store.observability.get_trace(trace_id)
    try:
        sent = _sent_trace(door, trace_id, deadline)
    except ENDED:
        raise
    except IndexerError:
        if published is None:
            raise
        return published
    if not sent:
        return published
    stored = [] if published is None else published.spans
    known = {one.span_id for one in stored}
    every = [*stored, *(one for one in sent if one.span_id not in known)]
    every.sort(key=lambda one: one.started_at)
    return Trace(trace_id=every[0].trace_id, spans=every)


def light_trace(door: MastraDoor, trace_id: str, deadline: Deadline) -> LightTrace | None:
    """The same without what can be large."""
    if door.answers is None:
        return door.store.observability.get_structure(trace_id)
    found = whole_trace(door, trace_id, deadline)
    if found is None:
        return None
    names = LightSpan.model_fields
    spans = [
        LightSpan.model_construct(**{name: getattr(one, name) for name in names})
        for one in found.spans
    ]
    return LightTrace(trace_id=found.trace_id, spans=spans)


def one_span(
    door: MastraDoor, trace_id: str, span_id: str, deadline: Deadline
) -> SpanRecord | None:
    """One span; None when there is none."""
    found = door.store.observability.get_span(trace_id, span_id)
    if found is not None:
        return found
    sent = _sent_trace(door, trace_id, deadline)
    return next((one for one in sent if one.span_id == span_id), None)


def branch_of(
    door: MastraDoor, trace_id: str, span_id: str, depth: int | None, deadline: Deadline
) -> Trace | None:
    """A span with all below it, or ``depth`` levels of it; None when it is not there."""
    if door.answers is None:
        return door.store.observability.get_branch(trace_id, span_id, depth)
    found = whole_trace(door, trace_id, deadline)
    wanted = set() if found is None else set(below(found.spans, span_id, depth))
    if found is None or not wanted:
        return None
    spans = [one for one in found.spans if one.span_id in wanted]
    return Trace(trace_id=found.trace_id, spans=spans)


def _merged(
    door: MastraDoor,
    call: Callable[[SyncObservability, W], L],
    wanted: W,
    find: Callable[[Answers], Sent],
) -> tuple[L, bool]:
    store = door.store.observability
    if wanted.mode != "page":
        return call(store, wanted), True
    sent, is_whole = of_index(door, find)
    left = not_published(door, sent)
    return (merged_list(call, store, left, wanted) if left else call(store, wanted)), is_whole


def of_index(door: MastraDoor, find: Callable[[Answers], Sent]) -> Sent:
    """What is found there; the store answers all the same where the index cannot."""
    if door.answers is None:
        return [], True
    try:
        return find(_of_otlp(door.answers))
    except ENDED:
        raise
    except IndexerError:
        return [], False


def _sent_trace(door: MastraDoor, trace_id: str, deadline: Deadline) -> list[SpanRecord]:
    """Those of one trace that came over OTLP; none for an ID that OpenTelemetry does not have."""
    if door.answers is None:
        return []
    try:
        return _records(_of_otlp(door.answers).trace(trace_id, deadline).spans)
    except InvalidId:
        return []


def _sent_roots(answers: Answers, wanted: ListTraces, deadline: Deadline) -> Sent:
    """The newest roots in the range of starts, failed spans too where the list asks for these."""
    since, until = bounds(wanted.filters.started_at)
    query = SpanQuery(roots=True, since_unix_nano=since, until_unix_nano=until, limit=ROOTS_MAX)
    roots, is_whole = find_spans(answers, query, deadline)
    if wanted.filters.has_child_error is None or not roots:
        return roots, is_whole
    failed = replace(query, roots=False, conditions=SpanConditions(status_code=_ERROR))
    spans, has_all = find_spans(answers, failed, deadline)
    children = [one for one in spans if one.parent_span_id is not None]
    return [*roots, *children], is_whole and has_all


def find_spans(answers: Answers, query: SpanQuery, deadline: Deadline) -> Sent:
    """Those of a list of the index that Mastra's exporter has sent."""
    for key in _PROMOTED:
        try:
            found = answers.spans(replace(query, attribute=key), deadline=deadline)
            break
        except QueryRefused:
            continue
    else:
        where = AttributeCondition(owner="span", key=SPAN_TYPE)
        found = answers.spans(replace(query, where=where), deadline=deadline)
    return _records(found.spans), found.next_cursor is None and found.completeness.is_complete


def not_published(door: MastraDoor, sent: Sequence[SpanRecord]) -> list[SpanRecord]:
    """Those of the spans that the store has not."""
    if not sent:
        return []
    known = stored_keys(door.store.database, [(one.trace_id, one.span_id) for one in sent])
    return [one for one in sent if (one.trace_id, one.span_id) not in known]


def _of_otlp(answers: Callable[[], Answers]) -> Answers:
    return replace(answers(), published=None)


def _records(spans: Iterable[Span]) -> list[SpanRecord]:
    """Of the spans that Mastra's exporter has sent."""
    found = []
    for span in spans:
        given = record_of_otlp(_otlp_span(span))
        if given is not None:
            arrived = given["endedAt"] or given["startedAt"]
            found.append(SpanRecord.model_validate({**span_record(given), "createdAt": arrived}))
    return found


def _otlp_span(span: Span) -> OtlpSpan:
    payload = span.payload
    attributes = None if payload is None else payload.attributes
    events = None if payload is None else payload.events
    return OtlpSpan(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        service_name=span.service_name,
        name=span.name,
        start_unix_nano=span.start_time_unix_nano,
        end_unix_nano=span.end_time_unix_nano,
        status_code=span.status_code,
        status_message=None if payload is None else payload.status_message,
        attributes=attributes if isinstance(attributes, Mapping) else {},
        events=events if isinstance(events, list) else (),
    )


def bounds(asked: TimeRange | None) -> tuple[int | None, int | None]:
    """Nanoseconds since 1970 that hold the range; the list compares exactly."""
    if asked is None:
        return None, None
    since = None if asked.start is None else max(_micros(asked.start), 0) * 1_000
    until = None if asked.end is None else (_micros(asked.end) + 1) * 1_000
    limit = (1 << 63) - 1
    return since and min(since, limit), until and max(0, min(until, limit))


def _micros(moment: datetime) -> int:
    from_1970 = moment - datetime(1970, 1, 1, tzinfo=moment.tzinfo)
    return (from_1970.days * 86_400 + from_1970.seconds) * 1_000_000 + from_1970.microseconds
