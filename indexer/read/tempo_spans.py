"""Spans of a block of Grafana Tempo as columns with a row a span. Pure.

Tempo (vParquet4, vParquet5) has a row a trace, and inside of it its resources, their scopes and
their spans. Attributes, events and links become JSON text under the names of OTLP's JSON mapping.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.read.arrow_values import arrow_values
from indexer.read.json_text import json_text
from indexer.read.tempo_attributes import (
    EVENT,
    LINK,
    RESOURCE,
    SCOPE,
    SPAN,
    Dedicated,
    Places,
    attribute_columns,
    attributes_of,
    elements_of,
)
from indexer.system import arrow_compute as pc

SPANS_ALONE = f"{SPAN}.StartTimeUnixNano"
"""A column that says how many spans each row has."""


@dataclass(frozen=True, slots=True, eq=False)
class NestedSpans:
    """Spans of some rows, each with the places of its trace, resource and scope."""

    traces: pa.RecordBatch
    resources: pa.StructArray
    scopes: pa.StructArray
    spans: pa.StructArray
    trace_of: Places
    resource_of: Places
    scope_of: Places

    @classmethod
    def of(cls, traces: pa.RecordBatch) -> "NestedSpans":
        """All spans of the rows, in the order of the file."""
        resources, trace_of = elements_of(traces.column("rs"))
        scopes, resource_of = elements_of(pc.struct_field(resources, "ss"))
        spans, scope_of = elements_of(pc.struct_field(scopes, "Spans"))
        resource_of = resource_of[scope_of]
        return cls(traces, resources, scopes, spans, trace_of[resource_of], resource_of, scope_of)

    def __len__(self) -> int:
        return len(self.spans)

    def take(self, places: Places) -> "NestedSpans":
        """Some of the spans, in this order."""
        return replace(
            self,
            spans=self.spans.take(pa.array(places)),
            trace_of=self.trace_of[places],
            resource_of=self.resource_of[places],
            scope_of=self.scope_of[places],
        )


@dataclass(frozen=True, slots=True)
class SpanColumn:
    """A column with a row a span."""

    name: str
    type: pa.DataType
    parts: tuple[str, ...]
    """Paths of what it is made of, with all that is inside of them."""
    make: Callable[[NestedSpans, Sequence[Dedicated]], pa.Array]


def _trace_id(nested: NestedSpans, _dedicated: Sequence[Dedicated]) -> pa.Array:
    return nested.traces.column("TraceID").take(pa.array(nested.trace_of))


def _service(nested: NestedSpans, _dedicated: Sequence[Dedicated]) -> pa.Array:
    """A resource without the attribute has empty text."""
    names = pc.struct_field(nested.resources, ["Resource", "ServiceName"])
    names = pc.if_else(pc.equal(names, ""), pa.scalar(None, names.type), names)
    return names.take(pa.array(nested.resource_of))


def _resource_dropped(nested: NestedSpans, _dedicated: Sequence[Dedicated]) -> pa.Array:
    found = pc.struct_field(nested.resources, ["Resource", "DroppedAttributesCount"])
    return found.take(pa.array(nested.resource_of))


def _resource_attributes(nested: NestedSpans, dedicated: Sequence[Dedicated]) -> pa.Array:
    used, at = np.unique(nested.resource_of, return_inverse=True)
    owners = pc.struct_field(nested.resources, "Resource").take(pa.array(used))
    return _texts(attributes_of(owners, RESOURCE, dedicated)).take(pa.array(at))


def _scope_attributes(nested: NestedSpans, dedicated: Sequence[Dedicated]) -> pa.Array:
    used, at = np.unique(nested.scope_of, return_inverse=True)
    owners = pc.struct_field(nested.scopes, "Scope").take(pa.array(used))
    return _texts(attributes_of(owners, SCOPE, dedicated)).take(pa.array(at))


def _span_attributes(nested: NestedSpans, dedicated: Sequence[Dedicated]) -> pa.Array:
    return _texts(attributes_of(nested.spans, SPAN, dedicated))


def _events(nested: NestedSpans, dedicated: Sequence[Dedicated]) -> pa.Array:
    """An event says how long after the start of its span it was."""
    events, span_of = elements_of(pc.struct_field(nested.spans, "Events"))
    starts = pc.struct_field(nested.spans, "StartTimeUnixNano").to_pylist()
    since = pc.struct_field(events, "TimeSinceStartNano").to_pylist()
    members = zip(
        span_of.tolist(),
        since,
        arrow_values(pc.struct_field(events, "Name")),
        attributes_of(events, EVENT, dedicated),
        pc.struct_field(events, "DroppedAttributesCount").to_pylist(),
        strict=True,
    )
    found: list[list[Any]] = [[] for _ in starts]
    for span, after, name, attributes, dropped in members:
        found[span].append(
            {
                "timeUnixNano": str((starts[span] or 0) + (after or 0)),
                "name": name or "",
                "attributes": attributes,
                "droppedAttributesCount": dropped or 0,
            }
        )
    return _texts(found)


def _links(nested: NestedSpans, dedicated: Sequence[Dedicated]) -> pa.Array:
    links, span_of = elements_of(pc.struct_field(nested.spans, "Links"))
    members = zip(
        span_of.tolist(),
        pc.struct_field(links, "TraceID").to_pylist(),
        pc.struct_field(links, "SpanID").to_pylist(),
        arrow_values(pc.struct_field(links, "TraceState")),
        attributes_of(links, LINK, dedicated),
        pc.struct_field(links, "DroppedAttributesCount").to_pylist(),
        strict=True,
    )
    found: list[list[Any]] = [[] for _ in range(len(nested))]
    for span, trace_id, span_id, state, attributes, dropped in members:
        found[span].append(
            {
                "traceId": (trace_id or b"").hex(),
                "spanId": (span_id or b"").hex(),
                "traceState": state or "",
                "attributes": attributes,
                "droppedAttributesCount": dropped or 0,
            }
        )
    return _texts(found)


def _of_span(field: str, kind: pa.DataType) -> SpanColumn:
    def make(nested: NestedSpans, _dedicated: Sequence[Dedicated]) -> pa.Array:
        return pc.struct_field(nested.spans, field).cast(kind)

    return SpanColumn(f"span.{field}", kind, (f"{SPAN}.{field}",), make)


def _of_scope(field: str) -> SpanColumn:
    def make(nested: NestedSpans, _dedicated: Sequence[Dedicated]) -> pa.Array:
        found = pc.struct_field(nested.scopes, ["Scope", field])
        return found.take(pa.array(nested.scope_of))

    return SpanColumn(f"scope.{field}", pa.string(), (f"{SCOPE}.{field}",), make)


_TEXT, _COUNT, _NANOS = pa.string(), pa.int32(), pa.uint64()
COLUMNS = (
    SpanColumn("trace.TraceID", pa.binary(), ("TraceID",), _trace_id),
    _of_span("SpanID", pa.binary()),
    _of_span("ParentSpanID", pa.binary()),
    SpanColumn("resource.ServiceName", _TEXT, (f"{RESOURCE}.ServiceName",), _service),
    _of_span("Name", _TEXT),
    _of_span("StartTimeUnixNano", _NANOS),
    _of_span("DurationNano", _NANOS),
    _of_span("StatusCode", pa.int64()),
    _of_span("Kind", pa.int64()),
    _of_span("StatusMessage", _TEXT),
    _of_span("TraceState", _TEXT),
    SpanColumn("span.attributes", _TEXT, attribute_columns(SPAN), _span_attributes),
    SpanColumn("span.events", _TEXT, (EVENT,), _events),
    SpanColumn("span.links", _TEXT, (LINK,), _links),
    _of_span("DroppedAttributesCount", _COUNT),
    _of_span("DroppedEventsCount", _COUNT),
    _of_span("DroppedLinksCount", _COUNT),
    SpanColumn("resource.attributes", _TEXT, attribute_columns(RESOURCE), _resource_attributes),
    SpanColumn(
        "resource.DroppedAttributesCount",
        _COUNT,
        (f"{RESOURCE}.DroppedAttributesCount",),
        _resource_dropped,
    ),
    _of_scope("Name"),
    _of_scope("Version"),
    SpanColumn("scope.attributes", _TEXT, (f"{SCOPE}.Attrs",), _scope_attributes),
)
"""What a block has of each span."""


def _texts(values: Sequence[Any]) -> pa.Array:
    return pa.array(map(json_text, values), _TEXT, size=len(values))
