"""Ingestion and worker as ``python -m indexer up`` starts them, with what each process costs.

The system's own account is read from ``/proc``: memory in hand and processor time so far, by the
part that each process plays.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.clients.unix_socket import LocalClient, socket_path
from indexer.errors import IndexerError
from indexer.wire.calls import Calls
from tests.benchmark.plan import PROJECT, environment

STARTED_WITHIN_S = 60.0
STOPPED_WITHIN_S = 120.0
"""A stop flushes all that is in the log."""
SETTLED_WITHIN_S = 300.0
"""As fast as it is acknowledged, a minute leaves some million spans in the log: not lost, late."""
POLL_S = 0.1
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_OTHERS = ("INGESTION_", "SPAN_", "FLUSH_", "JUNJO_")
"""Settings of the caller's shell that the processes must not get."""


@dataclass(slots=True)
class Parts:
    """The processes below one, by part: up, ingestion, writer, worker."""

    root: int

    def rss_mib(self) -> dict[str, float]:
        """Memory in hand."""
        found: dict[str, float] = {}
        for process_id, part in self._processes():
            pages = _read(process_id, "statm").split()
            held = int(pages[1]) * _PAGE_BYTES / (1 << 20) if pages else 0.0
            found[part] = round(found.get(part, 0.0) + held, 1)
        return found

    def pss_mib(self) -> dict[str, float]:
        """The same, with pages that several processes share counted once in all."""
        found: dict[str, float] = {}
        for process_id, part in self._processes():
            lines = _read(process_id, "smaps_rollup").splitlines()
            kib = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            found[part] = round(found.get(part, 0.0) + kib / 1024, 1)
        return found

    def wakeups(self) -> dict[str, int]:
        """How often a thread of each has gone to sleep since it was started."""
        found: dict[str, int] = {}
        for process_id, part in self._processes():
            for task in Path(f"/proc/{process_id}/task").glob("*"):
                lines = _read(process_id, f"task/{task.name}/status").splitlines()
                given_up = [line for line in lines if line.startswith("voluntary_ctxt_switches")]
                found[part] = found.get(part, 0) + sum(int(one.split()[1]) for one in given_up)
        return found

    def processor_s(self) -> dict[str, float]:
        """Processor time since each was started."""
        found: dict[str, float] = {}
        for process_id, part in self._processes():
            values = _read(process_id, "stat").rpartition(")")[2].split()
            used = (int(values[11]) + int(values[12])) / _TICKS_A_SECOND if values else 0.0
            found[part] = round(found.get(part, 0.0) + used, 2)
        return found

    def _processes(self) -> Iterator[tuple[int, str]]:
        children: dict[int, list[int]] = {}
        for name in os.listdir("/proc"):
            if name.isdecimal() and (values := _read(int(name), "stat").rpartition(")")[2].split()):
                children.setdefault(int(values[1]), []).append(int(name))
        waiting = [self.root]
        while waiting:
            process_id = waiting.pop()
            waiting += children.get(process_id, [])
            yield process_id, _part(process_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """What runs, and where it listens."""

    parts: Parts
    otlp: str
    socket_file: str
    catalog: Path
    otlp_http: int
    """Port of OTLP over HTTP; it listens only where it was asked for."""
    internal: int
    """The internal port."""

    def status(self) -> dict[str, Any]:
        """The worker's."""
        answer: dict[str, Any] = LocalClient(self.catalog).get("/status")
        return answer

    def flush(self) -> None:
        """Have all that is hot put into files."""
        with closing(Calls(f"127.0.0.1:{self.internal}", None)) as calls:
            problem = calls.flush(SETTLED_WITHIN_S)
        assert problem is None, problem
        LocalClient(self.catalog).post("/sweep")

    @property
    def http(self) -> tuple[str, int]:
        """Where dashboards ask; there is a port only where OTLP over HTTP was asked for."""
        host, _, port = self.status()["http"].removeprefix("http://").rpartition(":")
        return host, int(port)

    def held(self, wanted: int) -> tuple[int, dict[str, Any]]:
        """(spans in the index and hot, details) once there are so many, or once time is up."""
        gives_up_s = time.monotonic() + SETTLED_WITHIN_S
        while True:
            status = self.status()
            hot = status["hot"]
            total = status["spans"] + hot["spans"]
            if total == wanted or time.monotonic() > gives_up_s:
                return total, {
                    "indexed_spans": status["spans"],
                    "hot_spans": hot["spans"],
                    "files": status["files"],
                    "lost_spans_told": hot["lost_spans"],
                }
            time.sleep(POLL_S)


def embedded_environment(
    folder: Path, *, over_http: bool = False
) -> tuple[dict[str, str], tuple[int, int, int]]:
    """Settings of an ``up`` in a folder, and its ports: OTLP over gRPC, internal, over HTTP."""
    otlp, internal, otlp_http = (_free_port() for _ in range(3))
    kept = environment(folder / "spans", folder / "index.duckdb")
    environ = {
        **{name: value for name, value in kept.items() if not name.startswith(_OTHERS)},
        "JUNJO_SPAN_STORAGE_PATH": str(folder / "spans"),
        "JUNJO_DUCKDB_PATH": str(folder / "index.duckdb"),
        "INGESTION_WAL_PATH": str(folder / "ingestion" / "wal.sqlite"),
        "INGESTION_OTLP_GRPC_LISTEN": f"127.0.0.1:{otlp}",
        "INGESTION_OTLP_HTTP_LISTEN": f"127.0.0.1:{otlp_http}" if over_http else "",
        "INDEXER_HTTP_LISTEN": "127.0.0.1:0" if over_http else "",
        "INGESTION_HTTP_LISTEN": "127.0.0.1:0",
        "INGESTION_GRPC_PORT": str(internal),
    }
    return environ, (otlp, internal, otlp_http)


@contextmanager
def embedded(folder: Path, *, over_http: bool = False) -> Iterator[Embedded]:
    """Both on free ports and in a fresh folder, ready; stopped afterwards."""
    environ, (otlp, internal, otlp_http) = embedded_environment(folder, over_http=over_http)
    catalog = Path(environ["JUNJO_DUCKDB_PATH"])
    process = subprocess.Popen([sys.executable, "-m", "indexer", "up"], cwd=PROJECT, env=environ)
    try:
        running = Embedded(
            parts=Parts(process.pid),
            otlp=f"127.0.0.1:{otlp}",
            socket_file=os.path.relpath(socket_path(catalog)),  # a socket's path must be short
            catalog=catalog,
            otlp_http=otlp_http,
            internal=internal,
        )
        _until_ready(running, process)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _until_ready(running: Embedded, process: "subprocess.Popen[bytes]") -> None:
    gives_up_s = time.monotonic() + STARTED_WITHIN_S
    while not _is_ready(running):
        assert process.poll() is None, "it ended while it started"
        assert time.monotonic() < gives_up_s, "it did not start"
        time.sleep(POLL_S)


def _is_ready(running: Embedded) -> bool:
    try:
        status = running.status()
    except (OSError, IndexerError):
        return False
    return bool(status["watching"] and status["hot"] and status["hot"]["reachable"])


def _part(process_id: int) -> str:
    command = _read(process_id, "cmdline").rstrip("\0").split("\0")
    if "resource_tracker" in command[-1]:
        return "resource tracker"
    if any("multiprocessing" in word for word in command):
        return "writer"
    return {"up": "up", "ingest": "ingestion"}.get(command[-1], "worker")


def _read(process_id: int, name: str) -> str:
    """A file of the process; empty when it has just ended."""
    try:
        return Path(f"/proc/{process_id}/{name}").read_text()
    except OSError:
        return ""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
