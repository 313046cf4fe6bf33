"""Workflow graphs as the front ends up to 0.80 draw them: version 1, also of graphs of version 2.

A page that is given anything else breaks while it is drawn. The node of a graph of version 2 is
known by its runtime ID, which is what the span of its execution has as well, but for a subflow.
Pure.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from indexer.clients.junjo.spans import ID, SPAN_TYPE

VERSION_1, VERSION_2 = 1, 2
_DEFINITION_ID = "junjo.executable_definition_id"


class _Part(BaseModel):
    """Members that are not named are left out; a number where a text should be is invalid."""

    model_config = ConfigDict(
        strict=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class _Node(_Part):
    id: str
    type: str
    label: str
    is_subgraph: bool | None = None
    children: list[str] | None = None
    is_subflow: bool | None = None
    subflow_source_id: str | None = None
    subflow_sink_id: str | None = None


class _Edge(_Part):
    id: str
    source: str
    target: str
    condition: str | None = None
    type: Literal["explicit", "subflow"] | None = None
    subflow_id: str | None = None


class _Graph(_Part):
    v: int | float
    nodes: list[_Node]
    edges: list[_Edge]


class _Node2(_Part):
    node_runtime_id: str
    node_type: str
    node_label: str
    is_concurrent_subgraph: bool | None = None
    child_node_runtime_ids: list[str] | None = None
    is_subflow: bool | None = None
    subflow_source_node_runtime_id: str | None = None
    subflow_sink_node_runtime_ids: list[str] = []

    @property
    def as_version_1(self) -> _Node:
        """The first of several sinks is the one that is drawn."""
        return _Node(
            id=self.node_runtime_id,
            type=self.node_type,
            label=self.node_label,
            is_subgraph=self.is_concurrent_subgraph,
            children=self.child_node_runtime_ids,
            is_subflow=self.is_subflow,
            subflow_source_id=self.subflow_source_node_runtime_id,
            subflow_sink_id=next(iter(self.subflow_sink_node_runtime_ids), None),
        )


class _Edge2(_Part):
    edge_structural_id: str
    tail_node_runtime_id: str
    head_node_runtime_id: str
    edge_condition_label: str | None = None
    edge_scope: Literal["explicit", "subflow"] | None = None
    parent_subflow_runtime_id: str | None = None

    @property
    def as_version_1(self) -> _Edge:
        return _Edge(
            id=self.edge_structural_id,
            source=self.tail_node_runtime_id,
            target=self.head_node_runtime_id,
            condition=self.edge_condition_label,
            type=self.edge_scope,
            subflow_id=self.parent_subflow_runtime_id,
        )


class _Graph2(_Part):
    v: Annotated[int, Field(ge=VERSION_2, le=VERSION_2)]
    nodes: list[_Node2]
    edges: list[_Edge2]

    @property
    def as_version_1(self) -> _Graph:
        return _Graph(
            v=VERSION_1,
            nodes=[one.as_version_1 for one in self.nodes],
            edges=[one.as_version_1 for one in self.edges],
        )


_EITHER: TypeAdapter[_Graph | _Graph2] = TypeAdapter(_Graph2 | _Graph)


def subflow_node_id(attributes: Any) -> str | None:
    """The ID that a subflow's node has in the graph above it, of spans of contract 2.

    It is that of the subflow's definition; of other nodes it is their runtime ID.
    """
    if not isinstance(attributes, Mapping) or ID.names[0] in attributes:
        return None
    node_id = attributes.get(_DEFINITION_ID)
    is_subflow = attributes.get(SPAN_TYPE.names[0]) == "subflow"
    return node_id if is_subflow and isinstance(node_id, str) else None


def no_graph() -> dict[str, Any]:
    """A graph of version 1 with nothing in it."""
    return {"v": VERSION_1, "nodes": [], "edges": []}


def graph_version_1(value: Any) -> dict[str, Any] | None:
    """A graph of either version, as an object or its JSON text; None for what is neither."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, Mapping):
        return None
    try:
        found = _EITHER.validate_python(value)
    except ValidationError:
        return None
    graph = found.as_version_1 if isinstance(found, _Graph2) else found
    made = graph.model_dump(by_alias=True, exclude_none=True)
    for edge in made["edges"]:
        edge.setdefault("condition", None)
        if "type" in edge:
            edge.setdefault("subflowId", None)
    return made
