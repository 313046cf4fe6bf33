"""The embedded ingestion: OTLP in, a write-ahead log, Parquet out, and what is hot for the worker.

It starts from the inside out and stops from the outside in: nobody can send before the log is
open, and the last flush has everything that was acknowledged.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import grpc

from indexer.errors import FlushUnfinished, TaskDied
from indexer.http import grpc_server
from indexer.http.limits import ConnectionLimits
from indexer.http.server import HttpServer
from indexer.ingest.file_keeper import FileKeeper
from indexer.ingest.flush import Flusher
from indexer.ingest.hot_snapshot import HotSnapshots
from indexer.ingest.limits import FlushLimits
from indexer.ingest.probes import IngestionState, probes_app
from indexer.ingest.service import InternalIngestion, internal_server
from indexer.ingest.wal import Wal
from indexer.ingest.writer_process import WriterProcess
from indexer.receive.export import Exports, exporter
from indexer.receive.grpc_server import otlp_grpc_server
from indexer.receive.http_app import http_app
from indexer.run import ingestion_limits, ports
from indexer.run.supervisor import Supervisor
from indexer.settings import Settings
from indexer.settings.paths import check_ingestion_paths
from indexer.system.addresses import Address, Endpoint, bind, bound_address
from indexer.system.allocation import keep_what_a_request_takes
from indexer.system.budget import ByteBudget
from indexer.system.clock import SystemClock
from indexer.system.counted_nouns import counted
from indexer.system.interpreter import answer_beside_work
from indexer.system.stop_signals import catch_stop_signals
from indexer.telemetry.log import INGESTION_STARTED, INGESTION_STOPPED, INGESTION_STOPPING, log

GRACE_S = 2.0
"""How long a stop waits for requests in hand."""
KEEP_FILES_EVERY_S = 60.0


class Ingestion:
    """The parts of one ingestion service, open."""

    def __init__(self, settings: Settings) -> None:
        """Open the log and bind every port. Raises what keeps it from that."""
        self._settings = settings
        self._stack = ExitStack()
        self._ports: dict[str, int] = {}
        self._addresses: dict[str, str] = {}
        with ExitStack() as opening:
            self._open(opening)
            self._stack = opening.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def ports(self) -> dict[str, int]:
        """Port of each endpoint that is served: otlp_grpc, otlp_http, internal, probes."""
        return dict(self._ports)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``; then flush everything. Raises FlushUnfinished and TaskDied."""
        supervisor = Supervisor(SystemClock(), stop)
        http = [*self._http_server(), *self._probes_server()]
        log(INGESTION_STARTED, self._summary(), **self._ports)
        try:
            async with asyncio.TaskGroup() as tasks:
                for name, server in http:
                    serve = server.run_until_stopped
                    tasks.create_task(supervisor.keep(name, serve, essential=True))
                await stop.wait()
                await asyncio.to_thread(self._say_stopping)
                for _, server in http:
                    server.stop()
        finally:
            await asyncio.to_thread(self._stop_receiving)
            await asyncio.to_thread(self._flusher.stop)
            await asyncio.to_thread(self._flush_the_rest)
        if supervisor.fatal:
            raise TaskDied(supervisor.fatal)
        log(INGESTION_STOPPED, "stopped; every acknowledged span is in a file")

    def _open(self, stack: ExitStack) -> None:
        settings = self._settings
        root = Path(settings.ingestion_root)
        modes = settings.file_modes
        check_ingestion_paths(settings)
        self._wal = Wal.open(
            settings.wal_path,
            synchronous=settings.wal_synchronous,
            bytes_max=settings.bytes_of("wal_bytes_max"),
            queue_bytes_max=settings.bytes_of("queue_bytes_max"),
            modes=modes,
        )
        stack.callback(self._wal.close)
        process = WriterProcess()
        stack.callback(process.close)
        limits = FlushLimits(
            rows=settings.flush_rows, bytes=settings.flush_bytes, age_s=settings.flush_age_s
        )
        self._flusher = Flusher(self._wal, root, process, limits=limits, modes=modes)
        folder = self._wal.path.parent / "hot_snapshots"
        snapshots = HotSnapshots(self._wal, folder, process, modes=modes)
        internal = InternalIngestion(self._wal, self._flusher, snapshots)
        self._flusher.start()
        stack.callback(self._flusher.stop)
        self._serve_internal(stack, internal)
        self._bind_otlp(stack)
        self._keep_files(stack)

    def _serve_internal(self, stack: ExitStack, internal: InternalIngestion) -> None:
        endpoint = ports.internal(self._settings)
        server = internal_server(internal, token=endpoint.token or None)
        self._note("internal", grpc_server.bind(server, endpoint))
        server.start()
        stack.callback(_stopped, server)

    def _bind_otlp(self, stack: ExitStack) -> None:
        self._exports: Exports = {"traces": exporter(self._wal)}
        self._otlp_grpc: grpc.Server | None = None
        self._probes_listener = self._bound(stack, "probes", ports.ingestion_http(self._settings))
        http = ports.otlp_http(self._settings)
        self._http_listener = self._bound(stack, "otlp_http", http)
        over_grpc = ports.otlp_grpc(self._settings)
        if over_grpc is not None:
            self._otlp_grpc = otlp_grpc_server(
                self._exports,
                api_key=over_grpc.token or None,
                limits=ingestion_limits.otlp_grpc_limits(self._settings),
            )
            self._note("otlp_grpc", grpc_server.bind(self._otlp_grpc, over_grpc))
            self._otlp_grpc.start()
            stack.callback(_stopped, self._otlp_grpc)

    def _bound(
        self, stack: ExitStack, name: str, endpoint: Endpoint | None
    ) -> socket.socket | None:
        if endpoint is None:
            return None
        listener = bind(endpoint)
        stack.callback(listener.close)
        self._note(name, bound_address(listener))
        return listener

    def _probes_server(self) -> Iterator[tuple[str, HttpServer]]:
        if self._probes_listener is None:
            return
        state = IngestionState(self._wal, self._flusher, self._settings.ingestion_root)
        app = probes_app(state, ingestion_limits.probes_admission(self._settings))
        server = HttpServer(
            app, [self._probes_listener], limits=ConnectionLimits(), grace_s=int(GRACE_S)
        )
        yield "probes", server

    def _http_server(self) -> Iterator[tuple[str, HttpServer]]:
        if self._http_listener is None:
            return
        app = http_app(
            self._exports,
            admission=ingestion_limits.otlp_admission(
                self._settings, bound_address(self._http_listener)
            ),
            budget=ByteBudget(ingestion_limits.http_bodies_bytes_max(self._settings)),
            body_bytes_max=self._settings.bytes_of("body_bytes_max"),
        )
        limits = ingestion_limits.otlp_http_limits(self._settings)
        server = HttpServer(app, [self._http_listener], limits=limits, grace_s=int(GRACE_S))
        yield "OTLP over HTTP", server

    def _note(self, name: str, address: Address) -> None:
        """Remember where a port is bound."""
        self._ports[name] = address.port
        self._addresses[name] = str(address)

    def _say_stopping(self) -> None:
        try:
            left = self._wal.state().pending_spans
        except Exception:  # noqa: BLE001 - the last flush meets the same fault, and raises it
            return
        message = f"stopping: writing {counted(left, 'span')} of the log to a file"
        log(INGESTION_STOPPING, message, spans=left)

    def _stop_receiving(self) -> None:
        if self._otlp_grpc is not None:
            _stopped(self._otlp_grpc)

    def _flush_the_rest(self) -> None:
        try:
            self._flusher.flush_all()
        except Exception as error:
            left, reason = self._wal.state().pending_spans, f"{type(error).__name__}: {error}"
            raise FlushUnfinished(
                f"the last flush failed, {counted(left, 'span stays', 'spans stay')} in the log "
                f"{self._wal.path}: {reason}",
                path=str(self._wal.path),
            ) from error

    def _keep_files(self, stack: ExitStack) -> None:
        settings, over = self._settings, threading.Event()
        keeper = FileKeeper(
            self._wal,
            settings.ingestion_root,
            now_unix_nano=time.time_ns,
            max_age_s=settings.retention_age_s or None,
            max_bytes=settings.retention_bytes or None,
            unconfirmed_s=settings.unconfirmed_age_s,
        )

        def keep() -> None:
            keeper.look()
            while not over.wait(KEEP_FILES_EVERY_S):
                keeper.look()

        thread = threading.Thread(target=keep, name="files", daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(over.set)

    def _summary(self) -> str:
        served = ", ".join(f"{name} {where}" for name, where in sorted(self._addresses.items()))
        return f"receiving OTLP into {self._settings.ingestion_root} ({served})"


async def serve_ingestion(settings: Settings) -> None:
    """Run the ingestion until SIGTERM or SIGINT. Raises what keeps it from starting."""
    answer_beside_work()
    keep_what_a_request_takes()
    stop = asyncio.Event()
    catch_stop_signals().tell_loop(stop.set)
    with Ingestion(settings) as ingestion:
        await ingestion.run(stop)


def _stopped(server: grpc.Server) -> None:
    server.stop(GRACE_S).wait()
