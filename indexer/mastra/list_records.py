"""What lists answer."""

from typing import Any, Literal

from indexer.mastra.records import LightSpan, Record, SpanRecord

SpanStatus = Literal["success", "error", "running"]


class TraceSpan(SpanRecord):
    """A span of a list."""

    status: SpanStatus


class LightTraceSpan(LightSpan):
    """The same without what can be large."""

    status: SpanStatus
    metadata: dict[str, Any] | None
    input_preview: str | None
    """What the user said, at most a hundred characters of it."""


class PageInfo(Record):
    """Where in the whole list a page is."""

    total: int
    page: int
    per_page: int
    has_more: bool


class DeltaInfo(Record):
    """Whether more has been listed newly than the answer has."""

    limit: int
    has_more: bool


class ListAnswer(Record):
    """Where the spans of an answer are in their list, and where to ask for newer ones."""

    pagination: PageInfo | None = None
    """In mode ``page``."""
    delta: DeltaInfo | None = None
    """In mode ``delta``."""
    delta_cursor: str


class TraceList(ListAnswer):
    """Roots of traces."""

    spans: list[TraceSpan]


class LightTraceList(ListAnswer):
    """The same without what can be large."""

    spans: list[LightTraceSpan]


class BranchList(ListAnswer):
    """Spans that branches begin with."""

    branches: list[TraceSpan]
