"""Runs and executions found through the lists of spans, within a bound of spans that are read."""

from collections.abc import Iterator
from dataclasses import replace

from indexer.clients.junjo.evidence.runs import Identity, RunFilter, RunList
from indexer.clients.junjo.evidence.summaries import AGENT
from indexer.deferred_dataclass import dataclass
from indexer.query.answer import SpansAnswer
from indexer.query.answers import Answers
from indexer.query.deadline import Deadline
from indexer.query.find.condition_tree import AllOf, ServiceIs
from indexer.query.find.cursor import page_after
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.query.find.span_query import SpanQuery
from indexer.query.missing import LIST_BOUNDED, Missing
from indexer.query.span import Span

SPAN_TYPE = "junjo.span_type"
RUNTIME_ID = "junjo.executable_runtime_id"
PAGE_SPANS = 250
"""What one list of the front end may show at most."""
SPANS_READ_MAX = 1_000
"""Whose payload is read for one answer, whatever it holds: four pages."""


@dataclass(frozen=True, slots=True)
class FoundRuns:
    """Runs, the newest first, and the answer that they rest on."""

    runs: RunList
    answer: SpansAnswer


@dataclass(frozen=True, slots=True)
class FoundExecutions:
    """Spans that an identity names, and the answer that they rest on."""

    spans: list[Span]
    answer: SpansAnswer


def find_runs(answers: Answers, wanted: RunFilter, limit: int, deadline: Deadline) -> FoundRuns:
    """Up to ``limit`` runs of agents. Raises what ``Answers.spans`` does."""
    runs = RunList()
    pages: list[SpansAnswer] = []
    since = wanted.starts_unix_nano
    for page in _pages(answers, _typed(wanted.service_name, AGENT, since), deadline):
        pages.append(page)
        runs.add(page.spans, wanted)
        if len(runs.summaries) >= limit:
            break
    del runs.summaries[limit:]
    is_bounded = len(runs.summaries) < limit and pages[-1].next_cursor is not None
    return FoundRuns(runs, _joined(pages, is_bounded=is_bounded))


def find_executions(answers: Answers, identity: Identity, deadline: Deadline) -> FoundExecutions:
    """The spans of an execution, of which there is one. Raises what ``Answers.spans`` does.

    One that is asked for has mostly just ended, so the newest are looked at first; only then is
    the payload of the service's other spans searched, as far as one page of a search reads.
    """
    query = _typed(identity.service_name, identity.executable_type)
    pages = []
    for page in _pages(answers, query, deadline):
        pages.append(page)
        if found := identity.matching(page.spans):
            return FoundExecutions(found, _joined(pages, is_bounded=False))
    if pages[-1].next_cursor is None:
        return FoundExecutions([], _joined(pages, is_bounded=False))
    is_it = AttributeCondition(key=RUNTIME_ID, operator="=", value=identity.runtime_id)
    where = AllOf((ServiceIs(identity.service_name), is_it))
    older = answers.spans(SpanQuery(where=where, limit=PAGE_SPANS), deadline=deadline)
    found = identity.matching(older.spans)
    return FoundExecutions(found, _joined([older], is_bounded=older.next_cursor is not None))


def _typed(service: str, span_type: str, since_unix_nano: int | None = None) -> SpanQuery:
    return SpanQuery(
        service=service,
        attribute=SPAN_TYPE,
        value=span_type,
        since_unix_nano=since_unix_nano,
        limit=PAGE_SPANS,
    )


def _pages(answers: Answers, query: SpanQuery, deadline: Deadline) -> Iterator[SpansAnswer]:
    """Pages of a list, the newest first, up to the bound."""
    for _ in range(SPANS_READ_MAX // PAGE_SPANS):
        page = answers.spans(query, deadline=deadline)
        yield page
        if page.next_cursor is None:
            return
        query = page_after(query, page.next_cursor)


def _joined(pages: list[SpansAnswer], *, is_bounded: bool) -> SpansAnswer:
    """What several pages say of themselves, without their spans."""
    missing = dict.fromkeys(one for page in pages for one in page.completeness.missing)
    if is_bounded:
        detail = "spans that are older than those that were read may be meant"
        missing[Missing(reason=LIST_BOUNDED, detail=detail)] = None
    completeness = replace(pages[0].completeness, missing=tuple(missing))
    return replace(pages[-1], spans=(), next_cursor=None, completeness=completeness)
