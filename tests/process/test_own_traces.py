"""The worker's own traces in a collector: which spans there are, and what a stop costs."""

import contextlib
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.support.processes import wait_until
from tests.support.span_files import spans
from tests.support.tcp import Dashboards

pytestmark = [pytest.mark.process]


class Collector:
    """Takes OTLP over HTTP, as protobuf."""

    def __init__(self, url):
        self.url = url
        self.requests = []

    @property
    def spans(self):
        """(resource attributes, span) of all that was taken."""
        return [
            (attributes(resource.resource), span)
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name):
        return [span for _, span in self.spans if span.name == name]


def attributes(described):
    return {
        one.key: getattr(one.value, one.value.WhichOneof("value")) for one in described.attributes
    }


@pytest.fixture
def collector():
    class Taking(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/traces":
                found.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_):
            pass

    with contextlib.closing(ThreadingHTTPServer(("127.0.0.1", 0), Taking)) as server:
        server.close = server.server_close
        found = Collector(f"http://127.0.0.1:{server.server_port}")
        serving = threading.Thread(target=server.serve_forever, args=(0.02,))
        serving.start()
        yield found
        server.shutdown()
        serving.join()


def test_requests_and_transactions_are_spans(site, collector):
    """By the semantic conventions, of this service; probes are none, and the caller's trace goes on."""
    site.set(OTEL_TRACES_EXPORTER="otlp", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    worker = site.worker()
    site.write("a.parquet", spans(3))
    site.wait_files(1)
    served = Dashboards(site)
    caller = "0af7651916cd43dd8448eb211c80319c"
    for path in ("/status", "/healthz", "/metrics", "/nowhere"):
        served.get(path, traceparent=f"00-{caller}-b7ad6b7169203331-01")
    assert site.end(worker, signal.SIGTERM) == 0
    assert {one["service.name"] for one, _ in collector.spans} == {"span-indexer"}
    (request,) = collector.named("GET /status")
    assert request.trace_id.hex() == caller
    said = attributes(request)
    assert said["http.request.method"] == "GET"
    assert said["http.route"] == "/status"
    assert said["http.response.status_code"] == 200
    assert said["url.path"] == "/status"
    assert [attributes(one)["http.response.status_code"] for one in collector.named("GET")] == [404]
    (registered,) = [
        attributes(one)
        for one in collector.named("register duckdb")
        if attributes(one)["db.operation.batch.size"]
    ]
    assert registered["db.system.name"] == "duckdb"
    assert registered["span_indexer.spans"] == 3
    assert {span.name for _, span in collector.spans} == {
        "GET /status",
        "GET",
        "register duckdb",
    }


def test_nothing_is_sent_that_nobody_asked_for(site, collector):
    site.set(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    worker = site.worker()
    Dashboards(site).get("/status")
    assert site.end(worker, signal.SIGTERM) == 0
    assert collector.requests == []


def test_a_collector_that_is_away_holds_nothing_up(site):
    """The worker works, tells it once, and stops in time."""
    site.set(OTEL_TRACES_EXPORTER="otlp", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    site.set(OTEL_BSP_SCHEDULE_DELAY=10)
    worker = site.worker()
    served = Dashboards(site)
    assert served.get("/status").code == 200
    wait_until(lambda: told(worker), "a line about the collector")
    assert site.end(worker, signal.SIGTERM) == 0
    assert told(worker) == 1
    assert [line for line in worker.err.splitlines() if not line.startswith("{")] == []


def told(worker):
    return sum(one["event"] == "traces.failed" for one in worker.events)
