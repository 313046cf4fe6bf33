"""What an export may hold and how it may be packed, at both doors that take exports."""

import gzip
import json
import threading

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from indexer.otlp.request_limits import MESSAGES_MAX, RequestLimits
from indexer.spans.limits import SpanLimits
from tests.otlp.hostile_bodies import IDS, JSON, PROTOBUF, field, span_body
from tests.receive.sink import KeepingSink
from tests.support.doors import TRACES, grpc_door, http_door

LIMITS = RequestLimits(
    messages=5_000, span=SpanLimits(attributes=100, events=100, links=100, values=200)
)
"""Small ones, so that a body beyond them is made and refused in no time."""
OF_A_SPAN = {"attributes", "events", "links", "event attributes", "link attributes", "array", "map"}
OF_SHARED = {"resource attributes", "resource entities", "entity keys", "scope attributes"}
DOORS = ("otlp_http", "otlp_grpc")
GOOD = field(2, IDS)
PROTOBUF_TYPE = "application/x-protobuf"


class Otlp:
    """One of the two doors, and what an export comes to there."""

    def __init__(self, door, name: str) -> None:
        self.sink: KeepingSink = door.sink
        self._door, self._name = door, name

    def export(self, body: bytes) -> tuple[str, ExportTraceServiceResponse]:
        """("ok", response), or the refusal's name."""
        if self._name == "otlp_grpc":
            try:
                return "ok", ExportTraceServiceResponse.FromString(self._door.ask(body))
            except grpc.RpcError as error:
                return error.code().name, ExportTraceServiceResponse()
        status, content = self.post(body, PROTOBUF_TYPE)
        if status != 200:
            return str(status), ExportTraceServiceResponse()
        return "ok", ExportTraceServiceResponse.FromString(content)

    def post(self, body: bytes, kind: str, **headers: str) -> tuple[int, bytes]:
        client = self._door.client()
        client.request("POST", "/v1/traces", body, {"content-type": kind, **headers})
        answer = client.getresponse()
        content = answer.read()
        client.close()
        return answer.status, content


@pytest.fixture(params=DOORS, scope="module")
def otlp(request, tmp_path_factory):
    open_door = grpc_door if request.param == "otlp_grpc" else http_door
    with open_door(request.param, tmp_path_factory.mktemp("otlp"), otlp_limits=LIMITS) as door:
        yield Otlp(door, request.param)


REFUSED = {"413", "400", "INVALID_ARGUMENT"}


@pytest.mark.parametrize("shape", sorted(PROTOBUF.keys() - {"unknown fields"}))
def test_more_messages_than_a_request_may_have_are_refused(otlp, shape):
    """Whatever the messages are, and nothing of them is kept."""
    kept = len(otlp.sink.kept)
    said, _ = otlp.export(PROTOBUF[shape](LIMITS.messages + 1))
    assert said in REFUSED
    assert len(otlp.sink.kept) == kept
    assert otlp.export(span_body(GOOD))[0] == "ok"


@pytest.mark.parametrize("shape", sorted(OF_A_SPAN | OF_SHARED))
def test_a_span_beyond_its_limits_is_rejected_alone(otlp, shape):
    """Its neighbours in the request are kept, byte for byte."""
    heavy = PROTOBUF[shape](LIMITS.span.values + 1)
    said, response = otlp.export(span_body(GOOD) + heavy)
    assert said == "ok"
    assert response.partial_success.rejected_spans == 1
    assert "1 of 2 spans" in response.partial_success.error_message
    body, count = otlp.sink.kept[-1]
    assert count == 1
    assert GOOD in body
    assert len(body) < len(heavy)


def test_a_body_of_unknown_fields_below_the_limit_says_that_nothing_was_understood(otlp):
    said, response = otlp.export(PROTOBUF["unknown fields"](10))
    assert said == "ok"
    assert "nothing was understood" in response.partial_success.error_message


@pytest.mark.parametrize("name", DOORS)
def test_more_unknown_fields_than_a_request_may_have_are_refused(name, tmp_path):
    """They are counted where a body is taken apart, which a short one is not."""
    open_door = grpc_door if name == "otlp_grpc" else http_door
    with open_door(name, tmp_path) as door:
        said, _ = Otlp(door, name).export(PROTOBUF["unknown fields"](MESSAGES_MAX + 1))
    assert said in REFUSED


def test_a_span_that_does_not_decode_costs_no_neighbour(otlp):
    said, response = otlp.export(span_body(GOOD + field(2, b"\xff\xff\xff") + GOOD))
    assert said == "ok"
    assert response.partial_success.rejected_spans == 1
    assert otlp.sink.kept[-1][1] == 2


@pytest.fixture(scope="module")
def over_http(tmp_path_factory):
    with http_door("otlp_http", tmp_path_factory.mktemp("http"), otlp_limits=LIMITS) as door:
        yield Otlp(door, "otlp_http")


@pytest.mark.parametrize("shape", JSON)
def test_more_of_json_than_a_request_may_have_is_refused(over_http, shape):
    body = JSON[shape](3 * LIMITS.messages + 1).encode()
    assert over_http.post(body, "application/json")[0] in {400, 413}
    assert over_http.post(gzip.compress(body), "application/json", **{"content-encoding": "gzip"})[
        0
    ] in {400, 413}


SPAN = {"traceId": "ab" * 16, "spanId": "cd" * 8, "name": "a"}


def json_body(**other: object) -> bytes:
    scope = {"spans": [{**SPAN, **other}]}
    return json.dumps({"resourceSpans": [{"scopeSpans": [scope]}]}).encode()


@pytest.mark.parametrize(
    "other",
    [
        {"startTimeUnixNano": 1.795e18},
        {"startTimeUnixNano": "1.795e18"},
        {"attributes": [{"key": "a", "value": {"intValue": 1.0}}]},
        {"droppedAttributesCount": 3.0},
        {"kind": "SPAN_KIND_SERVER"},
        {"status": {"code": "STATUS_CODE_ERROR"}},
    ],
)
def test_numbers_and_names_as_protojson_writes_them_are_understood(over_http, other):
    status, content = over_http.post(json_body(**other), "application/json")
    assert (status, json.loads(content)) == (200, {})


@pytest.mark.parametrize(
    "other", [{"startTimeUnixNano": 1.5}, {"kind": "SPAN_KIND_NOBODY"}, {"kind": 1e300}]
)
def test_a_value_that_cannot_be_is_the_spans_and_is_said(over_http, other):
    status, content = over_http.post(json_body(**other), "application/json")
    said = json.loads(content)
    assert status == 200
    assert said["partialSuccess"]["rejectedSpans"] == "1"
    assert said["partialSuccess"]["errorMessage"]


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"resourceLogs": []}, "resourceLogs"),
        ({"resourceMetrics": []}, "resourceMetrics"),
        ({"batches": []}, "batches"),
        ({"resource_spans": []}, "resource_spans"),
    ],
)
def test_what_was_not_understood_is_named(over_http, document, named):
    status, content = over_http.post(json.dumps(document).encode(), "application/json")
    assert status == 400
    assert named in json.loads(content)["message"]
    assert "traces" in json.loads(content)["message"]


def test_large_bodies_leave_room_for_small_ones(tmp_path):
    """Ten bodies of 8 MiB against a budget of 24: those beyond it are told to come back."""
    packed = gzip.compress(bytes(8 << 20))
    found: list[int] = []
    with http_door("otlp_http", tmp_path, budget=24 << 20) as door:
        otlp = Otlp(door, "otlp_http")

        def post() -> None:
            found.append(otlp.post(packed, PROTOBUF_TYPE, **{"content-encoding": "gzip"})[0])

        threads = [threading.Thread(target=post) for _ in range(10)]
        for thread in threads:
            thread.start()
        assert otlp.post(span_body(GOOD), PROTOBUF_TYPE)[0] == 200
        for thread in threads:
            thread.join()
    assert set(found) <= {200, 400, 413, 503}
    assert len(found) == 10


def test_a_message_beyond_the_largest_is_refused_before_it_is_kept(tmp_path):
    with grpc_door("otlp_grpc", tmp_path) as door, door.channel() as channel:
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary(TRACES)(bytes(65 << 20), timeout=100)
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert door.sink.kept == []
