"""The six doors of the program in this process, each with the limits that a test gives it.

Every one is the real server with the real application of its port; behind it stands a host or a
sink that has little to say.
"""

import asyncio
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import grpc
from starlette.types import ASGIApp

from indexer.clients.application import BODY_BYTES_MAX, OPEN_PATHS, Application
from indexer.clients.shared.callers import Caller, serve_to
from indexer.clients.unix_socket import bind as bind_unix
from indexer.clients.unix_socket import socket_path
from indexer.http.admission import Admission
from indexer.http.grpc_server import CallLimits
from indexer.http.hosts import NamePolicy
from indexer.http.limits import ConnectionLimits
from indexer.http.server import HttpServer
from indexer.ingest.flush import Flusher
from indexer.ingest.hot_snapshot import HotSnapshots
from indexer.ingest.probes import IngestionState, probes_app
from indexer.ingest.service import InternalIngestion, internal_server
from indexer.ingest.wal import Wal
from indexer.ingest.writer_process import WriterProcess
from indexer.otlp.request_limits import REQUEST_LIMITS, RequestLimits
from indexer.receive.export import Exports, exporter
from indexer.receive.grpc_server import API_KEY_METADATA, otlp_grpc_server
from indexer.receive.http_app import PROTOBUF, http_app
from indexer.run.serving import ROUTERS
from indexer.system.addresses import Endpoint, bind
from indexer.system.budget import ByteBudget
from indexer.wire.token import TOKEN_METADATA
from tests.receive.sink import KeepingSink
from tests.support.grpc_ports import started
from tests.support.served import StubHost

HTTP = ("dashboards", "otlp_http", "probes", "unix")
TCP_HTTP = ("dashboards", "otlp_http", "probes")
GRPC = ("otlp_grpc", "internal")
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
READ_SPANS = "/ingestion.InternalIngestionService/ReadSpans"
TOKEN_HEADERS = {"otlp_grpc": API_KEY_METADATA, "internal": TOKEN_METADATA}
BODY_BYTES = 64 << 20


class StubIngestion:
    """An ingestion that is well and measures nothing."""

    def not_ready(self) -> list[str]:
        return []

    def measured(self) -> bytes:
        return b""


class HttpDoor:
    """An HTTP server on a thread of its own."""

    def __init__(self, name: str, app: ASGIApp, listener: socket.socket, limits: ConnectionLimits):
        self.name = name
        self.sink = KeepingSink()
        self._address = listener.getsockname()
        self._family = listener.family
        self._loop = asyncio.new_event_loop()
        self.server = HttpServer(app, [listener], limits=limits, grace_s=1)
        running = self.server.run_until_stopped()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(running,))
        self._thread.start()

    @property
    def connections(self) -> set[Any]:
        return self.server.server_state.connections

    def connect(self) -> socket.socket:
        made = socket.socket(self._family, socket.SOCK_STREAM)
        made.settimeout(100)
        made.connect(self._address)
        return made

    def ordinary(self) -> tuple[str, str]:
        """Method and target of a request that is answered with 200, without a body."""
        return {
            "dashboards": ("GET", "/healthz"),
            "otlp_http": ("POST", "/v1/traces"),
            "probes": ("GET", "/metrics"),
            "unix": ("GET", "/status"),
        }[self.name]

    def client(self) -> http.client.HTTPConnection:
        """A connection for more than one request."""
        made = http.client.HTTPConnection("localhost", timeout=100)
        made.sock = self.connect()
        made.auto_open = 0
        return made

    def ask(self, client: http.client.HTTPConnection | None = None, **headers: str):
        """The answer to an ordinary request, with its body read."""
        method, target = self.ordinary()
        with closing(self.client()) if client is None else _kept(client) as asking:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            asking.request(method, target, headers={"content-type": PROTOBUF, **named})
            answer = asking.getresponse()
            answer.content = answer.read()  # type: ignore[attr-defined]
        return answer

    def answers(self) -> bool:
        """Whether an ordinary request is: where time is short, a busy machine may take too long."""
        try:
            return bool(self.ask().status == 200)
        except (OSError, http.client.HTTPException):
            return False

    def say(self, sent: bytes, *, and_leave: bool = False) -> bytes:
        """All that comes back for these bytes, until the other side ends it.

        With ``and_leave`` the door sees the end of them, and ends what was not whole.
        """
        answer = b""
        with self.connect() as connection:
            connection.settimeout(100)
            try:
                connection.sendall(sent)
                if and_leave:
                    connection.shutdown(socket.SHUT_WR)
                while part := connection.recv(65_536):
                    answer += part
            except OSError:
                pass  # reset: what came is the answer
        return answer

    def stop(self) -> None:
        self.server.stop()
        self._thread.join(100)
        self._loop.close()


@contextmanager
def _kept(client: http.client.HTTPConnection) -> Iterator[http.client.HTTPConnection]:
    yield client


@contextmanager
def http_door(
    name: str,
    folder: Path,
    *,
    limits: ConnectionLimits | None = None,
    token: str = "",
    names: NamePolicy | None = None,
    sink: KeepingSink | None = None,
    budget: int = 256 << 20,
    otlp_limits: RequestLimits = REQUEST_LIMITS,
) -> Iterator[HttpDoor]:
    """The HTTP door of that name, open until the block ends."""
    admission = Admission(names=names or NamePolicy(local_only=not token), token=token)
    host = StubHost(
        healthy=True, problems=[], swept_at=None, files_ready=0, files_waiting=0, storage_root="/"
    )
    rules = replace(admission, open_paths=OPEN_PATHS, body_bytes_max=BODY_BYTES_MAX)
    worker = Application(host, ROUTERS, admission=rules)
    if name == "unix":
        listener = bind_unix(folder / "index.duckdb")
    else:
        listener = bind(Endpoint(setting="LISTEN", listen="127.0.0.1:0"))
    app: ASGIApp = serve_to(Caller.OPERATOR if name == "unix" else Caller.DASHBOARD, worker)
    kept = sink or KeepingSink()
    if name == "otlp_http":
        app = http_app(
            {"traces": exporter(kept, otlp_limits)},
            admission=replace(admission, token_header=API_KEY_METADATA),
            budget=ByteBudget(budget),
            body_bytes_max=BODY_BYTES,
        )
    elif name == "probes":
        app = probes_app(cast("IngestionState", StubIngestion()), rules)
    door = HttpDoor(name, app, listener, limits or ConnectionLimits())
    door.sink = kept
    try:
        yield door
    finally:
        door.stop()
        worker.close()
        if name == "unix":
            socket_path(folder / "index.duckdb").unlink(missing_ok=True)


class GrpcDoor:
    """A gRPC server and how it is called."""

    def __init__(self, name: str, server: grpc.Server, sink: KeepingSink) -> None:
        self.name = name
        self.sink = sink
        self.server = server
        self.port = started(server)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=100)

    @contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
        with grpc.insecure_channel(f"127.0.0.1:{self.port}", options) as made:
            yield made

    def answers(self) -> bool:
        """Whether an ordinary call is: where time is short, a busy machine may take too long."""
        try:
            self.ask()
        except grpc.RpcError:
            return False
        return True

    def ask(self, body: bytes = b"", metadata: Any = (), **options: Any) -> Any:
        """An ordinary call; raises grpc.RpcError."""
        with self.channel() as channel:
            if self.name == "internal":
                call = channel.unary_stream(READ_SPANS)
                return list(call(body, timeout=100, metadata=metadata, **options))
            return channel.unary_unary(TRACES)(body, timeout=100, metadata=metadata, **options)


@contextmanager
def grpc_door(
    name: str,
    folder: Path,
    *,
    limits: CallLimits | None = None,
    token: str = "",
    otlp_limits: RequestLimits = REQUEST_LIMITS,
) -> Iterator[GrpcDoor]:
    """The gRPC door of that name, open until the block ends."""
    sink = KeepingSink()
    limits = limits or CallLimits(threads=4, message_bytes=BODY_BYTES)
    if name == "otlp_grpc":
        exports: Exports = {"traces": exporter(sink, otlp_limits)}
        server = otlp_grpc_server(exports, api_key=token or None, limits=limits)
        door = GrpcDoor(name, server, sink)
        try:
            yield door
        finally:
            server.stop(None).wait()
        return
    with closing(Wal.open(folder / "log" / "wal.sqlite")) as wal:
        process = WriterProcess()  # never started: nothing here is flushed
        snapshots = HotSnapshots(wal, folder / "snapshots", process)
        service = InternalIngestion(wal, Flusher(wal, folder / "spans", process), snapshots)
        server = internal_server(service, token=token or None, limits=limits)
        door = GrpcDoor(name, server, sink)
        try:
            yield door
        finally:
            server.stop(None).wait()
