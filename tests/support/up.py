"""The whole program as processes: ingestion and worker on free ports, senders, and their account.

Who sends keeps an account of what was acknowledged, because that is all that may be asked for
afterwards: a span of a request that broke off may be there or not.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from indexer.wire.generated import ingestion_pb2 as wire
from indexer.wire.generated.ingestion_pb2_grpc import InternalIngestionServiceStub
from tests.hot.servers import body
from tests.support.processes import Running, Site, free_ports, wait_until
from tests.support.span_files import T0, Span

EXPORT_S = 60.0
"""Of a receiver that is killed the connection ends at once; a busy one takes its time."""
TRACE_SPANS = 20
"""Of a trace of ``Load``, on average."""
OPEN_TRACES = 20
"""Traces that spans arrive for at a time: with a few hundred spans a file, each crosses a flush."""
_RECONNECT = [
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.use_local_subchannel_pool", 1),
]

Found = set[tuple[int, int]]
"""(trace, span), as numbers."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    grpc: int
    http: int
    internal: int


def prepare(site: Site, **env: object) -> Ports:
    """Settings of an ingestion in the site's folder, and of a worker that asks it."""
    ports = Ports(**dict(zip(("grpc", "http", "internal"), free_ports(3), strict=True)))
    site.set(
        INGESTION_OTLP_GRPC_LISTEN=f"127.0.0.1:{ports.grpc}",
        INGESTION_OTLP_HTTP_LISTEN=f"127.0.0.1:{ports.http}",
        INGESTION_GRPC_PORT=ports.internal,
        INGESTION_WAL_PATH=site.folder / "ingestion" / "wal.sqlite",
        **env,
    )
    return ports


def start_up(site: Site) -> Running:
    """``up`` that receives, answers and has its hot tier at hand."""
    running = site.start("up")
    wait_receiving(running)
    site.wait_ready(running)
    wait_hot(site)
    return running


def wait_receiving(running: Running) -> None:
    """Wait until every port of an ingestion is bound."""

    def receives() -> bool:
        assert not running.has_ended, f"the ingestion ended early: {running.err}"
        return any(event["event"] == "ingestion.started" for event in running.events)

    wait_until(receives, lambda: f"an ingestion that listens: {running.err}")


def wait_hot(site: Site) -> None:
    """Wait until the worker has an answer of its ingestion."""
    wait_until(
        lambda: (status := site.status()) and status["hot"]["reachable"],
        lambda: f"a hot tier; {site.status()}",
    )


def flush(ports: Ports) -> None:
    """FlushWAL: everything acknowledged is in files when it returns."""
    with grpc.insecure_channel(f"127.0.0.1:{ports.internal}", options=_RECONNECT) as channel:
        stub = InternalIngestionServiceStub(channel)
        answer = stub.FlushWAL(wire.FlushWALRequest(), timeout=60, wait_for_ready=True)
    assert answer.success, answer.error_message


def span_files(site: Site) -> list[Path]:
    """The finished ones below the root."""
    return [
        path
        for path in site.root.rglob("*.parquet")
        if not any(part.startswith(".") for part in path.relative_to(site.root).parts)
    ]


def wait_indexed(site: Site) -> None:
    """Sweep; wait until every file is in the index and confirmed to the ingestion."""
    assert site.request("POST", "/sweep").code == 200
    site.wait_files(len(span_files(site)))
    wait_until(
        lambda: (
            (status := site.status())
            and status["hot"]["reachable"]
            and not status["hot"]["recent_files"] + status["hot"]["spans"]
        ),
        lambda: f"files that are confirmed; {site.status()}",
    )


def ask(site: Site, trace: int, *, timeout_s: float = 60) -> dict[str, Any] | None:
    """The worker's answer; None when there is none in time."""
    try:
        with site.connected() as connection:
            connection.sock.settimeout(timeout_s)
            connection.request("GET", f"/api/v1/traces/{trace:032x}")
            response = connection.getresponse()
            body_bytes = response.read()
    except (OSError, http.client.HTTPException):
        return None
    assert response.status in {200, 503}, body_bytes
    return json.loads(body_bytes) if response.status == 200 else None


def whole(site: Site, trace: int) -> dict[str, Any]:
    """The first answer that says it is complete: a busy machine may make the hot tier late."""
    last: list[Any] = [None]

    def complete() -> dict[str, Any] | None:
        last[0] = ask(site, trace)
        return last[0] if last[0] and last[0]["complete"] else None

    return wait_until(complete, lambda: f"a complete answer; {last[0]}")


def spans_of(answer: dict[str, Any]) -> Found:
    """What it holds; fails when it has a span twice."""
    listed = [(int(span["trace_id"], 16), int(span["span_id"], 16)) for span in answer["spans"]]
    assert len(set(listed)) == len(listed), answer
    return set(listed)


def spans_in_index(site: Site) -> Found:
    """By SQL; fails when one is there twice, or in two files."""
    query = "SELECT trace_id, span_id FROM span_metadata"
    done = site.call("sql", query, "--json")
    assert done.code == 0, done.err
    listed = [(int(row["trace_id"], 16), int(row["span_id"], 16)) for row in done.json["rows"]]
    assert len(set(listed)) == len(listed)
    twice = site.call("sql", "SELECT * FROM parquet_files WHERE duplicate_spans > 0", "--json")
    assert twice.json["rows"] == []
    return set(listed)


class Load:
    """Small export requests without end, and the account of them. Any thread may ask."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._lock = threading.Lock()
        self._made = 0
        self._sent: dict[int, set[int]] = defaultdict(set)
        self._acknowledged: dict[int, set[int]] = defaultdict(set)
        self.refusals: list[str] = []

    def send(self, ports: Ports, stop: threading.Event, *, spans: int = 0, pause_s: float) -> None:
        """Until so many spans were sent, or until told to stop."""
        target = f"127.0.0.1:{ports.grpc}"
        with grpc.insecure_channel(target, options=_RECONNECT) as channel:
            stub = TraceServiceStub(channel)
            while not stop.is_set() and not (spans and self._made >= spans):
                rows, pause = self._next(pause_s)
                self._export(stub, rows)
                stop.wait(pause)

    def acknowledged(self, trace: int) -> Found:
        """Spans of one trace that were acknowledged by now."""
        with self._lock:
            return {(trace, span) for span in self._acknowledged.get(trace, ())}

    @property
    def traces(self) -> list[int]:
        """Those with an acknowledged span, oldest first."""
        with self._lock:
            return sorted(self._acknowledged)

    @property
    def all_acknowledged(self) -> Found:
        return self._all(self._acknowledged)

    @property
    def all_sent(self) -> Found:
        return self._all(self._sent)

    def _all(self, account: dict[int, set[int]]) -> Found:
        with self._lock:
            return {(trace, span) for trace, spans in account.items() for span in spans}

    def _next(self, pause_s: float) -> tuple[list[Span], float]:
        """A request, and how long to wait after it."""
        rows = []
        with self._lock:
            for _ in range(self._chance.randrange(1, 8)):
                self._made += 1
                trace = 1 + self._made // TRACE_SPANS + self._chance.randrange(OPEN_TRACES)
                rows.append(Span(trace=trace, span=self._made, start=T0 + self._made))
            return rows, self._chance.uniform(0, pause_s)

    def _export(self, stub: TraceServiceStub, rows: list[Span]) -> None:
        self._note(self._sent, rows)
        try:
            answer = stub.Export(
                ExportTraceServiceRequest.FromString(body(*rows)), timeout=EXPORT_S
            )
        except grpc.RpcError as error:
            self.refusals.append(str(error))
            return
        assert not answer.partial_success.rejected_spans
        self._note(self._acknowledged, rows)

    def _note(self, account: dict[int, set[int]], rows: Iterable[Span]) -> None:
        with self._lock:
            for row in rows:
                account[row.trace].add(row.span)


@contextmanager
def sending(
    load: Load, ports: Ports, *, spans: int = 0, pause_s: float, senders: int = 1
) -> Iterator[Callable[[], object]]:
    """Threads that send, stopped at the end; what is yielded waits until they have sent all."""
    stop = threading.Event()
    with ThreadPoolExecutor(senders, thread_name_prefix="sender") as pool:
        under_way = [
            pool.submit(load.send, ports, stop, spans=spans, pause_s=pause_s)
            for _ in range(senders)
        ]
        try:
            yield partial(wait, under_way)
        finally:
            stop.set()
    for one in under_way:
        one.result()


def kill_alone(running: Running) -> None:
    """``kill -9`` to the process and not to what it started."""
    os.kill(running.pid, signal.SIGKILL)
    running.wait()


def processes_of(running: Running) -> list[int]:
    """Processes that it started, and theirs, that have not ended: they are of its session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, session = (folder / "stat").read_text().rpartition(") ")[2].split()[:4]
        except (OSError, ValueError):
            continue  # it ended meanwhile
        if int(session) == running.pid and state not in "ZX":
            found.append(int(folder.name))
    return found
