"""The bodies of the API, for its OpenAPI description: what ``answer_json`` makes of an answer."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_JSON = "As JSON; text that is not JSON, as it is stored; null where its file has no such column."
_COUNT = "What the sender had dropped, as it said; null where it did not."
_NANOS = "Nanoseconds since 1970, exact: read it as an integer of 64 bits."


class CanonicalSpan(BaseModel):
    """Everything that is known of a span, the same whichever tier and whatever file it is from."""

    model_config = ConfigDict(extra="forbid")

    trace_id: str = Field(pattern="^[0-9a-f]{32}$")
    span_id: str = Field(pattern="^[0-9a-f]{16}$")
    parent_span_id: str | None
    service_name: str
    name: str
    start_time_unix_nano: int = Field(description=_NANOS)
    end_time_unix_nano: int | None = Field(description=_NANOS)
    duration_ns: int | None
    status_code: int = Field(description="0 unset, 1 ok, 2 error.")
    span_kind: int = Field(description="OTLP's number: 1 internal, 2 server, 3 client.")
    status_message: str | None = None
    attributes: Any = Field(None, description=_JSON)
    events: Any = Field(None, description=_JSON)
    links: Any = Field(None, description=_JSON)
    resource_attributes: Any = Field(None, description=_JSON)
    trace_state: str | None = None
    flags: int | None = None
    dropped_attributes_count: int | None = Field(None, description=_COUNT)
    dropped_events_count: int | None = Field(None, description=_COUNT)
    dropped_links_count: int | None = Field(None, description=_COUNT)
    resource_dropped_attributes_count: int | None = Field(None, description=_COUNT)
    scope_name: str | None = None
    scope_version: str | None = None
    scope_attributes: Any = Field(None, description=_JSON)
    omitted: dict[str, int] | None = Field(
        None, description="What this answer leaves out of a span that is beyond the limits of one."
    )
    file_path: str | None = Field(description="Null of a span that is in no file yet.")
    file_row_number: int | None


class MissingPart(BaseModel):
    """One thing that an answer lacks; the reasons are on the page of completeness."""

    model_config = ConfigDict(extra="forbid")

    error_type: str
    detail: str
    file_path: str | None = None
    files: int | None = None


class HotTierShare(BaseModel):
    """What the hot tier has to do with the answer."""

    model_config = ConfigDict(extra="forbid")

    reachable: bool
    source: Literal["incremental", "snapshot", "stream"] | None
    spans: int


class AnswerCost(BaseModel):
    """What the answer cost."""

    model_config = ConfigDict(extra="forbid")

    files_read: int
    bytes_read: int
    files_left: int = Field(
        description="Files that a search has not looked into and its next page will; 0 at its end."
    )
    index_ms: float
    payload_ms: float


class Answered(BaseModel):
    """What every answer says of itself."""

    model_config = ConfigDict(extra="forbid")

    as_of: int | None = Field(description="Null without a hot tier that answers. " + _NANOS)
    complete: bool = Field(
        description="Whether every span acknowledged before `as_of` is considered."
    )
    missing: list[MissingPart]
    hot: HotTierShare | None
    recent_files: list[str]
    files_pending: int | None
    files_quarantined: int | None
    cost: AnswerCost


class SpansAnswered(Answered):
    """Spans, and what the answer says of itself."""

    spans: list[CanonicalSpan]


class TraceAnswer(SpansAnswered):
    """A trace, or a page of it, in order of start."""

    trace_id: str
    next_cursor: str | None = Field(description="Null at the end, and without a `limit`.")


class SpanFacts(BaseModel):
    """A span in a summary; texts are cut after 100 characters."""

    model_config = ConfigDict(extra="forbid")

    span_id: str
    service_name: str
    name: str
    span_kind: int
    start_offset_ns: int = Field(description="After the start of the trace.")
    duration_ns: int | None
    status_code: int


class FailingSpan(SpanFacts):
    """The failing span that ended first."""

    status_message: str | None


class PathFacts(SpanFacts):
    """A span on the critical path."""

    on_path_ns: int = Field(description="How long the trace waited for the span itself.")


class ServiceFacts(BaseModel):
    """Spans of a service."""

    model_config = ConfigDict(extra="forbid")

    service_name: str
    span_count: int
    error_count: int


class KindFacts(BaseModel):
    """Spans of a kind."""

    model_config = ConfigDict(extra="forbid")

    span_kind: int
    span_count: int


class GapFacts(BaseModel):
    """A time in which no span of the trace ran."""

    model_config = ConfigDict(extra="forbid")

    start_offset_ns: int
    duration_ns: int


class TokenFacts(BaseModel):
    """Tokens of language models, of spans with no such span below them."""

    model_config = ConfigDict(extra="forbid")

    input: int
    output: int
    total: int
    span_count: int


class TraceFacts(Answered):
    """The facts of a trace, within 32 KiB; lists have their largest entries first."""

    trace_id: str
    span_count: int
    error_count: int
    root_count: int
    orphan_count: int = Field(description="Spans whose parent is not in the trace.")
    start_time_unix_nano: int | None = Field(description=_NANOS)
    end_time_unix_nano: int | None = Field(description=_NANOS)
    duration_ns: int | None
    root: SpanFacts | None
    services: list[ServiceFacts]
    kinds: list[KindFacts]
    critical_path: list[PathFacts]
    slowest: list[SpanFacts]
    first_failing: FailingSpan | None
    gaps: list[GapFacts]
    tokens: TokenFacts | None = Field(description="Null where no attribute says any.")
    left_out: dict[str, int] = Field(description="Entries of lists that are cut, by their name.")


class MatchedSpan(BaseModel):
    """A span that was searched for."""

    model_config = ConfigDict(extra="forbid")

    span_id: str
    service_name: str
    name: str
    span_kind: int
    start_time_unix_nano: int = Field(description=_NANOS)
    duration_ns: int | None
    status_code: int


class FoundTrace(BaseModel):
    """A trace with a matching span; the facts are of all its spans."""

    model_config = ConfigDict(extra="forbid")

    trace_id: str
    root_service_name: str | None = Field(description="Null without a span that has no parent.")
    root_name: str | None
    start_time_unix_nano: int | None = Field(description=_NANOS)
    end_time_unix_nano: int | None = Field(description=_NANOS)
    duration_ns: int | None
    span_count: int
    error_count: int
    service_count: int
    services: list[ServiceFacts] = Field(description="By name, the first 100.")
    matched_count: int
    matched: list[MatchedSpan] = Field(description="The first 10, in the order of the search.")


class TracesPage(Answered):
    """A page of traces, in the order of their first matching spans."""

    traces: list[FoundTrace]
    next_cursor: str | None = Field(description="Of the next page; null at the end.")


class OtlpTrace(BaseModel):
    """A trace as OTLP's TracesData in JSON."""

    model_config = ConfigDict(extra="forbid")

    resource_spans: list[dict[str, Any]] = Field(alias="resourceSpans")


class JaegerTrace(BaseModel):
    """A trace in the envelope that Jaeger's UI loads."""

    model_config = ConfigDict(extra="forbid")

    data: list[dict[str, Any]] = Field(max_length=1)
    total: int
    limit: int
    offset: int
    errors: None


class SpansPage(SpansAnswered):
    """A page of a search, in its order."""

    next_cursor: str | None = Field(description="Of the next page; null at the end.")
