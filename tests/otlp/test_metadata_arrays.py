"""What spans are says the same, however it is read: as arrays, as metadata, and as whole rows."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from indexer.hot.metadata import HotMetadata
from indexer.otlp.metadata_arrays import TEXT_BYTES_MAX, metadata_arrays
from indexer.otlp.spans import METADATA_COLUMNS, span_metadata, span_table
from indexer.query.tiers.hot_spans import hot_columns
from indexer.spans.metadata import SpanMetadata
from tests.benchmark.export_bodies import Bodies
from tests.otlp.messages import requests

few = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
IDS = {"trace_id": bytes(range(16)), "span_id": bytes(range(8))}
UNUSUAL = {
    "a parent of another size": {"parent_span_id": b"\x01" * 7},
    "a long name": {"name": "é" * TEXT_BYTES_MAX},
    "a kind that is negative": {"kind": -1},
}
ORDINARY = {
    "nothing": {},
    "a kind that OTLP does not have": {"kind": 6},
    "times beyond what is signed": {"start_time_unix_nano": 2**64 - 1},
    "an end before the start": {"start_time_unix_nano": 9, "end_time_unix_nano": 3},
    "a status": {"status": Status(code=Status.STATUS_CODE_ERROR, message="no")},
    "a parent of zeros": {"parent_span_id": bytes(8)},
    "a trace of another size": {"trace_id": b"\x01" * 8},
}


def request_of(*spans: Span, **resource: object) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest(
        resource_spans=[{"resource": resource, "scope_spans": [{"spans": spans}]}]
    )


def rows_of_table(*bodies: bytes) -> tuple[list[SpanMetadata], int]:
    """As a file with the same spans would be read, the judge of the others."""
    table = span_table(bodies)
    return list(hot_columns(table).rows()), table.num_rows


def check_same(*bodies: bytes) -> bool:
    """Whether these are ordinary."""
    expected = rows_of_table(*bodies)
    metadata = span_metadata(bodies)
    assert metadata.column_names == list(METADATA_COLUMNS)
    assert (list(hot_columns(metadata).rows()), metadata.num_rows) == expected
    arrays = metadata_arrays(bodies)
    if arrays is not None:
        found = HotMetadata.of_arrays(arrays)
        assert (list(found.columns.rows()), found.row_count) == expected
    return arrays is not None


@given(st.lists(requests, min_size=1, max_size=3))
@few
def test_any_requests_say_the_same(some: list[ExportTraceServiceRequest]) -> None:
    check_same(*[request.SerializeToString() for request in some])


def test_requests_of_services_are_ordinary() -> None:
    made = Bodies(3)
    assert check_same(*[made.body(number, 10**18 + number) for number in range(3)])
    assert check_same()


@pytest.mark.parametrize("fields", ORDINARY.values(), ids=ORDINARY)
def test_what_only_senders_do_wrong_is_ordinary(fields: dict[str, object]) -> None:
    first, odd = Span(**IDS), Span(**{**IDS, "span_id": b"\x02" * 8, **fields})
    assert check_same(request_of(first, odd, first).SerializeToString())


@pytest.mark.parametrize("fields", UNUSUAL.values(), ids=UNUSUAL)
def test_what_a_reader_would_change_is_left_to_it(fields: dict[str, object]) -> None:
    odd = Span(**{**IDS, **fields})
    assert not check_same(request_of(Span(**IDS), odd).SerializeToString())


def test_a_service_that_is_long_or_no_text_is_the_one_of_the_rows() -> None:
    for value, is_ordinary in (
        ({"string_value": "x" * (TEXT_BYTES_MAX + 1)}, False),
        ({"int_value": 7}, True),
        ({"string_value": ""}, True),
    ):
        named = {"attributes": [{"key": "service.name", "value": value}]}
        body = request_of(Span(**IDS), **named).SerializeToString()
        assert check_same(body) == is_ordinary
