"""The span of the front ends up to 0.70: 22 fields, as Junjo's table ``spans`` had them.

Its states and graph are objects here. Pure.
"""

import json
from typing import Any

from indexer.clients.junjo import held
from indexer.clients.junjo.common_fields import common_fields
from indexer.clients.junjo.graphs import graph_version_1, no_graph, subflow_node_id
from indexer.clients.junjo.held import Body, Held
from indexer.clients.junjo.spans import (
    GRAPH,
    ID,
    SPAN_TYPE,
    STATE_END,
    STATE_START,
    WORKFLOW_TYPES,
    lifted_columns,
    remaining_attributes,
)
from indexer.query.span import Span

SPAN_TYPES = frozenset({"workflow", "subflow", "node", "run_concurrent", ""})
"""Any other rejects the trace."""


def body(span: Span) -> Body:
    """Each field of such a kind that no span rejects the answer that it is in."""
    fields = common_fields(span, held.event_with_number)
    attributes: Held = fields["attributes_json"]
    columns = lifted_columns(attributes.value)
    remaining = remaining_attributes(attributes.value)
    span_type = columns[SPAN_TYPE.column]
    if span_type not in SPAN_TYPES:
        remaining[SPAN_TYPE.names[0]] = span_type
        span_type = ""
    node_id = subflow_node_id(attributes.value)
    return Body.of(
        {
            **fields,
            "attributes_json": attributes._replace(value=remaining),
            **columns,
            ID.column: columns[ID.column] if node_id is None else node_id,
            SPAN_TYPE.column: span_type,
            STATE_START.column: _object(columns[STATE_START.column]),
            STATE_END.column: _object(columns[STATE_END.column]),
            GRAPH.column: _graph(span_type, columns[GRAPH.column]),
        }
    )


def _object(text: str) -> Held:
    """A state; other than an object it is empty."""
    if text == STATE_START.absent:
        return Held({})
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    return Held(value) if isinstance(value, dict) else Held({}, is_altered=True)


def _graph(span_type: str, text: str) -> Held:
    """Of a workflow a graph that can be drawn, if need be one with no nodes; else an object."""
    if span_type not in WORKFLOW_TYPES:
        return Held({})
    found = graph_version_1(text)
    if found is not None:
        return Held(found)
    return Held(no_graph(), text != GRAPH.absent)
