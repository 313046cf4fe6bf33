"""OTLP over a real gRPC server and channel: what is stored, and what a sender is told."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from indexer.http.grpc_server import RETRY_AFTER_S as GRPC_RETRY_AFTER_S
from indexer.http.grpc_server import CallLimits
from indexer.receive import export as exports
from indexer.receive.export import exporter
from indexer.receive.grpc_server import API_KEY_METADATA, otlp_grpc_server
from tests.receive.sink import KeepingSink
from tests.support.grpc_ports import started

KEY = "k" * 32


@pytest.fixture
def sink() -> KeepingSink:
    return KeepingSink()


@pytest.fixture
def channel(sink: KeepingSink) -> Iterator[grpc.Channel]:
    yield from serving(sink, None)


@pytest.fixture
def guarded(sink: KeepingSink) -> Iterator[grpc.Channel]:
    yield from serving(sink, KEY)


def serving(sink: KeepingSink, api_key: str | None) -> Iterator[grpc.Channel]:
    limits = CallLimits(threads=4, message_bytes=64 << 20)
    server = otlp_grpc_server({"traces": exporter(sink)}, api_key=api_key, limits=limits)
    port = started(server)
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
        yield channel
    server.stop(None).wait()


def request(*ids: tuple[bytes, bytes]) -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    scope = made.resource_spans.add().scope_spans.add()
    for trace_id, span_id in ids:
        scope.spans.add(trace_id=trace_id, span_id=span_id, name="a")
    return made


GOOD = request((b"t" * 16, b"s" * 8), (b"t" * 16, b"u" * 8))


def refusal(call: object, *arguments: object, **options: object) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as refused:
        call(*arguments, **options)  # type: ignore[operator]
    return refused.value


def test_the_bytes_that_were_sent_are_the_bytes_that_are_kept(channel, sink):
    answer = TraceServiceStub(channel).Export(GOOD)
    assert sink.kept == [(GOOD.SerializeToString(), 2)]
    assert not answer.HasField("partial_success")


def test_a_compressed_request_is_taken(channel, sink):
    TraceServiceStub(channel).Export(GOOD, compression=grpc.Compression.Gzip)
    assert sink.kept == [(GOOD.SerializeToString(), 2)]


def test_an_empty_request_succeeds_and_leaves_nothing(channel, sink):
    TraceServiceStub(channel).Export(ExportTraceServiceRequest())
    assert sink.kept == []


def test_spans_without_an_identity_are_counted_as_rejected(channel, sink):
    mixed = request((b"t" * 16, b"s" * 8), (b"", b"s" * 8), (b"t" * 16, bytes(8)))
    answer = TraceServiceStub(channel).Export(mixed)
    assert answer.partial_success.rejected_spans == 2
    assert answer.partial_success.error_message
    assert [count for _, count in sink.kept] == [1]


def test_a_request_of_rejected_spans_alone_leaves_nothing(channel, sink):
    answer = TraceServiceStub(channel).Export(request((b"", b"")))
    assert answer.partial_success.rejected_spans == 1
    assert sink.kept == []


def test_bytes_that_are_no_request_are_the_senders_fault(channel, sink):
    call = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
    refused = refusal(call, b"\xff\xff\xff")
    assert refused.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert sink.kept == []


@pytest.mark.parametrize("how", ["busy", "fails"])
def test_a_busy_sink_asks_the_sender_to_come_back(channel, sink, how):
    """UNAVAILABLE with RetryInfo; every SDK repeats that."""
    setattr(sink, how, True)
    refused = refusal(TraceServiceStub(channel).Export, GOOD)
    assert refused.code() == grpc.StatusCode.UNAVAILABLE
    details = dict(refused.trailing_metadata())["grpc-status-details-bin"]
    retry = RetryInfo()
    assert Status.FromString(details).details[0].Unpack(retry)
    assert retry.retry_delay.seconds == GRPC_RETRY_AFTER_S


def test_a_sink_that_takes_too_long_is_busy(channel, sink, monkeypatch):
    """The sender has given up by then, and repeats."""
    monkeypatch.setattr(exports, "ACKNOWLEDGE_S", 0.01)
    sink.append = lambda *_: exports.Future()
    assert refusal(TraceServiceStub(channel).Export, GOOD).code() == grpc.StatusCode.UNAVAILABLE


def test_a_request_beyond_the_limit_is_refused(channel, sink):
    """By the transport, before it is decoded."""
    large = request((b"t" * 16, b"s" * 8))
    large.resource_spans[0].scope_spans[0].spans[0].name = "x" * (64 << 20)
    refused = refusal(TraceServiceStub(channel).Export, large)
    assert refused.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert sink.kept == []


def test_logs_and_metrics_are_not_kept_and_not_repeated(channel):
    for call, empty in (
        (LogsServiceStub(channel).Export, ExportLogsServiceRequest()),
        (MetricsServiceStub(channel).Export, ExportMetricsServiceRequest()),
    ):
        assert refusal(call, empty).code() == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("given", [None, "", "wrong", KEY[:-1], "é"])
def test_without_the_api_key_nothing_is_kept(guarded, sink, given):
    metadata = [] if given is None else [(API_KEY_METADATA + "-bin", given.encode())]
    metadata = [(API_KEY_METADATA, given)] if given and given.isascii() else metadata
    refused = refusal(TraceServiceStub(guarded).Export, GOOD, metadata=metadata)
    assert refused.code() == grpc.StatusCode.UNAUTHENTICATED
    assert sink.kept == []


def test_with_the_api_key_it_is(guarded, sink):
    TraceServiceStub(guarded).Export(GOOD, metadata=[(API_KEY_METADATA, KEY)])
    assert len(sink.kept) == 1


def test_the_key_may_come_as_a_bearer_token(guarded, sink):
    TraceServiceStub(guarded).Export(GOOD, metadata=[("authorization", f"Bearer {KEY}")])
    assert len(sink.kept) == 1


def test_a_method_that_is_not_here_says_which_one_is(channel):
    for method, said in (
        ("opentelemetry.proto.collector.logs.v1.LogsService/Export", "logs are not accepted"),
        (
            "opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            "metrics are not accepted",
        ),
        ("nobody.Nothing/Export", "only traces"),
    ):
        refused = refusal(channel.unary_unary(f"/{method}"), b"")
        assert refused.code() == grpc.StatusCode.UNIMPLEMENTED
        assert said in refused.details()
