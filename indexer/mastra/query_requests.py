"""What queries of traces and of spans are asked with, as Mastra defines it, and checked."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError

from indexer.mastra.list_arguments import PAGE_SPANS_MAX, Pagination
from indexer.mastra.query_fields import camel, moment
from indexer.mastra.query_issues import CallIssue, refusal
from indexer.mastra.records import Record

M = TypeVar("M", bound="Strict")
R = TypeVar("R", bound="Ranged")
RANGE_MAX = timedelta(days=31)
"""Of a query of traces or of spans, as Mastra defines it."""
PAGE_MAX = 1_000
"""Rows of one page, as Mastra defines it."""
CURSOR_CHARS_MAX = 8_192
"""Mastra's own limit."""
DELTA_DEFAULT = 10
"""Traces of one delta, as Mastra's lists have them."""


class Strict(Record):
    """A part of a request, in which a member that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class QueryRange(Strict):
    """A time range, its end excluded."""

    from_: Annotated[datetime, BeforeValidator(moment)] = Field(alias="from")
    to: Annotated[datetime, BeforeValidator(moment)]


class QueryOrder(Strict):
    """By which time; rows with the same one are in the order of their IDs."""

    field: Literal["startedAt", "endedAt"] = "startedAt"
    direction: Literal["asc", "desc"] = "desc"


class QueryPage(Strict):
    """How many rows, and after which."""

    limit: int = Field(default=100, ge=1, le=PAGE_MAX)
    after: str | None = Field(default=None, min_length=1, max_length=CURSOR_CHARS_MAX)


class QueryGroup(Strict):
    """Threads in place of traces."""

    by: tuple[Literal["threadId"]]


class Ranged(Strict):
    """What all questions about traces have."""

    time_range: QueryRange


class Request(Ranged):
    """What all queries have."""

    where: Any = None
    """A predicate, which is checked as it becomes SQL."""


class SpanQuery(Request):
    """Spans that have ended, whatever trace they are of."""

    order_by: list[QueryOrder] = Field(default=[QueryOrder()], min_length=1, max_length=1)
    page: QueryPage = QueryPage()


class ThreadQuery(Strict):
    """Threads of those traces that are selected."""

    traces: Request
    where: Any = None
    """A predicate on the traces of a thread, which is checked as it becomes SQL."""
    page: QueryPage = QueryPage()


class TraceQuery(Request):
    """Traces whose root has ended."""

    order_by: list[QueryOrder] | None = Field(default=None, min_length=1, max_length=1)
    page: QueryPage | None = None
    pagination: Pagination | None = None
    group: QueryGroup | None = None
    mode: Literal["delta"] | None = None
    after: str | None = None
    limit: int | None = Field(default=None, ge=1, le=PAGE_SPANS_MAX)


def parsed(model: type[R], given: Any, range_max: timedelta = RANGE_MAX) -> R:
    """The request. Raises InvalidMastraCall with all issues of its shape."""
    request = _shaped(model, given)
    if issues := _range_issues(request.time_range, range_max):
        raise refusal(issues)
    return request


def thread_query(given: Any) -> ThreadQuery:
    """The same of a query of threads."""
    request = _shaped(ThreadQuery, given)
    if issues := _range_issues(request.traces.time_range, RANGE_MAX, ("traces",)):
        raise refusal(issues)
    return request


def trace_query_issues(request: TraceQuery) -> list[CallIssue]:
    """What does not go together in a query of traces."""
    issues = []
    if request.page is not None and request.pagination is not None:
        message = "expected page or pagination, not both"
        issues.append(CallIssue("pagination_mode_conflict", ("pagination",), message))
    if request.group is not None and request.pagination is not None:
        message = "groups are paged by cursor"
        issues.append(CallIssue("group_pagination_not_supported", ("pagination",), message))
    if request.group is not None and request.order_by is not None:
        message = "groups are in the order of their thread"
        issues.append(CallIssue("group_order_not_supported", ("orderBy",), message))
    is_delta = request.mode == "delta"
    others = ("page", "pagination", "group", "order_by") if is_delta else ("after", "limit")
    message = "cannot be used in mode delta" if is_delta else "is of mode delta"
    return issues + [
        CallIssue("invalid_request", (camel(name),), f"{camel(name)} {message}")
        for name in others
        if getattr(request, name) is not None
    ]


def _shaped(model: type[M], given: Any) -> M:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise refusal([_issue(one) for one in error.errors(include_url=False)]) from None


def _range_issues(
    given: QueryRange, range_max: timedelta, where: tuple[str, ...] = ()
) -> list[CallIssue]:
    path = (*where, "timeRange")
    if given.from_ >= given.to:
        return [CallIssue("invalid_time_range", path, "expected from to be before to")]
    if given.to - given.from_ > range_max:
        message = f"expected a range of up to {range_max.days} days"
        return [CallIssue("time_range_too_large", path, message)]
    return []


def _issue(error: Any) -> CallIssue:
    return CallIssue("invalid_request", tuple(error["loc"]), str(error["msg"]))
