"""Arguments of lists, as Mastra defines them: filters, pages, order, and the delta mode."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from indexer.mastra.records import Record, utc

PAGE_SPANS_MAX = 100
"""Mastra's own limit of a page."""
_Moment = Annotated[datetime, AfterValidator(utc)]


class TimeRange(Record):
    """A span of time, with its ends unless they are exclusive."""

    start: _Moment | None = None
    end: _Moment | None = None
    start_exclusive: bool = False
    end_exclusive: bool = False


class SpanFilters(Record):
    """Conditions that all have to hold; one that is null or empty is none."""

    started_at: TimeRange | None = None
    ended_at: TimeRange | None = None
    """A span that has not ended is in no range."""
    span_type: str | None = None
    trace_id: str | None = None
    entity_type: str | None = None
    entity_id: str | None = None
    entity_name: str | None = None
    parent_entity_type: str | None = None
    parent_entity_id: str | None = None
    parent_entity_name: str | None = None
    root_entity_type: str | None = None
    root_entity_id: str | None = None
    root_entity_name: str | None = None
    entity_version_id: str | None = None
    parent_entity_version_id: str | None = None
    root_entity_version_id: str | None = None
    user_id: str | None = None
    organization_id: str | None = None
    resource_id: str | None = None
    run_id: str | None = None
    session_id: str | None = None
    thread_id: str | None = None
    request_id: str | None = None
    environment: str | None = None
    source: str | None = None
    service_name: str | None = None
    experiment_id: str | None = None
    metadata: dict[str, Any] | None = None
    """Each member has to be there with this value, compared as a whole and with its type."""
    scope: dict[str, Any] | None = None
    tags: list[str] | None = None
    """All of them have to be there."""
    status: Literal["success", "error", "running"] | None = None


class TraceFilters(SpanFilters):
    """The same of roots of traces."""

    has_child_error: bool | None = None
    """Whether a span of the trace other than the root failed."""


class Pagination(Record):
    """Which page of a list."""

    page: int = Field(default=0, ge=0)
    per_page: int = Field(default=10, ge=1, le=PAGE_SPANS_MAX)


class OrderBy(Record):
    """By which time; what has not ended counts as ending last."""

    field: Literal["startedAt", "endedAt"] = "startedAt"
    direction: Literal["ASC", "DESC"] = "DESC"


class ListArguments(Record):
    """What all lists take beside their filters; anything else is refused."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["page", "delta"] = "page"
    """A page of all, or what has been listed newly after a cursor."""
    pagination: Pagination = Field(default_factory=Pagination)
    order_by: OrderBy = Field(default_factory=OrderBy)
    after: str | None = None
    limit: int = Field(default=10, ge=1, le=PAGE_SPANS_MAX)

    @model_validator(mode="after")
    def _of_one_mode(self) -> Self:
        others = {"page": {"after", "limit"}, "delta": {"pagination", "order_by"}}[self.mode]
        if excess := sorted(others & self.model_fields_set):
            raise ValueError(f"{', '.join(excess)} cannot be used in mode {self.mode!r}")
        return self


class ListTraces(ListArguments):
    """Arguments of ``list_traces`` and ``list_traces_light``."""

    filters: TraceFilters = Field(default_factory=TraceFilters)


class ListBranches(ListArguments):
    """Arguments of ``list_branches``."""

    filters: SpanFilters = Field(default_factory=SpanFilters)
