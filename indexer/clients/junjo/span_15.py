"""The span of the front end of 0.80: 15 fields, Junjo's own facts among its attributes. Pure."""

from collections.abc import Mapping
from typing import Any

from indexer.clients.junjo import held
from indexer.clients.junjo.common_fields import common_fields
from indexer.clients.junjo.graphs import graph_version_1, subflow_node_id
from indexer.clients.junjo.held import Body, Held
from indexer.clients.junjo.spans import GRAPH, ID, PARENT_ID, STORE_ID
from indexer.query.span import Span

STORE_ID_READ = "junjo.workflow.store_id"
"""What this front end looks for; every SDK sends ``junjo.workflow.store.id``."""


def body(span: Span) -> Body:
    """Beside the attributes as they were sent, the names that this front end looks for."""
    fields = common_fields(span, held.event_with_number)
    fields["attributes_json"] = _with_names_read(fields["attributes_json"])
    return Body.of(fields)


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
