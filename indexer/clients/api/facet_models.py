"""The bodies of what searches can be written with, for OpenAPI: what ``facet_json`` makes."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from indexer.clients.api.models import Answered


class ServiceFound(BaseModel):
    """A service; times are of the starts of its spans, to the microsecond."""

    model_config = ConfigDict(extra="forbid")

    service_name: str
    first_seen: datetime
    last_seen: datetime
    total_spans: int


class ServicesFound(Answered):
    """Every service, by name."""

    services: list[ServiceFound]


class OperationFound(BaseModel):
    """A name of spans of one service and kind."""

    model_config = ConfigDict(extra="forbid")

    service_name: str
    name: str
    span_kind: int = Field(description="OTLP's number: 1 internal, 2 server, 3 client.")
    span_count: int


class OperationsFound(Answered):
    """A page of operations, by service, name and kind."""

    operations: list[OperationFound]
    next_cursor: str | None = Field(description="Of the next page; null at the end.")


class CountedOverSpans(BaseModel):
    """Which spans are counted."""

    model_config = ConfigDict(extra="forbid")

    files: int = Field(description="Indexed files that were looked into.")
    files_matching: int = Field(description="Indexed files that may have such spans.")
    spans: int | None = Field(
        description="Spans that were looked at; null where the index counts them all."
    )
    sample: bool = Field(description="Whether other spans may have further ones.")


class AttributeKeyFound(BaseModel):
    """A key, as a search takes it."""

    model_config = ConfigDict(extra="forbid")

    key: str
    scope: Literal["span", "resource", "scope", "event"]
    types: list[str] = Field(description="Of values: string, bool, int, double, array, map, null.")
    span_count: int = Field(description="Of the spans that were looked at.")
    promoted_count: int | None = Field(
        description="Rows of all indexed files that have it; null where it is not promoted, and "
        "of a part of the spans."
    )


class AttributesFound(Answered):
    """Keys, those of the most spans first."""

    attributes: list[AttributeKeyFound]
    found: int = Field(description="Keys before the limit.")
    counted_over: CountedOverSpans


class AttributeValueFound(BaseModel):
    """A value: text as it is, others as JSON, the first 1,024 characters."""

    model_config = ConfigDict(extra="forbid")

    value: str
    type: str | None = Field(description="Null of a promoted attribute, whose text is known.")
    span_count: int


class AttributeValuesFound(Answered):
    """Values of a key, those of the most spans first."""

    key: str
    values: list[AttributeValueFound]
    found: int = Field(description="Values before the limit.")
    counted_over: CountedOverSpans
