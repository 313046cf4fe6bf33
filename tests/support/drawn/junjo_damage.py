"""Spans of real runs of Junjo's SDK in which drawn values stand where others were sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from indexer.query.span import Span
from indexer.spans.payload import Payload

TEXTS = ("", "\ud800", "full", "excluded", "reference", "missing", "agent", "workflow", "node", "{")
PATCHES = (
    [{"op": "copy", "from": "", "path": "/copy"}] * 40,
    [{"op": "add", "path": "/a/b/c", "value": 1}],
    [{"op": "append", "path": "", "value": "x"}],
    [{"op": "test", "path": "/count", "value": "\ud800"}],
    [{"op": "replace", "path": "", "value": 2**60}],
    [{"path": 7}],
    [[]],
    {},
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 1, 2, 3, 2**53, 2**70, 1.5, 1e300, float("nan")]),
    st.sampled_from(TEXTS),
    st.text(max_size=5),
    st.sampled_from([json.dumps(patch) for patch in PATCHES]),
    st.sampled_from(["[" * 200 + "]" * 200, "NaN", "1e999", '{"a":9007199254740993}', "null"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
METADATA = {
    "name": st.sampled_from(["", "\ud800", "x"]),
    "parent_span_id": st.sampled_from([None, "", "0" * 15 + "1"]),
    "start_time_unix_nano": st.sampled_from([0, -(2**63), 2**63 - 1]),
    "duration_ns": st.sampled_from([-1, 0, 2**63 - 1]),
    "service_name": st.sampled_from(["", "\ud800"]),
}


@st.composite
def damaged(draw: st.DrawFn, spans: Sequence[Span]) -> list[Span]:
    """The spans with a few values that are others, missing, or there twice."""
    found = list(spans)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(found) - 1))
        change = draw(st.sampled_from([_attribute, _event, _payload, _metadata, _loss]))
        found[at] = change(draw, found[at])
    if draw(st.booleans()):
        found.append(draw(st.sampled_from(found))._replace(span_kind=2))
    if draw(st.booleans()):
        found.pop(draw(st.integers(0, len(found) - 1)))
    return found


def _attribute(draw: st.DrawFn, span: Span) -> Span:
    payload = span.payload or Payload()
    return _with(span, attributes=_changed(draw, payload.attributes))


def _event(draw: st.DrawFn, span: Span) -> Span:
    events = (span.payload or Payload()).events
    if not isinstance(events, list) or not events:
        return _attribute(draw, span)
    at = draw(st.integers(0, len(events) - 1))
    event = events[at]
    if isinstance(event, dict):
        event = {**event, "attributes": _changed(draw, event.get("attributes"))}
    changed = draw(st.sampled_from([event, event, event, None, {}, "event"]))
    return _with(span, events=[*events[:at], changed, *events[at + 1 :]])


def _payload(draw: st.DrawFn, span: Span) -> Span:
    name = draw(st.sampled_from(["attributes", "events", "resource_attributes"]))
    return draw(
        st.one_of(
            VALUES.map(lambda value: _with(span, **{name: value})),
            st.just(span._replace(payload=None)),
        )
    )


def _metadata(draw: st.DrawFn, span: Span) -> Span:
    name = draw(st.sampled_from(sorted(METADATA)))
    return span._replace(**{name: draw(METADATA[name])})


def _loss(draw: st.DrawFn, span: Span) -> Span:
    count = draw(st.sampled_from([None, 1, 2**64, "1"]))
    return _with(span, dropped_events_count=count, omitted={"events": 3})


def _changed(draw: st.DrawFn, attributes: Any) -> Any:
    if not isinstance(attributes, dict) or not attributes:
        return draw(VALUES)
    name = draw(st.sampled_from(sorted(attributes)))
    if draw(st.booleans()):
        return {key: value for key, value in attributes.items() if key != name}
    return {**attributes, name: draw(VALUES)}


def _with(span: Span, **values: Any) -> Span:
    return span._replace(payload=(span.payload or Payload())._replace(**values))
