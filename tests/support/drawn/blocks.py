"""Blocks of Grafana Tempo, drawn with the spans that are right, in the order of the file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from hypothesis import strategies as st

from tests.support.drawn import payload
from tests.support.drawn.columns import TEXT
from tests.support.drawn.exports import T0, WORDS, Ids, Rows, right_span
from tests.support.tempo_blocks import Row, attrs, block_data, resource, span, trace

META = json.dumps({"dedicatedColumns": [{"s": "span", "n": "db.statement"}]}).encode()
SCALARS = (
    TEXT,
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)
OBJECTS = st.dictionaries(
    payload.KEYS, st.one_of(*SCALARS, *(st.lists(one, max_size=2) for one in SCALARS)), max_size=3
)
COUNTS = st.integers(0, 9)


@st.composite
def blocks(draw: st.DrawFn, ids: Sequence[Ids]) -> tuple[bytes, Rows]:
    """The data of a block, in which each trace is a row, and its spans."""
    traces, rows = [], []
    for trace_id, of_trace in groupby(sorted(ids, key=_trace_of), _trace_of):
        left, resources = list(of_trace), []
        while left:
            some = draw(st.integers(1, len(left)))
            held, left = left[:some], left[some:]
            found, right = draw(_resource(held))
            resources.append(found)
            rows += right
        traces.append(trace(int.from_bytes(trace_id, "big"), resources))
    return block_data(traces, draw(st.integers(1, 3))), rows


@st.composite
def _resource(draw: st.DrawFn, ids: Sequence[Ids]) -> tuple[Row, Rows]:
    """A resource with these spans in one scope or two."""
    service, owned, dropped = draw(st.none() | WORDS), draw(OBJECTS), draw(COUNTS)
    at = draw(st.integers(0, len(ids)))
    made = [draw(_span(one)) for one in ids]
    scopes = [[row for row, _ in made[:at]], [row for row, _ in made[at:]]]
    found = resource(scopes, service or "", Attrs=attrs(owned), DroppedAttributesCount=dropped)
    named = {} if service is None else {"service.name": service}
    said = {
        "service_name": service or "unknown_service",
        "resource_attributes": owned | named,
        "resource_dropped_attributes_count": dropped,
        "scope_version": "1",
        "scope_attributes": {},
    }
    rows = [
        right | said | {"scope_name": f"s{int(place >= at)}"}
        for place, (_, right) in enumerate(made)
    ]
    return found, rows


@st.composite
def _span(draw: st.DrawFn, ids: Ids) -> tuple[Row, dict[str, Any]]:
    start, duration = T0 + draw(st.integers(0, 10**15)), draw(st.integers(0, 10**12))
    kind, status = draw(st.integers(0, 5)), draw(st.integers(0, 2))
    name, message, state = draw(TEXT), draw(TEXT), draw(TEXT)
    own, counts = draw(OBJECTS), draw(st.tuples(COUNTS, COUNTS, COUNTS))
    beside = {"HttpMethod": draw(st.none() | TEXT), "HttpStatusCode": draw(st.none() | COUNTS)}
    statement = draw(st.none() | TEXT)
    events, links = draw(st.lists(_event(start), max_size=2)), draw(st.lists(_link(), max_size=2))
    row = span(
        int.from_bytes(ids.span, "big"),
        ParentSpanID=ids.parent or b"",
        Name=name,
        Kind=kind,
        TraceState=state,
        StartTimeUnixNano=start,
        DurationNano=duration,
        StatusCode=status,
        StatusMessage=message,
        Attrs=attrs(own),
        DroppedAttributesCount=counts[0],
        Events=[one for one, _ in events],
        DroppedEventsCount=counts[1],
        Links=[one for one, _ in links],
        DroppedLinksCount=counts[2],
        DedicatedAttributes={"String01": statement},
        **beside,
    )
    known = {
        "http.method": beside["HttpMethod"],
        "http.status_code": beside["HttpStatusCode"],
        "db.statement": statement,
    }
    right = right_span(
        ids,
        start,
        duration,
        name=name,
        kind=kind,
        status_code=status,
        status_message=message,
        trace_state=state,
        attributes=own | {key: value for key, value in known.items() if value is not None},
        events=[one for _, one in events],
        links=[one for _, one in links],
        dropped_attributes_count=counts[0],
        dropped_events_count=counts[1],
        dropped_links_count=counts[2],
    )
    return row, right


@st.composite
def _event(draw: st.DrawFn, start: int) -> tuple[Row, dict[str, Any]]:
    since, name, own, dropped = draw(st.integers(0, 10**9)), draw(TEXT), draw(OBJECTS), draw(COUNTS)
    row = {"TimeSinceStartNano": since, "Name": name}
    right = {"timeUnixNano": str(start + since), "name": name}
    return row | _owned(own, dropped), right | _said(own, dropped)


@st.composite
def _link(draw: st.DrawFn) -> tuple[Row, dict[str, Any]]:
    trace_id, span_id = draw(st.integers(1, 2**128 - 1)), draw(st.integers(1, 2**64 - 1))
    state, own, dropped = draw(TEXT), draw(OBJECTS), draw(COUNTS)
    row = {"TraceID": trace_id.to_bytes(16, "big"), "SpanID": span_id.to_bytes(8, "big")}
    right = {"traceId": f"{trace_id:032x}", "spanId": f"{span_id:016x}", "traceState": state}
    return row | {"TraceState": state} | _owned(own, dropped), right | _said(own, dropped)


def _owned(attributes: dict[str, Any], dropped: int) -> Row:
    return {"Attrs": attrs(attributes), "DroppedAttributesCount": dropped}


def _said(attributes: dict[str, Any], dropped: int) -> dict[str, Any]:
    return {"attributes": attributes, "droppedAttributesCount": dropped}


def _trace_of(ids: Ids) -> bytes:
    return ids.trace
