"""Spans that share an id, as Zipkin's client and server do: which is whose parent, which answers.

A span names its parent by id alone. Where a client's and a server's span have one id, the call is
the client's, the server's span is what it called, and what names the id as its parent is part of
the server's work. So do Zipkin, Jaeger and Tempo show them. Pure.
"""

from collections.abc import Hashable, Sequence

from indexer.deferred_dataclass import dataclass

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
"""OTLP trace.proto, Span.SpanKind."""
_CALLED, _CALLING = (SERVER, CONSUMER), (CLIENT, PRODUCER)


@dataclass(frozen=True, slots=True)
class Link:
    """What places a span in the tree of its trace."""

    span_id: Hashable
    parent_span_id: Hashable | None
    kind: int


def parents(spans: Sequence[Link]) -> list[int | None]:
    """For each span of a trace the position of its parent; None for one that has none here.

    Spans that name each other as their parent do so here too: whoever walks up or down the tree
    has to stop at a span that it has passed.
    """
    sharing: dict[Hashable, list[int]] = {}
    for position, span in enumerate(spans):
        sharing.setdefault(span.span_id, []).append(position)
    working = {span_id: at[0] for span_id, at in sharing.items()}
    callers: dict[Hashable, int | None] = {}
    for span_id, positions in sharing.items():
        if len(positions) > 1:  # of 200,000 spans, mostly none
            working[span_id] = _at_work(spans, positions)
            callers[span_id] = _first(spans, positions, _CALLING)
    found: list[int | None] = []
    for span in spans:
        caller = callers.get(span.span_id)
        if caller is not None and span.kind in _CALLED:
            found.append(caller)
        elif span.parent_span_id == span.span_id:
            found.append(None)
        else:
            found.append(working.get(span.parent_span_id))
    return found


def at_work(kinds: Sequence[int]) -> int:
    """Position of the span that an id stands for, of one or more that have it.

    The server's, which did the work and has what was part of it; else the first.
    """
    links = [Link(0, None, kind) for kind in kinds]
    return _at_work(links, range(len(links)))


def _at_work(spans: Sequence[Link], positions: Sequence[int]) -> int:
    called = _first(spans, positions, _CALLED)
    return positions[0] if called is None else called


def _first(spans: Sequence[Link], positions: Sequence[int], kinds: Sequence[int]) -> int | None:
    """The first span of the first of the kinds that any has."""
    for kind in kinds:
        for position in positions:
            if spans[position].kind == kind:
                return position
    return None
