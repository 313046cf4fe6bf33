"""What a trace is, before anybody reads its spans: counts, times, what it waited for. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from heapq import nsmallest

from indexer.deferred_dataclass import dataclass
from indexer.query.critical_path import critical_path
from indexer.query.span import Span
from indexer.spans.shared_ids import Link, parents
from indexer.spans.trace_tree import children_of, depth_first

ERROR = 2
"""OTLP trace.proto, Status.StatusCode."""
SLOWEST = 5
"""Spans that are named as the slowest, and gaps as the longest."""
_INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")
_OUTPUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
)
_TOTAL = ("gen_ai.usage.total_tokens", "llm.token_count.total")
_COUNT_MAX = 2**63
Times = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCount:
    """Spans of one service in a trace."""

    service_name: str
    span_count: int
    error_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSpan:
    """A span that the trace waited for, and how long in all."""

    span: Span
    on_path_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time inside of a trace in which none of its spans was running."""

    start_time_unix_nano: int
    duration_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens of language models, as attributes say.

    A span counts only when nothing below it says tokens: an agent's span repeats its calls'.
    """

    input: int
    output: int
    total: int
    span_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSummary:
    """The facts of a trace. Times are those of spans whose start is known."""

    span_count: int
    error_count: int
    root_count: int
    """Spans without a parent."""
    orphan_count: int
    """Spans that name a parent which is not here."""
    start_time_unix_nano: int | None
    end_time_unix_nano: int | None
    root: Span | None
    """The earliest span without a parent."""
    services: Sequence[ServiceCount]
    """Those of the most spans first."""
    kinds: Mapping[int, int]
    """Spans by OTLP's number of their kind."""
    path: Sequence[PathSpan]
    """What the root, or else the earliest span, waited for; the longest first."""
    slowest: Sequence[Span]
    first_failing: Span | None
    """The failing span that ended first: most others fail because of it."""
    gaps: Sequence[Gap]
    """The longest first."""
    tokens: Tokens | None
    """None where no span says any."""


def summarise(spans: Sequence[Span]) -> TraceSummary:
    """The facts of spans in order of start; tokens need their payload."""
    tree = parents([Link(one.span_id, one.parent_span_id, one.span_kind) for one in spans])
    times = [known_times(span) for span in spans]
    held = [one for one in times if one is not None]
    starts = [span.start_time_unix_nano for span in spans if span.start_time_unix_nano]
    roots = [at for at, span in enumerate(spans) if span.parent_span_id is None]
    timed = [span for span in spans if _is_timed(span)]
    return TraceSummary(
        span_count=len(spans),
        error_count=sum(span.status_code == ERROR for span in spans),
        root_count=len(roots),
        orphan_count=sum(
            parent is None and span.parent_span_id is not None
            for parent, span in zip(tree, spans, strict=True)
        ),
        start_time_unix_nano=min(starts, default=None),
        end_time_unix_nano=max((end for _, end in held), default=None),
        root=spans[roots[0]] if roots else None,
        services=_services(spans),
        kinds=dict(sorted(Counter(span.span_kind for span in spans).items())),
        path=_path(spans, times, tree, roots[0] if roots else 0) if spans else (),
        slowest=nsmallest(SLOWEST, timed, key=lambda one: -one.duration_ns),
        first_failing=first_failing(spans),
        gaps=gaps(held),
        tokens=_tokens(spans, tree),
    )


def known_times(span: Span) -> Times | None:
    """(start, end); None where one is unknown, or the end is before the start."""
    start, took = span.start_time_unix_nano, span.duration_ns
    return (start, start + took) if took >= 0 and _is_timed(span) else None


def first_failing(spans: Sequence[Span]) -> Span | None:
    """The failing span that ended first; None where none fails."""
    failing = (span for span in spans if span.status_code == ERROR)
    return min(failing, key=_ended, default=None)


def gaps(times: Sequence[Times]) -> list[Gap]:
    """What is between the times, the longest first."""
    found: list[Gap] = []
    reached: int | None = None
    for start, end in sorted(times):
        if reached is not None and start > reached:
            found.append(Gap(start_time_unix_nano=reached, duration_ns=start - reached))
        reached = end if reached is None else max(reached, end)
    return sorted(found, key=lambda one: (-one.duration_ns, one.start_time_unix_nano))


def _services(spans: Sequence[Span]) -> list[ServiceCount]:
    errors = Counter(span.service_name for span in spans if span.status_code == ERROR)
    counted = Counter(span.service_name for span in spans)
    found = [
        ServiceCount(service_name=name, span_count=count, error_count=errors[name])
        for name, count in counted.items()
    ]
    return sorted(found, key=lambda one: (-one.span_count, one.service_name))


def _path(
    spans: Sequence[Span],
    times: Sequence[Times | None],
    tree: Sequence[int | None],
    root: int,
) -> list[PathSpan]:
    on_path: Counter[int] = Counter()
    for segment in critical_path(times, children_of(tree), root):
        on_path[segment.position] += segment.duration_ns
    found = [PathSpan(span=spans[at], on_path_ns=length) for at, length in on_path.items()]
    return sorted(found, key=lambda one: -one.on_path_ns)


def _is_timed(span: Span) -> bool:
    """Whether start and end are known: of each of 200,000 spans, so without properties."""
    start = span.start_time_unix_nano
    return start != 0 and start + span.duration_ns != 0


def _ended(span: Span) -> tuple[int, int]:
    return span.end_time_unix_nano or span.start_time_unix_nano, span.start_time_unix_nano


def _tokens(spans: Sequence[Span], tree: Sequence[int | None]) -> Tokens | None:
    said = [_tokens_of(span) for span in spans]
    if not any(said):
        return None
    has_below = [False] * len(spans)
    for _, at in reversed(list(depth_first(tree))):
        parent = tree[at]
        if parent is not None and (has_below[at] or said[at] is not None):
            has_below[parent] = True
    counted = [one for one, below in zip(said, has_below, strict=True) if one and not below]
    if not counted:
        return None
    return Tokens(
        input=sum(one[0] for one in counted),
        output=sum(one[1] for one in counted),
        total=sum(one[2] for one in counted),
        span_count=len(counted),
    )


def _tokens_of(span: Span) -> tuple[int, int, int] | None:
    """(input, output, total) of one span; None where it says none."""
    attributes = None if span.payload is None else span.payload.attributes
    if not isinstance(attributes, dict):
        return None
    sent, received, total = (
        next((count for name in names if (count := _count(attributes.get(name))) is not None), None)
        for names in (_INPUT, _OUTPUT, _TOTAL)
    )
    if (sent, received, total) == (None, None, None):
        return None
    both = (sent or 0) + (received or 0)
    return sent or 0, received or 0, both if total is None else total


def _count(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return value if is_count and isinstance(value, int) and 0 <= value < _COUNT_MAX else None
