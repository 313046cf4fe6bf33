"""A trace request taken apart into its spans, some of one scope at a time, whatever its size.

Nothing is parsed but the outline, and no more than a piece of it is in hand at once. Bytes are
those that were sent: a group put together again says what the request said of these spans.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from indexer.deferred_dataclass import dataclass
from indexer.otlp import skeleton
from indexer.otlp.request_limits import PORTION_SPANS, MessageCount
from indexer.otlp.span_count import read, resource_parts, scope_parts, span_parts
from indexer.otlp.wire_fields import Piece, field_head, pieces

_RESOURCE, _SCOPE, _INNER = 1, 1, 2
"""Numbers of fields: of ResourceSpans and of ScopeSpans, and in each of what is within."""

_RUN = 64
"""Resources or scopes that one parse asks for spans: a million without any cost 0.2 s."""
FEW = 4


@dataclass(frozen=True, slots=True, eq=False)
class SpanGroup:
    """Serialised spans of one scope: at most a piece of bytes, or one span."""

    resource_spans: bytes
    """Their ResourceSpans without any scope."""
    scope_spans: bytes
    """Their ScopeSpans without any span."""
    spans: Sequence[bytes]

    @property
    def resource(self) -> bytes:
        """The Resource; empty if there is none."""
        return b"".join(read(skeleton.ResourceSpans, self.resource_spans).resource)

    @property
    def scope(self) -> bytes:
        """The InstrumentationScope; empty if there is none."""
        return b"".join(read(skeleton.ScopeSpans, self.scope_spans).scope)


def span_groups(body: bytes, count: MessageCount | None = None) -> Iterator[SpanGroup]:
    """The groups of a serialised request in order; scopes without spans have none.

    All messages are added to ``count``. Raises InvalidOtlp, and OtlpTooLarge where ``count`` does.
    """
    whole = count or MessageCount()
    for piece in pieces(body, 0, len(body), fields_max=whole.messages_max):
        if piece.number == _RESOURCE:
            whole.resources += 1
            whole.add(1)
            yield from _large_resource(body, piece, whole)
        elif piece.number == 0:
            part = body[piece.first : piece.last]
            request = read(skeleton.Request, part)
            whole.resources += len(request.resource_spans)
            whole.add(len(request.resource_spans))
            for one in _merged_runs(_resource_has_spans, request.resource_spans):
                yield from _resource_groups(one, whole)


def join_groups(groups: Iterable[SpanGroup]) -> bytes:
    """The request that the groups say. Neighbours of one scope are in one scope again."""
    parts: list[bytes] = []
    for resource_spans, of_resource in groupby(groups, lambda group: group.resource_spans):
        parts += _framed(_RESOURCE, [resource_spans, *_scopes(of_resource)])
    return b"".join(parts)


def _scopes(groups: Iterable[SpanGroup]) -> Iterator[bytes]:
    for scope_spans, of_scope in groupby(groups, lambda group: group.scope_spans):
        spans = [skeleton.ScopeSpans(spans=group.spans).SerializeToString() for group in of_scope]
        yield from _framed(_INNER, [scope_spans, *spans])


def _framed(number: int, parts: list[bytes]) -> list[bytes]:
    """A field of which the parts are the payload; they are not copied."""
    return [field_head(number, sum(map(len, parts))), *parts]


def _merged_runs(has_spans: Callable[[bytes], bool], messages: Sequence[bytes]) -> Iterator[bytes]:
    """The messages; runs of neighbours that have no span are one with the parts of all.

    Of a few it is not asked: each is looked at anyway.
    """
    if len(messages) <= FEW:
        yield from messages
        return
    for first in range(0, len(messages), _RUN):
        run = messages[first : first + _RUN]
        merged = b"".join(run)
        if has_spans(merged):
            yield from run
        elif merged:
            yield merged


def _resource_has_spans(data: bytes) -> bool:
    return bool(read(skeleton.ResourceSpansInside, data).scope_spans.spans)


def _scope_has_spans(data: bytes) -> bool:
    return bool(read(skeleton.ScopeSpans, data).spans)


def _resource_groups(data: bytes, count: MessageCount) -> Iterator[SpanGroup]:
    message = read(skeleton.ResourceSpans, data)
    scopes = list(message.scope_spans)
    count.add(len(scopes))
    del message.scope_spans[:]
    head = bytes(message.SerializeToString())
    _count_owner(message.resource, resource_parts, count)
    for one in _merged_runs(_scope_has_spans, scopes):
        yield from _scope_groups(head, one, count)


def _scope_groups(head: bytes, data: bytes, count: MessageCount) -> Iterator[SpanGroup]:
    message = read(skeleton.ScopeSpans, data)
    spans = list(message.spans)
    count.add(len(spans))
    del message.spans[:]
    scope_head = bytes(message.SerializeToString())
    _count_owner(message.scope, scope_parts, count)
    yield from _cut(head, scope_head, spans, count)


def _large_resource(body: bytes, piece: Piece, count: MessageCount) -> Iterator[SpanGroup]:
    cuts = list(pieces(body, piece.payload, piece.last, fields_max=count.messages_max))
    head = _head(skeleton.ResourceSpans, "scope_spans", body, cuts)
    _count_owner(read(skeleton.ResourceSpans, head).resource, resource_parts, count)
    for cut in cuts:
        if cut.number == _INNER:
            count.add(1)
            yield from _large_scope(head, body, cut, count)
        elif cut.number == 0:
            scopes = read(skeleton.ResourceSpans, body[cut.first : cut.last]).scope_spans
            count.add(len(scopes))
            for one in _merged_runs(_scope_has_spans, scopes):
                yield from _scope_groups(head, one, count)


def _large_scope(
    head: bytes, body: bytes, piece: Piece, count: MessageCount
) -> Iterator[SpanGroup]:
    cuts = list(pieces(body, piece.payload, piece.last, fields_max=count.messages_max))
    scope_head = _head(skeleton.ScopeSpans, "spans", body, cuts)
    _count_owner(read(skeleton.ScopeSpans, scope_head).scope, scope_parts, count)
    for cut in cuts:
        if cut.number == _INNER:
            spans = [body[cut.payload : cut.last]]
        elif cut.number == 0:
            spans = list(read(skeleton.ScopeSpans, body[cut.first : cut.last]).spans)
        else:
            continue
        count.add(len(spans))
        yield from _cut(head, scope_head, spans, count)


def _head(kind: Any, inner: str, body: bytes, cuts: Iterable[Piece]) -> bytes:
    """A message without the repeated field that is ``inner`` to it."""
    parts = []
    for cut in cuts:
        if cut.number != _INNER:
            message = read(kind, body[cut.first : cut.last])
            message.ClearField(inner)
            parts.append(message.SerializeToString())
    return b"".join(parts)


def _cut(
    head: bytes, scope_head: bytes, spans: Sequence[bytes], count: MessageCount
) -> Iterator[SpanGroup]:
    """Groups of so many spans. Those of one piece have at most as many bytes as it."""
    for first in range(0, len(spans), PORTION_SPANS):
        some = spans[first : first + PORTION_SPANS]
        if count.has_parts:
            span_parts(b"".join(some), count)
        yield SpanGroup(head, scope_head, some)


def _count_owner(owner: Iterable[bytes], parts: Any, count: MessageCount) -> None:
    if count.has_parts and owner:
        parts(b"".join(owner), count)
