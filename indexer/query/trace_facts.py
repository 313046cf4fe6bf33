"""The question for the facts of a trace: its summary, with as little payload read as will do."""

from collections.abc import Sequence

from indexer.errors import QueryTooLarge
from indexer.query.answer import SummaryAnswer
from indexer.query.answers import Answers
from indexer.query.deadline import Deadline
from indexer.query.find.trace_query import TraceQuery
from indexer.query.missing import Missing
from indexer.query.moment import OpenAnswer
from indexer.query.partial_spans import partial_spans
from indexer.query.payload import read_spans
from indexer.query.span import Span
from indexer.query.stages import find_spans
from indexer.query.trace_prefix import whole_trace_id
from indexer.query.trace_summary import first_failing, summarise

PAYLOAD_SPANS_MAX = 10_000
"""Of a trace whose attributes are read for its tokens: half a second to a second."""


def summarise_trace(
    answers: Answers, trace_id: str, deadline: Deadline | None = None
) -> SummaryAnswer:
    """The facts of a trace; raises InvalidId for an invalid or ambiguous trace ID.

    Of a trace that has more spans than may be read everything is known but its tokens.
    """
    query = TraceQuery.of(whole_trace_id(answers, trace_id, deadline))
    with answers.open(deadline, query) as opened:
        found = find_spans(query, opened.tiers)
        opened.account.begin_reading()
        spans, unread, missing = _with_payload(opened, found.spans)
        opened.account.end_reading()
        hot_spans = sum(span.source.tier == "hot" for span in spans)
        return SummaryAnswer(
            trace_id=query.trace_id,
            summary=summarise(spans),
            spans_unread=unread,
            completeness=opened.completeness_of(hot_spans, (*found.missing, *missing)),
            cost=opened.account.total(),
        )


def _with_payload(
    opened: OpenAnswer, spans: Sequence[Span]
) -> tuple[Sequence[Span], int, list[Missing]]:
    """(the spans, how many of them are without payload, what could not be read)."""
    if len(spans) <= PAYLOAD_SPANS_MAX:
        try:
            read = read_spans(opened.tiers.coldest_first, spans, opened.account)
        except QueryTooLarge:
            return spans, len(spans), []
        partial = partial_spans((one.source.path, one.omitted) for one in read.spans)
        return read.spans, 0, [*read.missing, *partial]
    failing = first_failing(spans)
    if failing is None:
        return spans, len(spans), []
    read = read_spans(opened.tiers.coldest_first, [failing], opened.account)
    (found,) = read.spans
    some = [found if span is failing else span for span in spans]
    return some, len(spans) - 1, list(read.missing)
