"""Spans that are cut out of a request are those that it has."""

from collections.abc import Iterator
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.errors import InvalidOtlp
from indexer.hot.identity import keys_of_requests
from indexer.hot.request_outline import RequestOutline
from indexer.otlp.request_limits import REQUEST_LIMITS
from indexer.otlp.requests import has_identity
from indexer.otlp.span_groups import join_groups
from tests.benchmark.export_bodies import SPANS, Bodies
from tests.hot.servers import GARBAGE, body
from tests.otlp.messages import PIECES, few, patched_pieces, requests
from tests.support.span_files import T0, Span


def spans_of(request: ExportTraceServiceRequest) -> Iterator[tuple]:
    """Each span with an identity, beside its resource and its scope."""
    for group in request.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                if has_identity(span):
                    yield group.resource, scope.scope, span


def cut(outline: RequestOutline, whole: bytes, numbers: list[int]) -> list[tuple]:
    groups = list(outline.cut(whole, numbers))
    assert list(chain.from_iterable(map(_count, groups))) == [1] * len(numbers)
    return list(spans_of(ExportTraceServiceRequest.FromString(join_groups(groups))))


def _count(group: object) -> list[int]:
    return [1] * len(group.spans)


@given(requests, PIECES, st.data())
@few
def test_any_spans_of_any_request_are_cut_out_as_they_are(
    request: ExportTraceServiceRequest, piece_bytes: int, data: st.DataObject
) -> None:
    """Small pieces take the paths of large requests."""
    whole = request.SerializeToString()
    with patched_pieces(piece_bytes):
        outline = RequestOutline.of(whole)
    expected = list(spans_of(request))
    numbers = [at for at in range(len(outline)) if data.draw(st.booleans())]
    assert cut(outline, whole, numbers) == [expected[at] for at in numbers]
    keys = keys_of_requests([whole])
    assert len(outline) == len(keys)
    every = range(len(keys))
    assert [outline.keys.exact(at) for at in every] == [keys.exact(at) for at in every]


def test_spans_of_services_stand_side_by_side() -> None:
    whole = Bodies(1).body(1, T0)
    outline = RequestOutline.of(whole)
    assert len(outline) == SPANS
    size = outline.size(range(8))
    assert size is not None
    assert 8 * 300 < size < 8 * 600


def test_a_span_that_is_beyond_limits_stands_nowhere() -> None:
    """Nor do those behind it: to look for them may take long."""
    request = ExportTraceServiceRequest.FromString(body(Span(span=1), Span(span=2), Span(span=3)))
    span = request.resource_spans[1].scope_spans[0].spans[0]
    for _ in range(REQUEST_LIMITS.span.events + 1):
        span.events.add()
    outline = RequestOutline.of(request.SerializeToString())
    assert outline.size([0]) is not None
    assert outline.size([0, 1]) is outline.size([2]) is None


def test_what_does_not_parse_is_refused() -> None:
    with pytest.raises(InvalidOtlp):
        RequestOutline.of(GARBAGE)
    assert len(RequestOutline.of(b"")) == 0
