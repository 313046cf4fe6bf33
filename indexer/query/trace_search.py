"""Traces with a span that is searched for: each once, with what the whole trace is.

A trace stands in the list where its first matching span stands in the list of spans: the newest
one, or the slowest. So a page begins at a place among spans, and a trace of which a matching span
is before that place has been on an earlier page.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace

from indexer.deferred_dataclass import dataclass
from indexer.errors import QueryRefused
from indexer.query.answer import TraceFound, TracesAnswer
from indexer.query.answers import Answers
from indexer.query.deadline import Deadline
from indexer.query.find.cursor import cursor_at
from indexer.query.find.span_query import LIMIT_MAX, Position, SpanQuery
from indexer.query.find.trace_totals import TraceTotals, count_traces
from indexer.query.limits import TRACES_MAX
from indexer.query.missing import Missing
from indexer.query.moment import OpenAnswer
from indexer.query.span import Span
from indexer.query.stages import find_spans
from indexer.query.tiers.beside_index import beside_index
from indexer.query.tiers.tier import Candidates

MATCHES_MAX = 1_000
"""Matching spans of one trace that are counted where many of a page's match."""
_SPANS_PER_TRACE = 4
"""Spans that are looked at for each trace that a page has room for, at a time."""
_STEPS_MAX = 16
"""Of one page: traces with very many matching spans make it end early."""


def search_traces(
    answers: Answers, query: SpanQuery, deadline: Deadline | None = None
) -> TracesAnswer:
    """One page; ``query`` says which spans match, and has the page's limit and place.

    Raises QueryRefused for a page of too many traces, and like ``Answers.spans``.
    """
    if query.limit > TRACES_MAX:
        raise QueryRefused(
            f"limit is {query.limit}, expected 1 to {TRACES_MAX} traces",
            hint="Use the cursor of the previous page to go on.",
        )
    with answers.open(deadline, query) as opened:
        query = opened.of_first_page(query)
        page = _Page(opened=opened, query=query, reached=query.after)
        page.fill()
        totals = _totals(opened, page.found)
        traces = [_trace(totals[one], matches) for one, matches in page.found.items()]
        hot_spans = sum(span.source.tier == "hot" for some in page.found.values() for span in some)
        missing = tuple(dict.fromkeys(page.missing))
        opened.account.files_left = page.files_left
        next_place = page.reached if page.has_more else None
        return TracesAnswer(
            traces=traces,
            next_cursor=None if next_place is None else cursor_at(query, next_place, "traces"),
            completeness=opened.completeness_of_page(query, hot_spans, missing),
            cost=opened.account.total(),
        )


@dataclass(slots=True, kw_only=True)
class _Page:
    """A page that is being filled."""

    opened: OpenAnswer
    query: SpanQuery
    reached: Position | None
    """The last span that was looked at."""
    found: dict[str, Sequence[Span]] = field(default_factory=dict)
    """The matching spans of each trace, in the order of the list."""
    missing: list[Missing] = field(default_factory=list)
    has_more: bool = True
    files_left: int = 0

    def fill(self) -> None:
        """Go on among spans until there is a trace more than the page has, or no span."""
        size = min(_SPANS_PER_TRACE * self.query.limit, LIMIT_MAX)
        for _ in range(_STEPS_MAX):
            step = replace(self.query, limit=size, after=self.reached)
            candidates = self._find(step)
            spans = candidates.spans[step.page]
            if not self._take(spans):
                return
            if len(candidates.spans) < step.count:
                self.files_left = candidates.files_left
                self.has_more = candidates.undecided_from is not None
                self.reached = candidates.undecided_from or self.reached
                return

    def _find(self, query: SpanQuery) -> Candidates:
        self.opened.moment.deadline.check()
        candidates = find_spans(query, self.opened.tiers)
        self.missing += candidates.missing
        return candidates

    def _take(self, spans: Sequence[Span]) -> bool:
        """Whether there was room for every trace of them."""
        new = [
            one for one in dict.fromkeys(span.trace_id for span in spans) if one not in self.found
        ]
        matches = self._matches(new) if new else {}
        passed: set[str] = set()
        for span in spans:
            if span.trace_id not in self.found and span.trace_id not in passed:
                held = matches.get(span.trace_id) or [span]
                if self.query.order(held[0]) < self.query.order(span):
                    passed.add(span.trace_id)
                elif len(self.found) == self.query.limit:
                    return False
                else:
                    self.found[span.trace_id] = held
            self.reached = self.query.position(span)
        return True

    def _matches(self, trace_ids: Collection[str]) -> Mapping[str, Sequence[Span]]:
        """All matching spans of these traces, in the order of the list."""
        whole = replace(self.query, trace_ids=frozenset(trace_ids), after=None, limit=LIMIT_MAX)
        found = self._all(whole)
        if len(found) < whole.count:
            return _by_trace(found)
        each = [
            self._all(replace(whole, trace_ids=frozenset([one]), limit=MATCHES_MAX))
            for one in trace_ids
        ]
        return _by_trace(span for some in each for span in some[:MATCHES_MAX])

    def _all(self, query: SpanQuery) -> list[Span]:
        """The first ``query.count``, whatever they cost: which page a trace is on rests on them.

        They are in files of these traces alone.
        """
        found: list[Span] = []
        place: Position | None = None
        while True:
            candidates = self._find(replace(query, after=place))
            found += candidates.spans
            place = candidates.undecided_from
            if place is None or len(found) >= query.count:
                return found[: query.count]


def _by_trace(spans: Iterable[Span]) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = {}
    for span in spans:
        found.setdefault(span.trace_id, []).append(span)
    return found


def _totals(opened: OpenAnswer, trace_ids: Collection[str]) -> Mapping[str, TraceTotals]:
    beside = beside_index(opened.tiers)
    directory = opened.tiers.indexed.directory
    return count_traces(opened.cursor, directory, trace_ids, beside.added, beside.replaced)


def _trace(totals: TraceTotals, matches: Sequence[Span]) -> TraceFound:
    root = None if totals.root is None else totals.root[0][3]
    return TraceFound(
        trace_id=totals.trace_id,
        root_service_name=None if totals.root is None else totals.root[1],
        root_name=root,
        start_time_unix_nano=totals.start_time_unix_nano,
        end_time_unix_nano=totals.end_time_unix_nano,
        span_counts=dict(sorted(totals.span_counts.items())),
        error_counts=totals.error_counts,
        matches=matches,
    )
