"""Hot spans that are values are answered as those that are a table."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.hot.span_places import FEW_BYTES
from indexer.hot.view import DecodedRows, HotRows, HotView
from indexer.query.cost import CostAccount
from indexer.query.find.trace_query import TraceQuery
from indexer.query.span import HotTable, HotValues, Span
from indexer.query.tiers.hot_spans import HotSpans
from indexer.query.tiers.hot_values import payload_of_values, spans_of_values
from indexer.read.limits import TEXT_BYTES_MAX
from indexer.read.stored_objects import MISSES_FIRST, StoredObject
from indexer.read.tally import Tally
from indexer.spans.limits import SPAN_LIMITS
from indexer.spans.payload import Payload
from tests.hot.servers import body, hot_requests
from tests.otlp.messages import few, requests
from tests.support.span_files import T0
from tests.support.span_files import Span as Made

TRACE = (b"\x01" * 16).hex()


def answered(
    rows: HotRows, asked: TraceQuery | str = TRACE, *, as_stored: bool = False
) -> list[Span]:
    view = HotView(
        rows=rows, as_of_unix_nano=1, recent_files=(), source="incremental", bounded=False
    )
    tier, account = HotSpans(view=view), CostAccount()
    query = TraceQuery.of(asked) if isinstance(asked, str) else asked
    spans = tier.candidates(query).spans
    payloads = tier.payload(spans, account, as_stored=as_stored).payloads
    return [span.with_payload(one) for span, one in zip(spans, payloads, strict=True)]


def assert_alike(*bodies: bytes, trace_id: str = TRACE) -> list[Span]:
    """All but the source, and the row of it, which may be another one of the same rows."""
    rows = hot_requests(*bodies)
    values = answered(rows, trace_id)
    table = answered(DecodedRows(rows.trace(trace_id)), trace_id)
    assert all(isinstance(span.source, HotValues) for span in values)
    assert all(isinstance(span.source, HotTable) for span in table)
    assert [_plain(one) for one in values] == [_plain(one) for one in table]
    return values


def _plain(span: Span) -> tuple:
    return (*span[:9], *span[10:])


@given(st.lists(requests, min_size=1, max_size=2))
@few
def test_any_spans_are_answered_alike(some: list[ExportTraceServiceRequest]) -> None:
    assert_alike(*(one.SerializeToString() for one in some))


BOUNDS = st.none() | st.integers(T0 - 1, T0 + 3)
IDS = st.integers(1, 3).map("{:016x}".format)
QUERIES = st.builds(
    TraceQuery,
    trace_id=st.just(f"{1:032x}"),
    span_id=st.none() | IDS,
    since_unix_nano=BOUNDS,
    until_unix_nano=BOUNDS,
    after=st.none() | st.tuples(st.integers(T0 - 1, T0 + 3), IDS, st.integers(0, 3)),
)
SPANS = st.lists(
    st.builds(
        Made,
        trace=st.integers(1, 2),
        span=st.integers(1, 3),
        kind=st.integers(1, 2),
        start=st.integers(T0, T0 + 2),
    ),
    max_size=6,
)


@given(QUERIES, SPANS)
def test_any_part_of_a_trace_is_answered_alike(query: TraceQuery, some: list[Made]) -> None:
    rows = hot_requests(body(*some))
    table = DecodedRows(rows.trace(query.trace_id))
    assert list(map(_plain, answered(rows, query))) == list(map(_plain, answered(table, query)))


def changed(change: Callable[[ExportTraceServiceRequest], object]) -> bytes:
    request = ExportTraceServiceRequest.FromString(body(Made(trace=1)))
    change(request)
    return request.SerializeToString()


def _span(request: ExportTraceServiceRequest) -> object:
    return request.resource_spans[0].scope_spans[0].spans[0]


ODD = {
    "a parent with too few bytes": lambda one: setattr(_span(one), "parent_span_id", b"\x01"),
    "a parent with 16 bytes": lambda one: setattr(_span(one), "parent_span_id", b"\x01" * 16),
    "a parent in capitals": lambda one: setattr(_span(one), "parent_span_id", b"\xab" * 8),
    "a parent of zeros": lambda one: setattr(_span(one), "parent_span_id", bytes(8)),
    "a long name": lambda one: setattr(_span(one), "name", "ü" * TEXT_BYTES_MAX),
    "a name that may be cut": lambda one: setattr(_span(one), "name", "x" * (TEXT_BYTES_MAX - 1)),
    "a long service": lambda one: one.resource_spans[0].resource.attributes.add(
        key="service.name", value={"string_value": "s" * (TEXT_BYTES_MAX + 1)}
    ),
    "no service": lambda one: one.resource_spans[0].resource.ClearField("attributes"),
    "a time beyond a timestamp": lambda one: setattr(_span(one), "start_time_unix_nano", 2**64 - 1),
    "no end": lambda one: setattr(_span(one), "end_time_unix_nano", 0),
    "a code that is none": lambda one: setattr(_span(one), "kind", 77),
    "more attributes than are read": lambda one: [
        _span(one).attributes.add(key=f"k{at}") for at in range(SPAN_LIMITS.attributes + 1)
    ],
    "many events": lambda one: [_span(one).events.add(name="e") for _ in range(300)],
    "an array with more values than are read": lambda one: _span(one).attributes.add(
        key="k", value={"array_value": {"values": [{}] * (SPAN_LIMITS.values + 1)}}
    ),
    "a scope": lambda one: one.resource_spans[0].scope_spans[0].scope.attributes.add(key="k"),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_span_is_answered_alike(odd: str) -> None:
    one = changed(ODD[odd])
    rows = hot_requests(one)
    if rows.few(f"{1:032x}", may_wait=True) is None:  # it is left to columns
        assert len(one) > FEW_BYTES or "more" in odd
        return
    (span,) = assert_alike(one, trace_id=f"{1:032x}")
    assert span.payload is not None


def test_of_two_copies_the_first_counts() -> None:
    both = [body(Made(span=1, name="first"), Made(span=2)), body(Made(span=1, name="again"))]
    found = assert_alike(*both, trace_id=f"{1:032x}")
    assert [span.name for span in found] == ["first", "GET /"]


def test_attributes_may_be_as_they_are_stored() -> None:
    """They mean the same."""
    one = changed(lambda it: _span(it).attributes.add(key="hot", value={"int_value": 5}))
    for _ in range(MISSES_FIRST + 1):
        (stored,) = answered(hot_requests(one), f"{1:032x}", as_stored=True)
    (plain,) = answered(hot_requests(one), f"{1:032x}")
    assert stored.payload is not None
    assert plain.payload is not None
    assert isinstance(stored.payload.attributes, StoredObject)
    assert stored.payload.attributes.value == plain.payload.attributes == {"hot": 5}


def test_texts_are_counted() -> None:
    rows = hot_requests(body(Made())).few(f"{1:032x}", may_wait=True)
    assert rows is not None
    source, tally = HotValues(rows), Tally()
    (span,) = spans_of_values(source)
    (payload,) = payload_of_values(source, [span.row], tally)
    assert isinstance(payload, Payload)
    assert tally.text_bytes == len('{"service.name":"shop"}[][]{}')
