"""Spans that are parsed already, clipped to the limits as those that are still bytes are."""

from collections.abc import Callable, Iterable

from google.protobuf.message import Message
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from indexer.otlp.clip import Clipped, clip_resource, clip_scope, clip_span
from indexer.otlp.span_limits import SpanCheck
from indexer.spans.limits import SPAN_LIMITS, SpanLimits

_Excess = Callable[[bytes], str]
_Shorten = Callable[[bytes, SpanLimits, Clipped], bytes]


def clip_parsed(resources: Iterable[ResourceSpans], limits: SpanLimits = SPAN_LIMITS) -> Clipped:
    """Clip each span, resource and scope beyond the limits in place; what was left out."""
    check, clipped = SpanCheck(limits), Clipped()

    def clip(message: Message, excess: _Excess, shorten: _Shorten) -> None:
        if message.ByteSize() > check.bytes_min and excess(body := message.SerializeToString()):
            message.ParseFromString(shorten(body, limits, clipped))

    for each in resources:
        clip(each.resource, check.resource_excess, clip_resource)
        for scope in each.scope_spans:
            clip(scope.scope, check.scope_excess, clip_scope)
            for span in scope.spans:
                clip(span, check.excess, clip_span)
    return clipped
