"""A recorded ingestion under load, killed and started again; what it acknowledged is recorded too.

The folder for files was made by a process that was killed before it could sync the one above.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc

from indexer.wire.generated import ingestion_pb2 as wire
from indexer.wire.generated.ingestion_pb2_grpc import InternalIngestionServiceStub
from tests.ingest.bodies import body
from tests.ingest.power.recording import Recording
from tests.support.processes import Running, Site
from tests.support.up import Ports, prepare, wait_receiving

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOG = Path("ingestion") / "wal.sqlite"
SPANS = Path("spans")
SENDERS = 3
PHASE_REQUESTS = 60
LARGE_EVERY = 12
SMALL_SPANS, LARGE_SPANS = 3, 400
"""One page of the log holds many of the small ones; a large one needs several."""


def spans_of(number: int) -> int:
    """Of the request with this number."""
    return LARGE_SPANS if number % LARGE_EVERY == 0 else 1 + number % SMALL_SPANS


def record(site: Site, recording: Recording, **env: object) -> None:
    """Start, load, kill, start, load, stop."""
    ports = prepare(site, SPAN_STORAGE_PATH=recording.folder / SPANS, **env)
    site.set(INGESTION_WAL_PATH=recording.folder / LOG, **recording.env)
    command = [sys.executable, "-c", "import os, sys; os.mkdir(sys.argv[1])"]
    subprocess.run([*command, recording.folder / SPANS], env=site.env, check=True)
    numbers = itertools.count()
    killed = site.start("ingest")
    with _loading(killed, ports, recording, numbers):
        _flush_now_and_then(ports)
    killed.kill()
    stopped = site.start("ingest")
    with _loading(stopped, ports, recording, numbers):
        _flush_now_and_then(ports)
    assert site.end(stopped) == 0, stopped.err


@contextmanager
def _loading(
    running: Running, ports: Ports, recording: Recording, numbers: Iterator[int]
) -> Iterator[None]:
    wait_receiving(running)
    mine = [next(numbers) for _ in range(PHASE_REQUESTS)]
    shares = [mine[one::SENDERS] for one in range(SENDERS)]
    with ThreadPoolExecutor(SENDERS) as pool:
        sending = [pool.submit(_send, ports, recording, share) for share in shares]
        yield
        for one in sending:
            one.result()


def _send(ports: Ports, recording: Recording, numbers: list[int]) -> None:
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(f"127.0.0.1:{ports.grpc}", options=options) as channel:
        export = channel.unary_unary(EXPORT)
        for number in numbers:
            export(body(number, spans_of(number)), timeout=100)
            recording.acknowledged(number)
            time.sleep(0.01)


def _flush_now_and_then(ports: Ports) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{ports.internal}") as channel:
        stub = InternalIngestionServiceStub(channel)
        for _ in range(3):
            time.sleep(0.05)
            stub.FlushWAL(wire.FlushWALRequest(), timeout=60)
            files = stub.PrepareHotSnapshot(wire.PrepareHotSnapshotRequest(), timeout=60)
            stub.ConfirmFiles(wire.ConfirmFilesRequest(paths=files.recent_cold_paths[1:]))
