"""The span of the front ends up to 0.70: 22 fields, as Junjo's table ``spans`` had them.

Its states and graph are objects here. Pure.
"""

import json
from typing import Any

from indexer.clients.junjo import held
from indexer.clients.junjo.graphs import graph_version_1, no_graph, subflow_node_id
from indexer.clients.junjo.held import Body, Held
from indexer.clients.junjo.spans import (
    GRAPH,
    ID,
    SPAN_TYPE,
    STATE_END,
    STATE_START,
    WORKFLOW_TYPES,
    junjo_span,
    payload_value,
)
from indexer.query.span import UNREADABLE, Span

SPAN_TYPES = frozenset({"workflow", "subflow", "node", "run_concurrent", ""})
"""Any other rejects the trace."""


def body(span: Span) -> Body:
    """Each field of such a kind that no span rejects the answer that it is in."""
    row, payload = junjo_span(span), span.payload or UNREADABLE
    node_id = subflow_node_id(payload_value("attributes", payload.attributes))
    attributes = held.attributes(row["attributes_json"])
    span_type = row[SPAN_TYPE.column]
    if span_type not in SPAN_TYPES:
        attributes = attributes._replace(value={**attributes.value, SPAN_TYPE.names[0]: span_type})
        span_type = ""
    return Body.of(
        {
            **row,
            "start_time": held.time(span.start_time_unix_nano),
            "end_time": held.time(span.end_time_unix_nano or 0),
            "attributes_json": attributes,
            "events_json": held.events(row["events_json"], held.event_with_number),
            "links_json": held.objects(row["links_json"]),
            "trace_flags": held.count(payload.flags),
            ID.column: row[ID.column] if node_id is None else node_id,
            SPAN_TYPE.column: span_type,
            STATE_START.column: _object(row[STATE_START.column]),
            STATE_END.column: _object(row[STATE_END.column]),
            GRAPH.column: _graph(span_type, row[GRAPH.column]),
        }
    )


def _object(text: str) -> Held:
    """A state; other than an object it is empty."""
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
