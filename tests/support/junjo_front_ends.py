"""What each of Junjo's front ends accepts of an answer: strict models, apart from the code.

Written from the facts of ``junjo-frontends.md``. Times have six decimals, which all releases show
right; keys that a front end would drop are forbidden too.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

SAFE_INTEGER_MAX = 2**53 - 1
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
SPAN_TYPES = ("workflow", "subflow", "node", "run_concurrent", "")


def time_text(text: str) -> str:
    assert TIME.fullmatch(text), text
    return text


Time = Annotated[str, AfterValidator(time_text)]
Object = dict[str, Any]
Count = Annotated[int, Field(ge=0, le=SAFE_INTEGER_MAX)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Camel(Strict):
    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class Common(Strict):
    trace_id: str = Field(pattern="^[0-9a-f]{32}$")
    span_id: str = Field(pattern="^[0-9a-f]{16}$")
    parent_span_id: str | None
    service_name: str
    name: str
    kind: str
    start_time: Time
    end_time: Time
    status_code: str
    status_message: str
    attributes_json: Object
    links_json: list[Object]
    trace_flags: Count
    trace_state: str | None


class GraphNode(Camel):
    id: str
    type: str
    label: str
    is_subgraph: bool = False
    children: list[str] = []
    is_subflow: bool = False
    subflow_source_id: str = ""
    subflow_sink_id: str = ""


class GraphEdge(Camel):
    id: str
    source: str
    target: str
    condition: str | None
    type: Literal["explicit", "subflow"] = "explicit"
    subflow_id: str | None = None


class Graph(Strict):
    v: Literal[1]
    nodes: list[GraphNode]
    edges: list[GraphEdge]


class Span22(Common):
    """Releases 0.60 to 0.70."""

    events_json: list[Object]
    junjo_id: str
    junjo_parent_id: str
    junjo_span_type: Literal["workflow", "subflow", "node", "run_concurrent", ""]
    junjo_wf_state_start: Object
    junjo_wf_state_end: Object
    junjo_wf_graph_structure: Object
    junjo_wf_store_id: str

    def model_post_init(self, _: Any) -> None:
        """A workflow whose graph cannot be drawn loses the page."""
        if self.junjo_span_type in ("workflow", "subflow"):
            Graph.model_validate(self.junjo_wf_graph_structure)


class Span15(Common):
    """Release 0.80."""

    events_json: list[Object]

    def model_post_init(self, _: Any) -> None:
        if "junjo.executable_runtime_id" in self.attributes_json:
            assert "junjo.id" in self.attributes_json


def decimal(text: str) -> str:
    assert text == str(int(text))
    assert 0 <= int(text) < 2**64
    return text


class Event20(Camel):
    name: str = Field(min_length=1)
    time_unix_nano: Annotated[str, AfterValidator(decimal)]
    attributes: Object
    dropped_attributes_count: Count


class Span20(Common):
    """Release 0.82."""

    parent_span_id: Annotated[str, Field(pattern="^[0-9a-f]{16}$")] | None
    status_code: Literal["0", "1", "2"]
    events_json: list[Event20]
    dropped_attributes_count: Count
    dropped_events_count: Count
    dropped_links_count: Count
    resource_dropped_attributes_count: Count
    resource_attributes_json: Object


SPANS: dict[str, type[Common]] = {"0.61": Span22, "0.70": Span22, "0.80": Span15, "0.82": Span20}
"""By release."""
LISTS = {release: TypeAdapter(list[model]) for release, model in SPANS.items()}  # type: ignore[valid-type]
NAMES = TypeAdapter(list[str])


def accepted(release: str, answer: Any) -> list[Any]:
    """The spans of an answer as the release has them. Raises for what it would reject."""
    found: list[Any] = LISTS[release].validate_python(answer)
    return found
