"""The fast count of parts is what parsing everything and walking it would count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from indexer.errors import InvalidOtlp, OtlpTooLarge
from indexer.otlp import wire_fields
from indexer.otlp.request_limits import MessageCount
from indexer.otlp.span_count import (
    PartCount,
    attribute_parts,
    messages_at_most,
    resource_parts,
    scope_parts,
    span_outline,
    span_parts,
)
from tests.otlp.messages import PIECES, attributes, few, patched_pieces, resources, spans


def elements(value: AnyValue) -> int:
    """Elements at any depth, walked one by one."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return sum(1 + elements(one) for one in value.array_value.values)
    if kind == "kvlist_value":
        return sum(1 + elements(one.value) for one in value.kvlist_value.values)
    return 0


def walked(span: Span) -> PartCount:
    """The same of a span."""
    inner = [pair for part in (*span.events, *span.links) for pair in part.attributes]
    values = len(inner) + sum(elements(pair.value) for pair in (*inner, *span.attributes))
    return PartCount(len(span.attributes), len(span.events), len(span.links), values)


@few
@given(st.lists(spans, max_size=4), PIECES)
def test_spans_joined_have_the_parts_of_all(found, piece_bytes):
    data = b"".join(span.SerializeToString() for span in found)
    count = MessageCount()
    with patched_pieces(piece_bytes):
        parts = span_parts(data, count)
    expected = sum(map(walked, found), PartCount())
    assert parts == expected
    assert count.total == expected.total


@few
@given(spans, PIECES)
def test_an_outline_is_the_first_three_counts(span, piece_bytes):
    with patched_pieces(piece_bytes):
        outline = span_outline(span.SerializeToString())
    assert outline == PartCount(len(span.attributes), len(span.events), len(span.links))


@few
@given(attributes, PIECES)
def test_an_attribute_is_counted_with_its_elements(attribute, piece_bytes):
    with patched_pieces(piece_bytes):
        parts = attribute_parts(attribute.SerializeToString())
    assert parts == PartCount(attributes=1, values=elements(attribute.value))


@few
@given(resources, PIECES)
def test_a_resource_is_counted_with_its_entities(resource, piece_bytes):
    keys = sum(len(e.id_keys) + len(e.description_keys) for e in resource.entity_refs)
    own = len(resource.attributes) + len(resource.entity_refs) + keys
    values = sum(elements(pair.value) for pair in resource.attributes)
    with patched_pieces(piece_bytes):
        assert resource_parts(resource.SerializeToString()) == PartCount(own, values=values)


@few
@given(st.lists(attributes, max_size=4), PIECES)
def test_a_scope_is_counted_by_its_attributes(found, piece_bytes):
    scope = InstrumentationScope(name="scope", attributes=found)
    values = sum(elements(pair.value) for pair in found)
    with patched_pieces(piece_bytes):
        parts = scope_parts(scope.SerializeToString())
    assert parts == PartCount(len(found), values=values)


@few
@given(st.lists(spans, max_size=4), resources)
def test_the_keys_in_the_bytes_are_never_fewer_than_the_messages(found, resource):
    scope = ScopeSpans(spans=found, scope=InstrumentationScope(attributes=resource.attributes))
    request = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=[scope])]
    )
    inside = sum(map(walked, found), PartCount()).total
    inside += resource_parts(resource.SerializeToString()).total
    inside += scope_parts(scope.scope.SerializeToString()).total
    assert messages_at_most(request.SerializeToString()) >= inside + len(found) + 2


@pytest.mark.parametrize("key", [b"\x4a", b"\xca\x00", b"\xca\x80\x00"])
def test_a_key_that_is_longer_than_need_be_is_seen_too(key):
    events = (key + b"\x00") * 1_000
    assert span_parts(events) == PartCount(attributes=1_000)
    assert messages_at_most(events) >= 1_000


@few
@given(spans, PIECES, st.integers(0, 30))
def test_a_total_is_refused_exactly_beyond_its_maximum(span, piece_bytes, most):
    data = span.SerializeToString()
    total = walked(span).total
    with patched_pieces(piece_bytes):
        if total > most and len(data) <= piece_bytes:
            with pytest.raises(OtlpTooLarge, match=f"more than {most} "):
                span_parts(data, MessageCount(most))
        elif total <= most:
            count = MessageCount(most)
            count.messages_max = most + 1_000  # the fields of a span count as well as messages
            span_parts(data, count)


@pytest.mark.parametrize("junk", [b"\xff", b"\x4a\x05abc", b"\x4a"])
@pytest.mark.parametrize("parts", [span_parts, span_outline, resource_parts, scope_parts])
def test_what_is_no_message_is_refused(junk, parts):
    with pytest.raises(InvalidOtlp):
        parts(junk)


def test_a_resource_message_is_what_the_skeleton_reads():
    """The numbers of the fields are OTLP's."""
    resource = Resource(attributes=[{"key": "a"}], entity_refs=[{"id_keys": ["a", "b"]}])
    assert resource_parts(resource.SerializeToString()) == PartCount(attributes=4)
    assert wire_fields.PIECE_BYTES > 1000
