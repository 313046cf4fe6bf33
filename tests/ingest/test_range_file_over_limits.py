"""A log of an older version holds a span of a million parts: nothing stops, and little is spent."""

import json
import logging
import subprocess
import sys

import grpc
import pyarrow.parquet as pq
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.hot.decoding import Decoder
from indexer.hot.requests import HotRequests, Requests
from indexer.ingest.hot_snapshot import HotSnapshots
from indexer.ingest.service import InternalIngestion, internal_server
from indexer.otlp.spans import span_table, span_table_of
from indexer.otlp.wire_fields import field
from indexer.run.poller import _decoded
from indexer.spans.limits import SPAN_LIMITS
from indexer.telemetry.log import LOGGER
from indexer.wire.generated import ingestion_pb2 as wire
from indexer.wire.generated import ingestion_pb2_grpc
from tests.ingest.bodies import append, body
from tests.otlp.export_requests import rows
from tests.otlp.hostile_bodies import IDS, PROTOBUF
from tests.support.grpc_ports import started

TRACE = "01" * 16
COUNT = 1_000_000
HEAVY = PROTOBUF["events"](COUNT)
LEFT_OUT = COUNT - SPAN_LIMITS.events


@pytest.fixture
def events(caplog, monkeypatch):
    """What is logged about spans beyond limits."""
    monkeypatch.setattr(LOGGER, "propagate", True)
    caplog.set_level(logging.WARNING, LOGGER.name)
    return lambda: [
        one.fields for one in caplog.records if getattr(one, "event", "") == "spans.clipped"
    ]


def counts(row):
    """(events kept, events left out) of a row."""
    return len(json.loads(row["events"])), row["dropped_events_count"]


def heavy_row(table):
    """The one row of the span of a million events."""
    (found,) = (row for row in rows(table) if row["trace_id"] == TRACE)
    return found


def test_it_is_flushed_in_part_beside_its_neighbours_and_logged(wal, make_flusher, events):
    append(wal, body(7), HEAVY, body(9))
    (done,) = make_flusher().flush_all()
    assert (done.span_count, done.refused_count) == (3, 0)
    assert counts(heavy_row(pq.read_table(done.path))) == (SPAN_LIMITS.events, LEFT_OUT)
    (logged,) = events()
    assert logged == {"attributes": 0, "events": LEFT_OUT, "links": 0}


def test_it_is_in_a_snapshot_in_part(wal, process, tmp_path):
    append(wal, HEAVY, body(9))
    found = HotSnapshots(wal, tmp_path / "wal" / "snapshots", process).prepare()
    assert found.row_count == 2
    assert counts(heavy_row(pq.read_table(found.path))) == (SPAN_LIMITS.events, LEFT_OUT)


def test_a_hot_question_is_answered_in_part_and_clipped_once(events):
    decoder = Decoder()
    requests = [
        wire.HotRequest(key=bytes([at]) * 16, body=one, span_count=1)
        for at, one in enumerate([HEAVY, body(9)], 1)
    ]
    part = Requests.from_wire(decoder, requests)
    assert part.body_bytes < 100_000
    assert part.unreadable == []
    hot = HotRequests(decoder, [part])
    assert counts(heavy_row(hot.trace(TRACE))) == (SPAN_LIMITS.events, LEFT_OUT)
    assert hot.table().num_rows == 2
    assert counts(heavy_row(hot.trace(TRACE))) == (SPAN_LIMITS.events, LEFT_OUT)
    assert [one["events"] for one in events()] == [LEFT_OUT]


def test_it_is_sent_in_part_to_who_reads_spans(wal, make_flusher, process, tmp_path):
    append(wal, HEAVY, body(9))
    snapshots = HotSnapshots(wal, tmp_path / "wal" / "snapshots", process)
    server = internal_server(InternalIngestion(wal, make_flusher(), snapshots))
    with grpc.insecure_channel(f"127.0.0.1:{started(server)}") as channel:
        stub = ingestion_pb2_grpc.InternalIngestionServiceStub(channel)
        found = [one for one in stub.ReadSpans(wire.ReadSpansRequest()) if one.span_bytes]
    server.stop(0).wait()
    assert len(found) == 2
    heavy = Span.FromString(found[0].span_bytes)
    assert (len(heavy.events), heavy.dropped_events_count) == (SPAN_LIMITS.events, LEFT_OUT)


def test_a_polled_span_is_a_row_in_part(events):
    span = IDS + field(11, b"") * COUNT
    resource = field(1, field(1, b"a")) * (SPAN_LIMITS.attributes + 1)
    message = wire.ReadSpansResponse(span_bytes=span, resource_bytes=resource)
    table, refused = _decoded([message])
    assert refused == []
    (row,) = table.to_pylist()
    assert counts(row) == (SPAN_LIMITS.events, LEFT_OUT)
    assert row["resource_dropped_attributes_count"] == 1
    assert events() == [{"attributes": 1, "events": LEFT_OUT, "links": 0}]


def test_a_polled_span_that_does_not_decode_is_kept_aside():
    large = b"\x5a\x05abc" + field(11, b"") * 20_000
    _, refused = _decoded([wire.ReadSpansResponse(span_bytes=large)])
    ((_, reason),) = refused
    assert reason.startswith("it does not decode: ")


@pytest.mark.parametrize("shape", ["attributes", "links", "array", "map", "resource attributes"])
def test_each_kind_of_part_is_bounded_in_a_table(shape):
    (row,) = span_table([PROTOBUF[shape](400_000)]).to_pylist()
    if shape == "resource attributes":
        assert row["resource_dropped_attributes_count"] == 400_000 - SPAN_LIMITS.attributes
    elif shape == "links":
        assert row["dropped_links_count"] == 400_000 - SPAN_LIMITS.links
    else:
        kept = SPAN_LIMITS.attributes if shape == "attributes" else 0
        assert row["dropped_attributes_count"] == (400_000 if kept else 1) - kept


def test_a_pair_within_limits_is_as_it_was():
    (row,) = span_table_of([(IDS, b"")]).to_pylist()
    assert (row["dropped_events_count"], row["events"]) == (0, "[]")


_MEASURED = """
import sys
from indexer.hot.decoding import only_trace, rows_bytes
from indexer.otlp.spans import span_table
from tests.otlp.hostile_bodies import PROTOBUF
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) >> 10
span_table([PROTOBUF["events"](3)])
body = PROTOBUF[sys.argv[1]](1_500_000)
before = peak()
span_table([body])
rows_bytes(body)
only_trace(body, b"\\1" * 16)
print(peak() - before)
"""


@pytest.mark.parametrize("shape", ["events", "spans"])
def test_millions_of_parts_take_no_memory(shape):
    """Of a process of its own: what protobuf allocates is seen by nobody else."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, shape], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 250  # 510 MB as messages
