"""The embedded ingestion: OTLP in, a write-ahead log, Parquet out, and what is hot for the worker.

It starts from the inside out and stops from the outside in: nobody can send before the log is
open, and the last flush has everything that was acknowledged.
"""

import asyncio
import signal
import socket
import sqlite3
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import grpc
import uvicorn

from indexer.errors import FlushUnfinished, InvalidSettings
from indexer.ingest.events import RETENTION_FAILED
from indexer.ingest.flush import Flusher, FlushLimits
from indexer.ingest.hot_snapshot import HotSnapshots
from indexer.ingest.log_file import make_folder
from indexer.ingest.retention import enforce
from indexer.ingest.service import InternalIngestion, serve
from indexer.ingest.wal import Wal
from indexer.ingest.writer_process import WriterProcess
from indexer.receive.export import exporter
from indexer.receive.grpc_server import grpc_server
from indexer.receive.http_app import http_app
from indexer.serve.server import EmbeddedServer
from indexer.settings import Settings
from indexer.telemetry import INGESTION_STARTED, INGESTION_STOPPED, log

GRACE_S = 2.0
"""How long a stop waits for requests in hand."""
RETENTION_EVERY_S = 60.0
HTTP_CONNECTIONS_MAX = 256


class Ingestion:
    """The parts of one ingestion service, open."""

    def __init__(self, settings: Settings) -> None:
        """Open the log and bind every port. Raises what keeps it from that."""
        self._settings = settings
        self._stack = ExitStack()
        self._ports: dict[str, int] = {}
        with ExitStack() as opening:
            self._open(opening)
            self._stack = opening.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def ports(self) -> dict[str, int]:
        """Port of each endpoint that is served: otlp_grpc, otlp_http, internal."""
        return dict(self._ports)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``; then flush everything. Raises FlushUnfinished."""
        http = await self._start_http()
        log(INGESTION_STARTED, self._says(), **self._ports)
        try:
            await stop.wait()
        finally:
            if http is not None:
                http[0].should_exit = True
                await http[1]
            await asyncio.to_thread(self._stop_receiving)
            await asyncio.to_thread(self._flusher.stop)
            await asyncio.to_thread(self._flush_the_rest)
            log(INGESTION_STOPPED, "stopped; every acknowledged span is in a file")

    def _open(self, stack: ExitStack) -> None:
        settings = self._settings
        root = Path(settings.ingestion_root)
        make_folder(root)
        self._wal = Wal.open(
            settings.wal_path,
            synchronous=settings.wal_synchronous,
            bytes_max=int(settings.wal_bytes_max.rstrip("B")),
        )
        stack.callback(self._wal.close)
        process = WriterProcess()
        stack.callback(process.close)
        limits = FlushLimits(
            rows=settings.flush_rows, bytes=settings.flush_bytes, age_s=settings.flush_age_s
        )
        self._flusher = Flusher(self._wal, root, process, limits=limits)
        snapshots = HotSnapshots(self._wal, self._wal.path.parent / "hot_snapshots", process)
        token = settings.internal_token.get_secret_value() or None
        internal = InternalIngestion(self._wal, self._flusher, snapshots, token=token)
        self._flusher.start()
        stack.callback(self._flusher.stop)
        self._serve_internal(stack, internal)
        self._bind_otlp(stack)
        self._keep_retention(stack)

    def _serve_internal(self, stack: ExitStack, internal: InternalIngestion) -> None:
        host, port = self._settings.internal_listen_host, self._settings.ingestion_port
        try:
            server, bound = serve(internal, f"{host}:{port}")
        except RuntimeError as error:
            raise InvalidSettings(f"INGESTION_GRPC_PORT: {error}") from error
        self._ports["internal"] = bound
        stack.callback(_stopped, server)

    def _bind_otlp(self, stack: ExitStack) -> None:
        settings = self._settings
        self._export = exporter(self._wal)
        self._api_key = settings.api_key.get_secret_value() or None
        self._otlp_grpc: grpc.Server | None = None
        if settings.otlp_grpc_listen:
            try:
                self._otlp_grpc, self._ports["otlp_grpc"] = grpc_server(
                    self._export, listen=settings.otlp_grpc_listen, api_key=self._api_key
                )
            except OSError as error:
                raise InvalidSettings(f"INGESTION_OTLP_GRPC_LISTEN: {error}") from error
            self._otlp_grpc.start()
            stack.callback(_stopped, self._otlp_grpc)

    async def _start_http(self) -> "tuple[EmbeddedServer, asyncio.Task[None]] | None":
        if not self._settings.otlp_http_listen:
            return None
        host, _, port = self._settings.otlp_http_listen.rpartition(":")
        config = uvicorn.Config(
            http_app(self._export, api_key=self._api_key),
            log_config=None,
            lifespan="off",
            limit_concurrency=HTTP_CONNECTIONS_MAX,
            timeout_graceful_shutdown=int(GRACE_S),
        )
        server = EmbeddedServer(config)
        try:
            listener = socket.create_server((host.strip("[]"), int(port)), family=_family(host))
        except (OSError, ValueError) as error:
            raise InvalidSettings(f"INGESTION_OTLP_HTTP_LISTEN: {error}") from error
        self._ports["otlp_http"] = listener.getsockname()[1]
        return server, asyncio.create_task(server.serve(sockets=[listener]))

    def _stop_receiving(self) -> None:
        if self._otlp_grpc is not None:
            _stopped(self._otlp_grpc)

    def _flush_the_rest(self) -> None:
        try:
            self._flusher.flush_all()
        except Exception as error:
            left, reason = self._wal.state().pending_spans, f"{type(error).__name__}: {error}"
            raise FlushUnfinished(
                f"{left} spans stay in the log {self._wal.path}, the last flush failed: {reason}",
                path=str(self._wal.path),
            ) from error

    def _keep_retention(self, stack: ExitStack) -> None:
        age_s, size = self._settings.retention_age_s, self._settings.retention_bytes
        if not age_s and not size:
            return
        over = threading.Event()

        def keep() -> None:
            while not over.wait(RETENTION_EVERY_S):
                try:
                    self._expire(age_s or None, size or None)
                except (OSError, sqlite3.Error) as error:
                    log(RETENTION_FAILED, f"retention failed, and is tried again: {error}")

        thread = threading.Thread(target=keep, name="retention", daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(over.set)

    def _expire(self, max_age_s: float | None, max_bytes: int | None) -> None:
        enforce(
            self._settings.ingestion_root,
            max_age_s=max_age_s,
            max_bytes=max_bytes,
            now_unix_nano=time.time_ns(),
            keep={file.path for file in self._wal.state().recent_files},
        )

    def _says(self) -> str:
        served = ", ".join(f"{name} {port}" for name, port in sorted(self._ports.items()))
        return f"receiving OTLP into {self._settings.ingestion_root} ({served})"


async def serve_ingestion(settings: Settings) -> None:
    """Run the ingestion until SIGTERM or SIGINT. Raises what keeps it from starting."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with Ingestion(settings) as ingestion:
        await ingestion.run(stop)


def _family(host: str) -> int:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _stopped(server: grpc.Server) -> None:
    server.stop(GRACE_S).wait()
