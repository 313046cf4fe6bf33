"""The bodies of Junjo's REST API, for its OpenAPI description. Facts about V3's tables."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Object = dict[str, Any]
_TIME = "ISO 8601 with microseconds and Z, UTC, of the years 1 to 9999."
_COUNT = "What the sender had dropped; 0 where it did not say."
_STATE = "Of workflows and subflows, which others have empty."


class _Span(BaseModel):
    """What every dialect has."""

    model_config = ConfigDict(extra="forbid")

    trace_id: str = Field(pattern="^[0-9a-f]{32}$")
    span_id: str = Field(pattern="^[0-9a-f]{16}$")
    parent_span_id: str | None
    service_name: str
    name: str
    kind: str = Field(description="UNSPECIFIED, INTERNAL, SERVER, CLIENT, PRODUCER or CONSUMER.")
    start_time: str = Field(description=_TIME)
    end_time: str = Field(description=_TIME)
    status_code: str = Field(description="0 unset, 1 ok, 2 error.")
    status_message: str
    attributes_json: Object = Field(
        description="Attributes; those that are no object are under `span_indexer.unheld`."
    )
    links_json: list[Object]
    trace_flags: int
    trace_state: str | None


class JunjoSpan(_Span):
    """A span with the 22 columns of Junjo's table ``spans``: releases up to 0.70."""

    events_json: list[Object] = Field(description="With times as numbers, in nanoseconds.")
    junjo_id: str
    junjo_parent_id: str
    junjo_span_type: str = Field(description="workflow, subflow, node, run_concurrent or empty.")
    junjo_wf_state_start: Object = Field(description=_STATE)
    junjo_wf_state_end: Object = Field(description=_STATE)
    junjo_wf_graph_structure: Object = Field(description="Version 1, of graphs of version 2 too.")
    junjo_wf_store_id: str


class AttributesSpan(_Span):
    """A span with 15 fields, Junjo's own among its attributes: release 0.80."""

    events_json: list[Object] = Field(description="With times as numbers, in nanoseconds.")


class StrictEvent(BaseModel):
    """An event with a name and a time, whatever was sent."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    name: str = Field(min_length=1)
    time_unix_nano: str = Field(pattern="^(0|[1-9][0-9]{0,19})$")
    attributes: Object
    dropped_attributes_count: int = Field(ge=0)


class StrictSpan(_Span):
    """A span with exactly 20 fields: release 0.82."""

    events_json: list[StrictEvent]
    dropped_attributes_count: int = Field(ge=0, description=_COUNT)
    dropped_events_count: int = Field(ge=0, description=_COUNT)
    dropped_links_count: int = Field(ge=0, description=_COUNT)
    resource_dropped_attributes_count: int = Field(ge=0, description=_COUNT)
    resource_attributes_json: Object


class JunjoStatePatch(BaseModel):
    """A change of a workflow's state, with the nine columns of Junjo's ``state_patches``."""

    model_config = ConfigDict(extra="forbid")

    patch_id: str = Field(description="The same every time: derived from the span and the event.")
    service_name: str
    trace_id: str
    span_id: str
    workflow_id: str
    node_id: str
    event_time: str | None
    patch_json: str
    patch_store_id: str
