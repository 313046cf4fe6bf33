"""What aggregates of traces are asked with, as Mastra defines it, and its limits."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from indexer.mastra.predicates import METADATA, plain_path
from indexer.mastra.query_issues import CallIssue, refusal
from indexer.mastra.query_requests import Request, Strict, parsed

RANGE_MAX = timedelta(days=365)
"""As Mastra defines it, like the limits below."""
DIMENSIONS_MAX = 2
GROUPS_MAX = 1_000
BUCKETS_MAX = 1_000
ROWS_MAX = 10_000
"""Groups times buckets."""
INTERVALS = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}
DIMENSIONS = {
    "entityType": "r.entity_type",
    "entityName": "r.entity_name",
    "environment": "r.environment",
    "status": "CASE WHEN r.error IS NOT NULL THEN 'error' ELSE 'success' END",
    "serviceName": "r.service_name",
    "executionSource": "r.source",
    "threadId": "r.thread_id",
    "resourceId": "r.resource_id",
    "userId": "r.user_id",
    "sessionId": "r.session_id",
    "organizationId": "r.organization_id",
    "experimentId": "r.experiment_id",
}
"""Columns of a root that traces are grouped by."""
DISTINCT = "countDistinct."
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AggregateOrder(Strict):
    """By a measure that is asked for, by ``count``, or by a dimension."""

    field: str = Field(default="count", min_length=1)
    direction: Literal["asc", "desc"] = "desc"


class TraceAggregate(Request):
    """Groups of traces, and what is measured of each."""

    group_by: list[str] = Field(default=[], max_length=DIMENSIONS_MAX)
    interval: Literal["1m", "5m", "15m", "1h", "1d"] | None = None
    measures: list[str] = Field(min_length=1, max_length=100)
    having: Any = None
    order_by: AggregateOrder = AggregateOrder()
    limit: int = Field(default=100, ge=1, le=GROUPS_MAX)


def aggregate_request(given: Any) -> TraceAggregate:
    """The request, with plain names. Raises InvalidMastraCall with all that is wrong with it."""
    request = parsed(TraceAggregate, given, RANGE_MAX)
    request.group_by = [plain_path(one) or one for one in request.group_by]
    request.measures = [plain_path(one) or one for one in request.measures]
    request.order_by.field = plain_path(request.order_by.field) or request.order_by.field
    issues = [
        *_distinct(request.group_by, "groupBy"),
        *_distinct(request.measures, "measures"),
        *_dimension_issues(request.group_by),
        *_bucket_issues(request),
    ]
    if issues:
        raise refusal(issues)
    return request


def is_dimension(name: str) -> bool:
    """Whether traces can be grouped by it."""
    key = name.removeprefix(METADATA)
    return name in DIMENSIONS or (name.startswith(METADATA) and bool(key) and "." not in key)


def _distinct(names: list[str], member: str) -> list[CallIssue]:
    if len(set(names)) == len(names):
        return []
    return [CallIssue("invalid_request", (member,), "expected each once")]


def _dimension_issues(names: list[str]) -> list[CallIssue]:
    return [
        CallIssue("field_not_allowed", ("groupBy", number), f"invalid dimension {name[:50]!r}")
        for number, name in enumerate(names)
        if not is_dimension(name)
    ]


def _bucket_issues(request: TraceAggregate) -> list[CallIssue]:
    if request.interval is None:
        return []
    buckets = _buckets(request, INTERVALS[request.interval])
    if buckets > BUCKETS_MAX:
        fits = [one for one, width in INTERVALS.items() if _buckets(request, width) <= BUCKETS_MAX]
        message = f"more than {BUCKETS_MAX:,} buckets: expected an interval from {fits[0]}"
        return [CallIssue("too_many_buckets", ("interval",), message)]
    if request.limit * buckets > ROWS_MAX:
        message = f"expected up to {ROWS_MAX:,} rows, limit times {buckets:,} buckets"
        return [CallIssue("too_many_rows", ("limit",), message)]
    return []


def _buckets(request: TraceAggregate, width: timedelta) -> int:
    """Aligned buckets that the range touches."""
    last = request.time_range.to - timedelta(microseconds=1)
    return (last - _EPOCH) // width - (request.time_range.from_ - _EPOCH) // width + 1
