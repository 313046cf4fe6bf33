"""One trace is found in requests that nobody has decoded, and nobody waits for those who do."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan

from indexer.errors import InvalidOtlp
from indexer.hot.decoding import Decoder, only_trace, rows_bytes
from indexer.hot.requests import HotRequests, Requests
from indexer.otlp.spans import span_table
from indexer.wire.generated import ingestion_pb2 as wire
from tests.benchmark.export_bodies import Bodies, trace_ids
from tests.hot.servers import GARBAGE, body, key
from tests.support.span_files import T0, Span

TRACE = f"{1:032x}"


def arrived(*bodies: bytes, decoder: Decoder | None = None) -> tuple[HotRequests, Requests]:
    """A view, and the part that it is made of."""
    decoder = decoder or Decoder()
    requests = [
        wire.HotRequest(key=key(at), body=one, span_count=1) for at, one in enumerate(bodies, 1)
    ]
    part = Requests.from_wire(decoder, requests)
    return HotRequests(decoder, [part]), part


def test_a_trace_of_undecoded_requests_is_the_one_of_decoded_ones() -> None:
    """Every column of it, of requests as services send them."""
    made = Bodies(1)
    bodies = [made.body(number, T0) for number in range(3)]
    for wanted in (trace_ids(1, 1)[5], trace_ids(1, 2)[0], TRACE):
        raw, part = arrived(*bodies)
        found = raw.trace(wanted)
        assert part.decoded is None
        raw.table()
        assert part.decoded is not None
        assert found.to_pylist() == raw.trace(wanted).to_pylist()
        assert found.num_rows == (0 if wanted == TRACE else 8)


def test_what_identifies_spans_is_known_before_they_are_decoded_and_after() -> None:
    bodies = [body(Span(trace=2), Span(span=5)), body(Span(span=7))]
    raw, part = arrived(*bodies)
    before = raw.identities()
    assert part.decoded is None
    assert raw.count() == 2  # as the server said
    raw.table()
    decoded, _ = arrived(*bodies)
    decoded.table()
    after = decoded.identities()
    assert [before.exact(at) for at in range(3)] == [after.exact(at) for at in range(3)]
    assert (len(before), len(after), raw.count()) == (3, 3, 3)


def test_nothing_else_is_decoded() -> None:
    """Of the request that has the trace, the spans of the trace alone."""
    given: list[int] = []

    def requests(bodies: Iterable[bytes]) -> pa.Table:
        found = span_table(bodies)
        given.append(found.num_rows)
        return found

    both = body(Span(span=1), Span(span=2, trace=2), Span(span=3))
    rows, _ = arrived(body(Span(trace=2)), both, decoder=Decoder(requests=requests))
    assert rows.trace(TRACE)["span_id"].to_pylist() == [f"{1:016x}", f"{3:016x}"]
    assert given == [2]


def test_a_trace_that_is_not_hot_has_no_rows_and_all_columns() -> None:
    """Whatever else is hot, and where nothing is."""
    rows, _ = arrived(body(Span(trace=2)))
    nothing, other = HotRequests(Decoder(), []).trace(TRACE), rows.trace(TRACE)
    assert (nothing.num_rows, other.num_rows) == (0, 0)
    assert nothing.schema == other.schema == rows.table().schema


def test_a_link_to_the_trace_is_no_span_of_it() -> None:
    request = ExportTraceServiceRequest.FromString(body(Span(trace=2)))
    link = OtlpSpan.Link(trace_id=bytes.fromhex(TRACE), span_id=bytes(7) + b"\1")
    request.resource_spans[0].scope_spans[0].spans[0].links.append(link)
    rows, _ = arrived(request.SerializeToString())
    assert rows.trace(TRACE).num_rows == 0
    assert rows.trace(f"{2:032x}").num_rows == 1


def test_a_request_that_cannot_be_read_is_known_before_anything_is_decoded() -> None:
    rows, part = arrived(body(Span(span=1)), GARBAGE, body(Span(span=3)))
    assert (part.decoded, part.unreadable) == (None, [key(2)])
    assert rows.trace(TRACE).num_rows == 2
    assert rows.table().num_rows == 2
    assert part.unreadable == [key(2)]
    for function in (rows_bytes, lambda one: only_trace(one, bytes(16))):
        with pytest.raises(InvalidOtlp):
            function(GARBAGE)


@pytest.mark.parametrize("spans", [1, 7, 300])
def test_the_rows_are_no_larger_than_was_counted_for_them(spans: int) -> None:
    """So that what is not decoded yet keeps within the buffer's bound once it is."""
    small = body(*(Span(span=1 + number, name="") for number in range(spans)))
    for one in (small, Bodies(2).body(spans, T0)):
        rows, part = arrived(one)
        before = part.nbytes
        assert rows.table().nbytes <= part.nbytes <= before


def test_a_trace_does_not_wait_for_a_thread_that_decodes() -> None:
    decoding, go_on = threading.Event(), threading.Event()

    def requests(bodies: Iterable[bytes]) -> pa.Table:
        if threading.current_thread() is not threading.main_thread():
            decoding.set()
            assert go_on.wait(100)
        return span_table(bodies)

    rows, _ = arrived(body(Span(span=1)), decoder=Decoder(requests=requests))
    with ThreadPoolExecutor(1) as pool:
        whole = pool.submit(rows.table)
        assert decoding.wait(100)
        assert rows.trace(TRACE).num_rows == 1
        go_on.set()
        assert whole.result(100).num_rows == 1


def test_threads_that_want_all_rows_decode_them_once() -> None:
    calls: list[int] = []

    def requests(bodies: Iterable[bytes]) -> pa.Table:
        calls.append(1)
        return span_table(bodies)

    rows, _ = arrived(body(Span(span=1)), decoder=Decoder(requests=requests))
    with ThreadPoolExecutor(4) as pool:
        tables = list(pool.map(lambda _: rows.table().num_rows, range(8)))
    assert tables == [1] * 8
    assert calls == [1]
