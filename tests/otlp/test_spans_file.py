"""A file of these rows is one that the index knows, and nothing in it is odd to the reader."""

import pyarrow.parquet as pq
import pytest

from indexer.otlp.spans import span_table
from indexer.read.dialect_document import dialects
from indexer.read.metadata import read_parquet_metadata
from indexer.read.normalise import canonical
from indexer.read.payload import PAYLOAD_COLUMNS, read_payload
from indexer.system.storage import LocalStorage
from tests.otlp.export_requests import SPAN_ID, START, TRACE_ID, attribute, body, request_of, span

CHILD = "00f067aa0ba902b7"
NONE_DROPPED = {"droppedAttributesCount": 0}
(JUNJO_21,) = [dialect for dialect in dialects() if dialect.name == "junjo-21"]


@pytest.fixture(name="path")
def fixture_path(tmp_path):
    """Two spans of a trace in a file, as the ingestion service writes it."""
    sent = body(
        span(spanId=CHILD, parentSpanId=SPAN_ID, name="child", kind=3, status={"code": 2}),
        span(
            attributes=[attribute("a", intValue=1)],
            events=[{"name": "e", "timeUnixNano": 5}],
            links=[{"traceId": TRACE_ID, "spanId": CHILD, "flags": 1}],
            flags=257,
            traceState="k=v",
        ),
        resource={"attributes": [attribute("service.name", stringValue="shop")]},
        scope={"name": "lib", "version": "1.2"},
    )
    table = span_table([request_of(sent).SerializeToString()])
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, compression="lz4", write_page_checksum=True)
    return path


def test_the_file_is_of_the_21_columns_and_lacks_none(path):
    file = read_parquet_metadata(str(path))
    assert (file.dialect, file.missing_columns, file.nested_columns) == ("junjo-21", (), ())


def test_no_row_is_rejected_and_no_value_clamped(path):
    file = read_parquet_metadata(str(path))
    assert (file.rejected_spans, file.repeated_spans, file.clamped_values) == (0, 0, 0)


def test_all_metadata_is_what_was_sent(path):
    file = read_parquet_metadata(str(path))
    child, root = sorted(file.spans.rows(), key=lambda one: one.file_row_number)
    assert (child.trace_id, child.span_id, child.parent_span_id) == (TRACE_ID, CHILD, SPAN_ID)
    assert (root.trace_id, root.span_id, root.parent_span_id) == (TRACE_ID, SPAN_ID, None)
    assert (child.service_name, child.name, root.name) == ("shop", "child", "GET /")
    assert (root.start_time_unix_nano, root.duration_ns) == (START, 1_000)
    assert [(one.span_kind, one.status_code) for one in (child, root)] == [(3, 2), (2, 0)]
    assert [one.file_row_number for one in (child, root)] == [0, 1]


def test_all_payload_is_what_was_sent(path):
    storage = LocalStorage(path.parent)
    info = storage.stat(path.name).info
    (row,) = read_payload(storage, info, JUNJO_21, [1])
    assert {name: canonical(name, row[name]) for name in PAYLOAD_COLUMNS} == {
        "status_message": None,
        "attributes": {"a": 1},
        "events": [{"name": "e", "timeUnixNano": "5", "attributes": {}, **NONE_DROPPED}],
        "links": [
            {
                "traceId": TRACE_ID,
                "spanId": CHILD,
                "traceState": "",
                "attributes": {},
                "flags": 1,
                **NONE_DROPPED,
            }
        ],
        "resource_attributes": {"service.name": "shop"},
        "trace_state": "k=v",
        "flags": 257,
        "dropped_attributes_count": 0,
        "dropped_events_count": 0,
        "dropped_links_count": 0,
        "resource_dropped_attributes_count": 0,
        "scope_name": "lib",
        "scope_version": "1.2",
        "scope_attributes": {},
    }


def test_rows_at_the_bounds_are_indexed_and_their_odd_values_counted(tmp_path):
    """A time beyond what the column holds and a parent with an invalid ID: both stay, both are said."""
    sent = body(span(endTimeUnixNano=str(2**64 - 1)), span(spanId=CHILD, parentSpanId="ff"))
    table = span_table([request_of(sent).SerializeToString()])
    pq.write_table(table, tmp_path / "a.parquet")
    file = read_parquet_metadata(str(tmp_path / "a.parquet"))
    assert (file.span_count, file.rejected_spans, file.clamped_values) == (2, 0, 2)
    assert {one.parent_span_id for one in file.spans.rows()} == {None}
