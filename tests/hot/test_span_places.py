"""The few spans of a trace are its rows as values, however requests are held."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.hot import span_places
from indexer.hot.decoding import Decoder
from indexer.hot.requests import HotRequests, Requests
from indexer.wire.generated import ingestion_pb2 as wire
from tests.benchmark.export_bodies import Bodies, trace_ids
from tests.hot.servers import GARBAGE, body, key
from tests.otlp.messages import few, requests
from tests.support.span_files import T0, Span

TRACE = f"{1:032x}"
DRAWN = (b"\x01" * 16).hex()
"""The trace of drawn requests."""
SPANS = st.lists(st.builds(Span, trace=st.integers(1, 3), span=st.integers(1, 9)), max_size=5)


def part(decoder: Decoder, bodies: list[bytes], first: int = 1) -> Requests:
    return Requests.from_wire(
        decoder,
        [
            wire.HotRequest(key=key(at), body=one, span_count=1)
            for at, one in enumerate(bodies, first)
        ],
    )


def values(table: pa.Table) -> list[dict]:
    times = {name: table[name].cast(pa.int64()) for name in ("start_time", "end_time")}
    columns = {name: table[name] for name in table.column_names}
    return pa.table({**columns, **times}).to_pylist()


def assert_same(rows: HotRequests, trace_id: str) -> None:
    found = rows.few(trace_id, may_wait=True)
    assert found == values(rows.trace(trace_id))
    assert rows.few(trace_id, may_wait=False) == found


@given(st.lists(requests, min_size=1, max_size=3))
@few
def test_any_spans_are_the_rows_that_they_become(some: list[ExportTraceServiceRequest]) -> None:
    decoder = Decoder()
    held = part(decoder, [one.SerializeToString() for one in some])
    rows = HotRequests(decoder, [held])
    assert_same(rows, DRAWN)
    rows.table()
    assert_same(rows, DRAWN)


@given(st.lists(st.tuples(SPANS, st.booleans(), st.booleans()), min_size=2, max_size=6))
def test_they_are_found_in_parts_that_are_decoded_or_asked_or_joined(
    given_parts: list[tuple[list[Span], bool, bool]],
) -> None:
    decoder, parts = Decoder(), []
    for at, (some, is_asked, is_decoded) in enumerate(given_parts):
        bodies = [body(*some), body(Span(trace=4), Span(trace=1, span=20)), GARBAGE]
        parts.append(part(decoder, bodies, first=1 + 3 * at))
        if is_asked:
            parts[-1].places(may_wait=True)
        if is_decoded:
            parts[-1].rows()
    both = parts[0].joined(parts[1])
    assert (both is None) == any(one.decoded is None for one in parts[:2])
    rows = HotRequests(decoder, parts if both is None else [both, *parts[2:]])
    for trace in range(1, 6):
        assert_same(rows, f"{trace:032x}")


def test_requests_of_services_have_few_spans_of_a_trace() -> None:
    decoder, made = Decoder(), Bodies(1)
    rows = HotRequests(decoder, [part(decoder, [made.body(number, T0) for number in range(3)])])
    wanted = trace_ids(1, 1)[5]
    assert_same(rows, wanted)
    found = rows.few(wanted, may_wait=False)
    assert found is not None
    assert len(found) == 8


def test_who_may_not_wait_is_told_once_somebody_who_may_has_asked() -> None:
    decoder = Decoder()
    rows = HotRequests(decoder, [part(decoder, [body(Span())])])
    assert rows.few(TRACE, may_wait=False) is None
    assert rows.few(TRACE, may_wait=True) is not None
    assert rows.few(TRACE, may_wait=False) is not None
    rows.table()
    assert rows.few(TRACE, may_wait=False) is not None


@pytest.mark.parametrize("is_decoded", [False, True])
def test_many_are_left_to_columns(is_decoded: bool) -> None:
    """In one request, or in several together; and so are many bytes."""
    decoder, half = Decoder(), span_places.FEW_SPANS // 2 + 1
    each = [body(*(Span(span=100 * at + n) for n in range(1, half + 1))) for at in (1, 2)]
    long = body(Span(trace=2, name="x" * span_places.FEW_BYTES))
    for parts in ([each], [[each[0]], [each[1]]]):
        held = [part(decoder, [*bodies, long], 1 + 3 * at) for at, bodies in enumerate(parts)]
        rows = HotRequests(decoder, held)
        if is_decoded:
            rows.table()
        assert rows.few(TRACE, may_wait=True) is None
        assert rows.trace(TRACE).num_rows == 2 * half
        assert rows.few(f"{2:032x}", may_wait=True) is None
