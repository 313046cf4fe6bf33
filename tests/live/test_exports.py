"""What becomes of export requests: kept as they came, cut where they are large, or refused."""

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.errors import InvalidOtlp, OtlpTooLarge
from indexer.live.exports import BODY_BYTES_MAX, CUT_BYTES_MIN, exporter
from indexer.live.limits import RingLimits
from tests.live.rings import spans
from tests.support import otlp_samples
from tests.support.otlp_json import json_line

SAMPLES = {
    "traces": otlp_samples.traces(),
    "logs": otlp_samples.logs(),
    "metrics": otlp_samples.metrics(),
}


@pytest.fixture
def kept():
    return []


def exports(kept, signal, **limits):
    return exporter(signal, lambda _, pieces: kept.extend(pieces), RingLimits(**limits))


@pytest.mark.parametrize("signal", SAMPLES)
def test_what_was_sent_is_what_is_kept_with_the_number_of_its_rows(kept, signal):
    request = SAMPLES[signal]
    answer = exports(kept, signal)(request.SerializeToString(), False)
    assert answer.ByteSize() == 0
    (piece,) = kept
    assert piece.content == request.SerializeToString()
    assert piece.rows == rows(signal, request)


@pytest.mark.parametrize("signal", SAMPLES)
def test_json_is_kept_as_protobuf(kept, signal):
    request = SAMPLES[signal]
    exports(kept, signal)(json_line(request), True)
    assert type(request).FromString(kept[0].content) == request
    assert kept[0].rows == rows(signal, request)


@pytest.mark.parametrize("signal", SAMPLES)
def test_what_is_no_request_is_refused_and_changes_nothing(kept, signal):
    for body, is_json in ((b"\xff\xff", False), (b"[]", True), (b"{", True)):
        with pytest.raises(InvalidOtlp):
            exports(kept, signal)(body, is_json)
    assert kept == []


@pytest.mark.parametrize("signal", ["logs", "metrics"])
def test_a_request_of_another_signal_is_refused_under_its_name(kept, signal):
    with pytest.raises(InvalidOtlp, match="its records are traces"):
        exports(kept, signal)(spans(0, 3).SerializeToString(), False)


def test_spans_without_ids_are_rejected_alone(kept):
    request = spans(0, 3)
    request.resource_spans[0].scope_spans[0].spans[1].trace_id = b""
    answer = exports(kept, "traces")(request.SerializeToString(), False)
    assert answer.partial_success.rejected_spans == 1
    (piece,) = kept
    found = ExportTraceServiceRequest.FromString(piece.content)
    assert [span.name for span in found.resource_spans[0].scope_spans[0].spans] == ["0", "2"]
    assert piece.rows == 2


def test_an_empty_request_succeeds_and_leaves_nothing(kept):
    assert exports(kept, "metrics")(b"", False).ByteSize() == 0
    assert kept == []


def test_a_request_beyond_the_limit_is_refused(kept):
    with pytest.raises(OtlpTooLarge, match=f"limit {BODY_BYTES_MAX}"):
        exports(kept, "logs")(bytes(BODY_BYTES_MAX + 1), False)


def test_a_large_request_is_cut_so_that_a_small_ring_keeps_most_of_its_bytes(kept):
    request = spans(0, 9000, resources=3)
    body = request.SerializeToString()
    assert len(body) > 2 * CUT_BYTES_MIN
    exports(kept, "traces", bytes=1 << 20)(body, False)
    assert max(piece.size_bytes for piece in kept) < 1.1 * CUT_BYTES_MIN
    assert sum(piece.rows for piece in kept) == 9000
    joined = ExportTraceServiceRequest.FromString(b"".join(piece.content for piece in kept))
    names = [
        span.name
        for each in joined.resource_spans
        for scope in each.scope_spans
        for span in scope.spans
    ]
    assert names == [str(number) for number in range(9000)]


def test_a_resource_that_rows_would_repeat_too_often_is_cut_too(kept):
    request = ExportLogsServiceRequest()
    each = request.resource_logs.add()
    each.resource.attributes.add(key="k").value.string_value = "x" * 60_000
    records = each.scope_logs.add().log_records
    for _ in range(1000):
        records.add(time_unix_nano=1)
    exports(kept, "logs")(request.SerializeToString(), False)
    assert len(kept) == 4
    assert sum(piece.rows for piece in kept) == 1000


def test_the_points_of_one_metric_are_cut_as_well(kept):
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="m", unit="s")
    for number in range(6000):
        metric.gauge.data_points.add(as_int=number, time_unix_nano=1)
    exports(kept, "metrics", bytes=1 << 20)(request.SerializeToString(), False)
    assert len(kept) > 1
    joined = ExportMetricsServiceRequest.FromString(b"".join(piece.content for piece in kept))
    found = [
        (metric.name, metric.unit, point.as_int)
        for each in joined.resource_metrics
        for metric in each.scope_metrics[0].metrics
        for point in metric.gauge.data_points
    ]
    assert found == [("m", "s", number) for number in range(6000)]


def rows(signal, request):
    """Counted by hand."""
    if signal == "traces":
        return len(request.resource_spans[0].scope_spans[0].spans)
    if signal == "logs":
        return len(request.resource_logs[0].scope_logs[0].log_records)
    metrics = request.resource_metrics[0].scope_metrics[0].metrics
    return sum(len(getattr(one, one.WhichOneof("data")).data_points) for one in metrics)
