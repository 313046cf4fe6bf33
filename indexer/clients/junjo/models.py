"""The bodies of Junjo's REST API, for its OpenAPI description. Facts about V3's tables."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_JSON = "Attributes, events or links as values; text that is not JSON, as it is stored."


class JunjoSpan(BaseModel):
    """A span with the 22 columns of Junjo's table ``spans``."""

    model_config = ConfigDict(extra="forbid")

    trace_id: str = Field(pattern="^[0-9a-f]{32}$")
    span_id: str = Field(pattern="^[0-9a-f]{16}$")
    parent_span_id: str | None
    service_name: str
    name: str
    kind: str = Field(description="UNSPECIFIED, INTERNAL, SERVER, CLIENT, PRODUCER or CONSUMER.")
    start_time: str = Field(description="ISO 8601 with microseconds and offset, UTC.")
    end_time: str
    status_code: str = Field(description="0 unset, 1 ok, 2 error.")
    status_message: str
    attributes_json: Any = Field(description=_JSON)
    events_json: Any = Field(description=_JSON)
    links_json: Any = Field(description=_JSON)
    trace_flags: int | None
    trace_state: str | None
    junjo_id: str
    junjo_parent_id: str
    junjo_span_type: str
    junjo_wf_state_start: str = Field(description="JSON text, of workflows and subflows.")
    junjo_wf_state_end: str
    junjo_wf_graph_structure: str
    junjo_wf_store_id: str


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
