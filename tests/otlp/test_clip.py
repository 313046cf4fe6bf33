"""What is clipped is the first of each kind, as clipping the message itself would have it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.otlp.clip import Clipped, clip_resource, clip_scope, clip_span
from indexer.otlp.span_count import span_parts
from indexer.otlp.span_limits import SpanCheck
from indexer.spans.limits import SpanLimits
from tests.otlp.messages import PIECES, attributes, few, patched_pieces, resources, spans
from tests.otlp.test_span_count import elements

ROOMY = SpanLimits(attributes=10**6, events=10**6, links=10**6, values=10**6)
_U32 = 2**32 - 1
LIMITS = st.builds(
    SpanLimits,
    attributes=st.integers(0, 4),
    events=st.integers(0, 3),
    links=st.integers(0, 3),
    values=st.integers(0, 8),
)


def _fit(owner, room, cost):
    """Leave out the attributes for whose elements there is no room, as plainly as it goes."""
    kept = []
    for pair in owner.attributes:
        needed = cost + elements(pair.value)
        if needed <= room[0]:
            room[0] -= needed
            kept.append(pair)
    _leave(owner, kept)


def _leave(owner, kept):
    gone = len(owner.attributes) - len(kept)
    copies = [type(pair).FromString(pair.SerializeToString()) for pair in kept]
    del owner.attributes[:]
    owner.attributes.extend(copies)
    owner.dropped_attributes_count = min(owner.dropped_attributes_count + gone, _U32)
    return gone


def naive(span, limits):
    """The span clipped as a message."""
    clipped = Span.FromString(span.SerializeToString())
    _leave(clipped, list(clipped.attributes)[: limits.attributes])
    for name in ("events", "links"):
        held = getattr(clipped, name)
        dropped = f"dropped_{name}_count"
        gone = max(0, len(held) - getattr(limits, name))
        del held[getattr(limits, name) :]
        setattr(clipped, dropped, min(getattr(clipped, dropped) + gone, _U32))
    room = [limits.values]
    _fit(clipped, room, 0)
    for part in (*clipped.events, *clipped.links):
        _leave(part, list(part.attributes)[: limits.attributes])
        _fit(part, room, 1)
    return clipped


@few
@given(spans, LIMITS, PIECES)
def test_a_span_is_clipped_as_a_message_would_be(span, limits, piece_bytes):
    with patched_pieces(piece_bytes):
        clipped = clip_span(span.SerializeToString(), limits, Clipped())
    assert Span.FromString(clipped) == naive(span, limits)


@few
@given(spans, LIMITS)
def test_what_was_clipped_is_within_limits(span, limits):
    clipped = clip_span(span.SerializeToString(), limits, Clipped())
    assert SpanCheck(limits).excess(clipped) == ""


@few
@given(spans, PIECES)
def test_a_span_within_limits_stays_as_it_is(span, piece_bytes):
    counted = Clipped()
    with patched_pieces(piece_bytes):
        clipped = clip_span(span.SerializeToString(), ROOMY, counted)
    assert Span.FromString(clipped) == span
    assert not any(counted.left_out.values())


@few
@given(spans, LIMITS)
def test_what_is_left_out_is_counted(span, limits):
    counted = Clipped()
    clipped = Span.FromString(clip_span(span.SerializeToString(), limits, counted))
    before, after = span_parts(span.SerializeToString()), span_parts(clipped.SerializeToString())
    assert counted.left_out["events"] == before.events - after.events
    assert counted.left_out["links"] == before.links - after.links
    assert counted.left_out["attributes"] >= before.attributes - after.attributes


@few
@given(resources, st.integers(0, 3))
def test_a_resource_keeps_its_first_attributes_and_no_entities(resource, most):
    limits = SpanLimits(attributes=most, events=0, links=0, values=10**6)
    clipped = Resource.FromString(clip_resource(resource.SerializeToString(), limits, Clipped()))
    assert list(clipped.attributes) == list(resource.attributes)[:most]
    assert not clipped.entity_refs
    gone = max(0, len(resource.attributes) - most)
    assert clipped.dropped_attributes_count == gone


@few
@given(st.lists(attributes, max_size=5), st.integers(0, 3))
def test_a_scope_keeps_its_first_attributes_and_its_name(found, most):
    scope = InstrumentationScope(name="a", version="1", attributes=found)
    limits = SpanLimits(attributes=most, events=0, links=0, values=10**6)
    clipped = InstrumentationScope.FromString(
        clip_scope(scope.SerializeToString(), limits, Clipped())
    )
    assert (clipped.name, clipped.version) == ("a", "1")
    assert list(clipped.attributes) == found[:most]


@few
@given(spans, LIMITS, PIECES)
def test_a_span_has_an_excess_exactly_when_clipping_takes_something(span, limits, piece_bytes):
    counted = Clipped()
    clip_span(span.SerializeToString(), limits, counted)
    with patched_pieces(piece_bytes):
        excess = SpanCheck(limits).excess(span.SerializeToString())
    assert bool(excess) == any(counted.left_out.values())


@pytest.mark.parametrize("count", [0, 1, 2**32 - 1])
def test_a_count_of_dropped_events_grows_and_stays_a_count(count):
    span = Span(events=[{}, {}, {}], dropped_events_count=count)
    limits = SpanLimits(events=1)
    clipped = Span.FromString(clip_span(span.SerializeToString(), limits, Clipped()))
    assert clipped.dropped_events_count == min(count + 2, 2**32 - 1)
