"""A stored trace request in portions that can be parsed one by one in bounded memory.

An ordinary request is one portion, itself, found so with a few parses of its outline. Every way
from the log to rows goes through here, so that no request, of whatever age, is parsed as a whole
that is larger, and no span leaves that holds more than one may.
"""

from collections.abc import Iterator, Sequence

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidOtlp
from indexer.otlp import skeleton, wire_fields
from indexer.otlp.clip import Clipped, clip_resource, clip_scope, clip_span
from indexer.otlp.request_limits import PORTION_SPANS, REQUEST_LIMITS, RequestLimits
from indexer.otlp.span_count import read
from indexer.otlp.span_groups import SpanGroup, join_groups, span_groups
from indexer.otlp.span_limits import FIELD_BYTES_MIN, SpanCheck
from indexer.otlp.wire_fields import field


def portions(
    body: bytes, limits: RequestLimits = REQUEST_LIMITS, clipped: Clipped | None = None
) -> Iterator[bytes]:
    """Serialised requests that together have the spans of the body, in order.

    Spans, resources and scopes beyond limits are clipped, and counted in ``clipped``. Raises
    InvalidOtlp.
    """
    if is_ordinary(body, limits):
        yield body
        return
    clip = _Clip(limits, Clipped() if clipped is None else clipped)
    groups: list[SpanGroup] = []
    spans = size = 0
    for group in span_groups(body):
        more = clip.group(group)
        groups.append(more)
        spans += len(more.spans)
        size += sum(map(len, more.spans)) + len(more.resource_spans) + len(more.scope_spans)
        if spans >= PORTION_SPANS or size >= wire_fields.PIECE_BYTES:
            yield join_groups(groups)
            groups, spans, size = [], 0, 0
    if groups:
        yield join_groups(groups)


def is_ordinary(body: bytes, limits: RequestLimits = REQUEST_LIMITS) -> bool:
    """Whether the request is small enough to be parsed as a whole, with nothing beyond limits.

    It need not be a request; the parser tells.
    """
    if len(body) > min(wire_fields.PIECE_BYTES, FIELD_BYTES_MIN * limits.messages):
        return False
    check = SpanCheck(limits.span)
    try:
        return len(body) <= check.bytes_min or _is_within(body, check)
    except InvalidOtlp:
        return False


def _is_within(body: bytes, check: SpanCheck) -> bool:
    scopes = read(skeleton.RequestScopes, body).resource_spans
    inside = read(skeleton.RequestSpans, body).resource_spans.scope_spans
    spans = inside.spans
    return (
        len(read(skeleton.Request, body).resource_spans) <= PORTION_SPANS
        and len(scopes.scope_spans) <= PORTION_SPANS
        and len(spans) <= PORTION_SPANS
        and not _has_excess(spans, check)
        and not any(map(check.resource_excess, scopes.resource))
        and not any(map(check.scope_excess, inside.scope))
    )


def _has_excess(spans: Sequence[bytes], check: SpanCheck) -> bool:
    """Whether one is beyond limits; mostly all are too short for it."""
    if max(map(len, spans), default=0) <= check.bytes_min:
        return False
    return any(check.excess(span) for span in spans if len(span) > check.bytes_min)


def within_limits(
    span: bytes, resource: bytes, limits: RequestLimits, clipped: Clipped
) -> tuple[bytes, bytes]:
    """A serialised span and its Resource, clipped where they are beyond. Raises InvalidOtlp."""
    check = SpanCheck(limits.span)
    if check.excess(span):
        span = clip_span(span, limits.span, clipped)
    if check.resource_excess(resource):
        resource = clip_resource(resource, limits.span, clipped)
    return span, resource


@dataclass(slots=True)
class _Clip:
    """What every group goes through; a resource is looked at once for all groups that share it."""

    limits: RequestLimits
    clipped: Clipped
    _heads: tuple[bytes, bytes] = (b"", b"")
    _clipped_heads: tuple[bytes, bytes] = (b"", b"")

    def group(self, group: SpanGroup) -> SpanGroup:
        heads = (group.resource_spans, group.scope_spans)
        if heads[0] is not self._heads[0] or heads[1] is not self._heads[1]:
            self._heads, self._clipped_heads = heads, self._heads_of(group)
        return SpanGroup(*self._clipped_heads, self._spans_of(group.spans))

    def _spans_of(self, spans: Sequence[bytes]) -> list[bytes]:
        check = SpanCheck(self.limits.span)
        most = check.bytes_min
        return [
            clip_span(span, self.limits.span, self.clipped)
            if len(span) > most and check.excess(span)
            else span
            for span in spans
        ]

    def _heads_of(self, group: SpanGroup) -> tuple[bytes, bytes]:
        limits, check = self.limits.span, SpanCheck(self.limits.span)
        resource, scope = group.resource_spans, group.scope_spans
        if check.resource_excess(group.resource):
            resource = field(1, clip_resource(group.resource, limits, self.clipped))
        if check.scope_excess(group.scope):
            scope = field(1, clip_scope(group.scope, limits, self.clipped))
        return resource, scope
