"""What queries of traces and of spans answer, as Mastra defines it."""

from datetime import datetime
from typing import Any, Literal

from indexer.mastra.list_records import DeltaInfo, PageInfo
from indexer.mastra.records import Record

EndedStatus = Literal["success", "error"]


class NextPage(Record):
    """Where to go on; None after the last row."""

    next: str | None


class QueriedTrace(Record):
    """A trace as its root says."""

    trace_id: str
    root_span_id: str
    name: str
    entity_id: str | None
    parent_span_id: str | None
    created_at: datetime
    metadata: dict[str, Any] | None
    input_preview: str | None
    thread_id: str | None
    resource_id: str | None
    started_at: datetime
    ended_at: datetime
    entity_name: str | None
    entity_type: str | None
    environment: str | None
    status: EndedStatus


class QueriedTraces(Record):
    """A page of traces by a cursor."""

    traces: list[QueriedTrace]
    page: NextPage


class NumberedTraces(Record):
    """A page of traces by its number."""

    traces: list[QueriedTrace]
    pagination: PageInfo
    delta_cursor: str


class DeltaTraces(Record):
    """Traces that were created or updated after a cursor."""

    traces: list[QueriedTrace]
    delta: DeltaInfo
    delta_cursor: str


class ThreadId(Record):
    """A thread that has a trace."""

    thread_id: str


class GroupedThreads(Record):
    """A page of threads that traces are grouped by."""

    groups: list[ThreadId]
    page: NextPage


class QueriedThreads(Record):
    """A page of threads."""

    threads: list[ThreadId]
    page: NextPage


class QueriedSpan(Record):
    """A span without what can be large."""

    organization_id: str | None
    resource_id: str | None
    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    span_type: str
    status: EndedStatus
    started_at: datetime
    ended_at: datetime
    duration_ms: float
    entity_type: str | None
    entity_id: str | None
    entity_name: str | None
    model: str | None
    provider: str | None
    input_preview: str | None
    """The first 256 characters of its JSON."""
    input_truncated: bool
    output_preview: str | None
    output_truncated: bool
    cost: dict[str, Any]
    """``state`` is available, with ``amount`` and ``currency``, or missing, or unavailable."""


class QueriedSpans(Record):
    """A page of spans."""

    spans: list[QueriedSpan]
    page: NextPage
