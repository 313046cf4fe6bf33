"""The span of the front end of 0.80: 15 fields, Junjo's own facts among its attributes. Pure."""

from collections.abc import Mapping
from typing import Any

from indexer.clients.junjo import held
from indexer.clients.junjo.graphs import graph_version_1, subflow_node_id
from indexer.clients.junjo.held import Body, Held
from indexer.clients.junjo.spans import (
    GRAPH,
    ID,
    PARENT_ID,
    STORE_ID,
    kind_name,
    payload_value,
)
from indexer.query.span import UNREADABLE, Span

STORE_ID_READ = "junjo.workflow.store_id"
"""What this front end looks for; every SDK sends ``junjo.workflow.store.id``."""


def common_fields(span: Span) -> dict[str, Held | Any]:
    """The fields that 0.80 and 0.82 have alike."""
    payload = span.payload or UNREADABLE
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id or None,
        "service_name": span.service_name,
        "name": span.name,
        "kind": kind_name(span.span_kind),
        "start_time": held.time(span.start_time_unix_nano),
        "end_time": held.time(span.end_time_unix_nano or 0),
        "status_code": str(span.status_code),
        "status_message": payload.status_message or "",
        "attributes_json": held.attributes(payload_value("attributes", payload.attributes)),
        "links_json": held.objects(payload_value("links", payload.links)),
        "trace_flags": held.count(payload.flags),
        "trace_state": payload.trace_state,
    }


def body(span: Span) -> Body:
    """Beside the attributes as they were sent, the names that this front end looks for."""
    payload = span.payload or UNREADABLE
    fields = common_fields(span)
    events = payload_value("events", payload.events)
    return Body.of(
        {
            **fields,
            "attributes_json": _with_names_read(fields["attributes_json"]),
            "events_json": held.events(events, held.event_with_number),
        }
    )


def _with_names_read(attributes: Held) -> Held:
    """The names of SDKs since contract 2 under the older ones, and graphs of version 2 as 1."""
    values: Mapping[str, Any] = attributes.value
    added = {
        lifted.names[0]: values[newer]
        for lifted in (ID, PARENT_ID)
        for newer in lifted.names[1:]
        if lifted.names[0] not in values and newer in values
    }
    if (node_id := subflow_node_id(values)) is not None:
        added[ID.names[0]] = node_id
    if STORE_ID.names[0] in values:
        added.setdefault(STORE_ID_READ, values[STORE_ID.names[0]])
    graph, newer = GRAPH.names
    if graph not in values and (drawn := graph_version_1(values.get(newer))) is not None:
        added[graph] = drawn
    return attributes._replace(value={**values, **added} if added else values)
