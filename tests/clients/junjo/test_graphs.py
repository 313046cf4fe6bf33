"""Graphs of version 2 are drawn as version 1, and what is no graph is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from indexer.clients.junjo.graphs import graph_version_1, no_graph
from tests.support.junjo_front_ends import Graph

NODE = {"nodeRuntimeId": "n", "nodeStructuralId": "s", "nodeType": "Node", "nodeLabel": "First"}
GROUP = {
    **NODE,
    "nodeRuntimeId": "g",
    "isConcurrentSubgraph": True,
    "childNodeRuntimeIds": ["n"],
}
FLOW = {
    **NODE,
    "nodeRuntimeId": "f",
    "isSubflow": True,
    "subflowGraphStructuralId": "x",
    "subflowSourceNodeRuntimeId": "n",
    "subflowSourceNodeStructuralId": "s",
    "subflowSinkNodeRuntimeIds": ["m", "o"],
    "subflowSinkNodeStructuralIds": ["s", "s"],
}
EDGE = {
    "edgeStructuralId": "e",
    "tailNodeRuntimeId": "n",
    "tailNodeStructuralId": "s",
    "headNodeRuntimeId": "f",
    "headNodeStructuralId": "s",
    "edgeConditionLabel": None,
    "edgeScope": "explicit",
    "parentSubflowRuntimeId": None,
}
VERSION_2 = {"v": 2, "graphStructuralId": "q", "nodes": [NODE, GROUP, FLOW], "edges": [EDGE]}
VERSION_1 = {
    "v": 1,
    "nodes": [
        {"id": "n", "type": "Node", "label": "First"},
        {"id": "g", "type": "Node", "label": "First", "isSubgraph": True, "children": ["n"]},
        {
            "id": "f",
            "type": "Node",
            "label": "First",
            "isSubflow": True,
            "subflowSourceId": "n",
            "subflowSinkId": "m",
        },
    ],
    "edges": [
        {
            "id": "e",
            "source": "n",
            "target": "f",
            "condition": None,
            "type": "explicit",
            "subflowId": None,
        }
    ],
}


@pytest.mark.parametrize("made", [VERSION_2, json.dumps(VERSION_2), VERSION_1])
def test_a_node_is_known_by_its_runtime_id(made: Any) -> None:
    """A graph of version 1 stays as it is."""
    assert graph_version_1(made) == VERSION_1
    Graph.model_validate(graph_version_1(made))


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "{", "[]", "{}", 7, "[" * 100_000),
        {"v": 1, "nodes": [], "edges": None},
        {**VERSION_1, "nodes": [{"id": 5, "type": "Node", "label": "x"}]},
        {**VERSION_2, "nodes": [{**NODE, "nodeLabel": None}]},
        {**VERSION_2, "edges": [{**EDGE, "edgeScope": "other"}]},
    ],
)
def test_what_cannot_be_drawn_is_no_graph(value: Any) -> None:
    assert graph_version_1(value) is None


def test_no_graph_is_one_that_can_be_drawn() -> None:
    assert Graph.model_validate(no_graph()).nodes == []
