"""A live schema with its receiver: attached, sent to, and ended in every way that it can end."""

import gc
import os
import socket
import threading
from contextlib import closing, contextmanager
from http.client import HTTPConnection

import duckdb
import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from indexer import live
from indexer.errors import InvalidSettings, QueryRefused
from indexer.live import attachment as attachments
from indexer.live.schema import LiveSchema
from indexer.live.snapshots import Snapshots
from tests.live.rings import spans
from tests.support import otlp_samples
from tests.support.otlp_json import json_line
from tests.support.processes import wait_until

SAMPLES = {
    "traces": (TraceServiceStub, otlp_samples.traces()),
    "logs": (LogsServiceStub, otlp_samples.logs()),
    "metrics": (MetricsServiceStub, otlp_samples.metrics()),
}
URL = "otlp://127.0.0.1:0"


@pytest.fixture
def connection():
    with closing(duckdb.connect(config={"threads": 2})) as made:
        yield made


@pytest.fixture
def attached(connection):
    with live.attach(connection, URL) as made:
        yield made


def count(connection, table="traces", alias="live"):
    ((found,),) = connection.execute(f"SELECT count(*) FROM {alias}.{table}").fetchall()
    return found


@contextmanager
def channel(attached):
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(str(attached.addresses["grpc"]), options) as made:
        yield made


def post(attached, path, body, kind):
    address = attached.addresses["http"]
    with closing(HTTPConnection(address.host, address.port, timeout=100)) as client:
        client.request("POST", path, body, {"content-type": kind})
        answer = client.getresponse()
        return answer.status, answer.read()


def is_free(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_all_signals_arrive_over_grpc_and_are_seen_at_once(connection, attached):
    with channel(attached) as sender:
        for signal, (stub, request) in SAMPLES.items():
            stub(sender).Export(request)
            assert count(connection, signal) > 0


def test_all_signals_arrive_over_http_in_both_encodings(connection, attached):
    for signal, (_, request) in SAMPLES.items():
        for body, kind in (
            (request.SerializeToString(), "application/x-protobuf"),
            (json_line(request), "application/json"),
        ):
            before = count(connection, signal)
            assert post(attached, f"/v1/{signal}", body, kind)[0] == 200
            assert count(connection, signal) > before


def test_a_malformed_request_is_answered_as_the_spec_says_and_changes_nothing(connection, attached):
    assert post(attached, "/v1/logs", b"\xff\xff", "application/x-protobuf")[0] == 400
    assert post(attached, "/v1/metrics", b"[", "application/json")[0] == 400
    assert post(attached, "/v1/profiles", b"", "application/json")[0] == 404
    with channel(attached) as sender:
        path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
        with pytest.raises(grpc.RpcError) as refused:
            sender.unary_unary(path)(b"\xff\xff", timeout=100)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        TraceServiceStub(sender).Export(spans(0))
    assert [count(connection, signal) for signal in ("traces", "logs", "metrics")] == [1, 0, 0]


def test_a_port_that_is_taken_is_named_and_the_name_stays_free(connection, attached):
    taken = attached.addresses["grpc"].port
    with pytest.raises(InvalidSettings, match=f"port {taken} is taken by .*{os.getpid()}"):
        live.attach(connection, f"otlp://127.0.0.1:{taken}", alias="other", http_port=-1)
    taken = attached.addresses["http"].port
    with pytest.raises(InvalidSettings, match=f"http_port=.*port {taken} is taken"):
        live.attach(connection, URL, alias="other", http_port=taken)
    with live.attach(connection, URL, alias="other"):
        assert count(connection, alias="other") == 0


def test_a_name_that_is_taken_frees_the_ports_again(connection, attached):
    with closing(socket.create_server(("127.0.0.1", 0))) as chosen:
        port = chosen.getsockname()[1]
    with pytest.raises(duckdb.Error, match="already exists"):
        live.attach(connection, f"otlp://127.0.0.1:{port}", http_port=-1)
    assert is_free(port)
    assert count(connection) == 0


@pytest.mark.parametrize("url", ["otlp://localhost:0", "otlp://[::1]:0"])
def test_names_and_both_families_of_addresses_are_served(connection, url):
    with live.attach(connection, url) as made, channel(made) as sender:
        TraceServiceStub(sender).Export(spans(0), timeout=100)
        assert count(connection) == 1


def test_a_token_is_asked_of_senders(connection):
    with live.attach(connection, URL, token="t" * 20) as made:
        assert post(made, "/v1/traces", b"", "application/x-protobuf")[0] == 401
        with channel(made) as sender:
            with pytest.raises(grpc.RpcError) as refused:
                TraceServiceStub(sender).Export(spans(0))
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
            bearer = [("authorization", "Bearer " + "t" * 20)]
            TraceServiceStub(sender).Export(spans(0), metadata=bearer)
    with pytest.raises(InvalidSettings, match="token is not set"):
        live.attach(connection, "otlp://0.0.0.0:0")


def test_options_that_cannot_be_are_refused(connection):
    with pytest.raises(QueryRefused, match="invalid pinned_bytes_max -1"):
        live.attach(connection, URL, pinned_bytes_max=-1)
    with pytest.raises(QueryRefused, match="invalid max_rows 0"):
        live.attach(connection, URL, max_rows=0)


def test_detach_frees_the_ports_and_the_name_and_only_a_live_schema_is_detached(connection):
    made = live.attach(connection, URL)
    ports = [address.port for address in made.addresses.values()]
    live.detach(connection)
    assert [is_free(port) for port in ports] == [True, True]
    assert connection.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]
    for name in ("live", "memory"):
        with pytest.raises(QueryRefused, match="not a live schema"):
            live.detach(connection, name)


def test_a_query_that_runs_ends_with_what_it_sees_though_the_schema_is_detached(connection):
    made = live.attach(connection, URL)
    with channel(made) as sender:
        TraceServiceStub(sender).Export(spans(0, 100))
    sql = "SELECT name FROM live.otlp_traces, range(1000)"
    reader = connection.cursor().sql(sql).to_arrow_reader(1000)
    first = reader.read_next_batch().num_rows
    live.detach(connection)
    assert first + reader.read_all().num_rows == 100_000


def test_a_request_in_flight_is_answered_before_the_ports_close(connection, monkeypatch):
    inside, go_on = threading.Event(), threading.Event()
    append = Snapshots.append

    def slow(*args):
        inside.set()
        assert go_on.wait(100)
        append(*args)

    monkeypatch.setattr(Snapshots, "append", slow)
    made = live.attach(connection, URL)
    with channel(made) as sender:
        answer = TraceServiceStub(sender).Export.future(spans(0))
        assert inside.wait(100)
        closing_thread = threading.Thread(target=live.detach, args=(connection,))
        closing_thread.start()
        go_on.set()
        assert answer.result(100).ByteSize() == 0
        closing_thread.join(100)
        assert not closing_thread.is_alive()


@pytest.mark.parametrize("end", ["close", "forget", "DETACH"])
def test_the_receiver_ends_with_the_connection_and_with_detach_of_duckdb_itself(end):
    connection = duckdb.connect()
    made = live.attach(connection, URL)
    ports = [address.port for address in made.addresses.values()]
    del made
    if end == "close":
        connection.close()
    elif end == "DETACH":
        connection.execute("DETACH live")
    else:
        del connection
        gc.collect()
    wait_until(lambda: all(is_free(port) for port in ports), "the ports to be free")


def test_attaching_and_detaching_leaks_no_thread_no_descriptor_and_no_memory(connection, soak):
    cycles = 1000 if soak else 5

    def cycle():
        with live.attach(connection, URL):
            assert count(connection) == 0

    for _ in range(2):
        cycle()
    gc.collect()
    before = _resources()
    for _ in range(cycles):
        cycle()
    gc.collect()
    wait_until(
        lambda: all(now <= then for now, then in zip(_resources(), before, strict=True)),
        "threads, descriptors and schemas to be as before",
    )
    assert not attachments._attached


def _resources():
    gc.collect()
    schemas = sum(isinstance(one, LiveSchema) for one in gc.get_objects())
    return threading.active_count(), len(os.listdir("/proc/self/fd")), schemas


def test_a_child_of_a_fork_leaves_the_parents_receiver_alone_and_does_not_keep_its_ports(
    connection,
):
    made = live.attach(connection, URL)
    ports = [address.port for address in made.addresses.values()]
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        made.close()
        os.read(reading, 1)
        os._exit(0)
    try:
        with channel(made) as sender:
            TraceServiceStub(sender).Export(spans(0), timeout=100)
        assert count(connection) == 1
        live.detach(connection)
        wait_until(lambda: all(is_free(port) for port in ports), "the ports to be free")
    finally:
        os.write(writing, b".")
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)


def test_a_row_of_the_sdk_is_there_within_a_second(connection, attached):
    """Checked without a clock: the exporter is flushed, and the very next query has the row."""
    provider = TracerProvider(shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=str(attached.addresses["grpc"]), insecure=True)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("test-span") as span:
        span.set_attribute("test.attribute", "value")
    assert provider.force_flush(30_000)
    sql = "SELECT data->>'name', data->'attributes'->>'test.attribute' FROM live.traces"
    assert connection.execute(sql).fetchall() == [("test-span", "value")]
    provider.shutdown()


def test_a_schema_whose_cursor_is_closed_says_so_instead_of_reading_freed_memory(connection):
    cursor = connection.cursor()
    live.attach(cursor, URL)
    assert count(connection) == 0
    cursor.close()
    with pytest.raises(duckdb.Error, match="the cursor that attached the live schema is closed"):
        count(connection)
    live.detach(connection)
