"""Mastra's span records, with its names or Python's: what comes in, and what is answered."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

ID_LENGTH_MAX = 256
"""Characters of a trace's or a span's ID. OpenTelemetry's have 32 and 16."""
TAGS_MAX = 1_000
"""Tags of one span: a list of them is compared as a whole."""


class ColumnKind(StrEnum):
    """How a field of a record is stored."""

    TEXT = "text"
    FLAG = "flag"
    TIME = "time"
    """UTC, in microseconds."""
    TAGS = "tags"
    JSON = "json"


def utc(value: datetime) -> datetime:
    """The same moment in UTC; a time without a zone is taken to be in it.

    Raises ValueError for a moment that is not in a year from 1 to 9999 there.
    """
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("invalid time: expected a year from 1 to 9999 in UTC") from None


Id = Annotated[str, StringConstraints(min_length=1, max_length=ID_LENGTH_MAX), ColumnKind.TEXT]
RequiredText = Annotated[str, ColumnKind.TEXT]
Text = Annotated[str | None, ColumnKind.TEXT]
Flag = Annotated[bool, ColumnKind.FLAG]
RequiredTime = Annotated[datetime, AfterValidator(utc), ColumnKind.TIME]
Time = Annotated[Annotated[datetime, AfterValidator(utc)] | None, ColumnKind.TIME]
Tags = Annotated[Annotated[list[str], Field(max_length=TAGS_MAX)] | None, ColumnKind.TAGS]
Json = Annotated[Any, ColumnKind.JSON]
JsonObject = Annotated[dict[str, Any] | None, ColumnKind.JSON]
JsonArray = Annotated[list[Any] | None, ColumnKind.JSON]


class Record(BaseModel):
    """Taken by Mastra's names and by Python's alike; what it does not know is left out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class SpanFields(Record):
    """What a span has beside its IDs, all of it open to updates."""

    parent_span_id: Text = None
    """None of a root."""
    name: RequiredText = ""
    span_type: RequiredText = ""
    """An open set: Mastra adds types."""
    is_event: Flag = False
    started_at: RequiredTime = datetime.min.replace(tzinfo=UTC)
    ended_at: Time = None
    entity_type: Text = None
    entity_id: Text = None
    entity_name: Text = None
    parent_entity_type: Text = None
    parent_entity_id: Text = None
    parent_entity_name: Text = None
    root_entity_type: Text = None
    root_entity_id: Text = None
    root_entity_name: Text = None
    entity_version_id: Text = None
    parent_entity_version_id: Text = None
    root_entity_version_id: Text = None
    user_id: Text = None
    organization_id: Text = None
    resource_id: Text = None
    run_id: Text = None
    session_id: Text = None
    thread_id: Text = None
    request_id: Text = None
    environment: Text = None
    source: Text = None
    service_name: Text = None
    experiment_id: Text = None
    scope: JsonObject = None
    metadata: JsonObject = None
    tags: Tags = None
    attributes: JsonObject = None
    links: JsonArray = None
    input: Json = None
    output: Json = None
    error: Json = None
    request_context: JsonObject = None


class SpanUpdates(SpanFields):
    """New values of a span: null clears one, and what is absent stays as it is."""


class CreateSpan(SpanFields):
    """A span as its application creates it."""

    trace_id: Id
    span_id: Id
    name: RequiredText
    span_type: RequiredText
    started_at: RequiredTime


class SpanUpdate(Record):
    """One entry of a batch of updates."""

    trace_id: Id
    span_id: Id
    updates: SpanUpdates


class SpanRecord(CreateSpan):
    """A span as it is stored."""

    created_at: datetime
    """When it first came."""
    updated_at: datetime | None = None
    """When the last update came."""


class LightSpan(Record):
    """A span without what can be large."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    span_type: str
    is_event: bool
    started_at: datetime
    ended_at: datetime | None
    error: Any
    entity_type: str | None
    entity_id: str | None
    entity_name: str | None
    created_at: datetime
    updated_at: datetime | None


class Trace(Record):
    """Spans of one trace, by start."""

    trace_id: str
    spans: list[SpanRecord]


class LightTrace(Record):
    """The same with light spans."""

    trace_id: str
    spans: list[LightSpan]
