"""Strategies for the messages of a trace request, heavy in what may be nested and repeated."""

from contextlib import contextmanager

from hypothesis import HealthCheck
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.otlp import wire_fields
from tests.support.examples import examples

few = examples(20, suppress_health_check=[HealthCheck.too_slow])
"""A request takes milliseconds to make up."""
PIECES = st.sampled_from([1, 8, 40, 200, wire_fields.PIECE_BYTES])
"""Sizes of a piece: small ones take the paths of very large messages."""

_TEXTS = st.sampled_from(["", "a", "key", "a longer text than the others", "ü" * 20])
_LEAVES = st.one_of(
    st.just(AnyValue()),
    st.builds(AnyValue, string_value=_TEXTS),
    st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
    st.builds(AnyValue, bytes_value=st.binary(max_size=40)),
)


def _array(values):
    return AnyValue(array_value={"values": values})


def _map(pairs):
    return AnyValue(kvlist_value={"values": [KeyValue(key=k, value=v) for k, v in pairs]})


_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(_array, st.lists(inner, max_size=4)),
        st.builds(_map, st.lists(st.tuples(_TEXTS, inner), max_size=3)),
    ),
    max_leaves=4,
)
attributes = st.one_of(st.just(KeyValue()), st.builds(KeyValue, key=_TEXTS, value=_VALUES))
_SOME = st.lists(attributes, max_size=3)
events = st.builds(Span.Event, name=_TEXTS, attributes=_SOME, time_unix_nano=st.integers(0, 9))
links = st.builds(Span.Link, trace_state=_TEXTS, attributes=_SOME)
spans = st.builds(
    Span,
    trace_id=st.just(b"\x01" * 16),
    span_id=st.binary(min_size=8, max_size=8).filter(any),
    name=_TEXTS,
    kind=st.integers(0, 5),
    start_time_unix_nano=st.integers(0, 2**64 - 1),
    attributes=st.lists(attributes, max_size=5),
    events=st.lists(events, max_size=4),
    links=st.lists(links, max_size=4),
    dropped_attributes_count=st.sampled_from([0, 7, 2**32 - 1]),
    dropped_events_count=st.sampled_from([0, 7]),
)
resources = st.builds(
    Resource,
    attributes=_SOME,
    entity_refs=st.lists(
        st.builds(
            dict,
            type=_TEXTS,
            id_keys=st.lists(_TEXTS, max_size=3),
            description_keys=st.lists(_TEXTS, max_size=2),
        ),
        max_size=3,
    ),
)
_SCOPES = st.builds(
    dict,
    scope=st.builds(dict, name=_TEXTS, attributes=st.lists(attributes, max_size=1)),
    schema_url=_TEXTS,
    spans=st.lists(spans, max_size=3),
)
requests = st.builds(
    ExportTraceServiceRequest,
    resource_spans=st.lists(
        st.builds(
            dict, resource=resources, schema_url=_TEXTS, scope_spans=st.lists(_SCOPES, max_size=2)
        ),
        max_size=2,
    ),
)


@contextmanager
def patched_pieces(piece_bytes):
    """Inside, nothing larger is taken into hand at once."""
    before = wire_fields.PIECE_BYTES
    wire_fields.PIECE_BYTES = piece_bytes
    try:
        yield
    finally:
        wire_fields.PIECE_BYTES = before
