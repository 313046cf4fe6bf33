"""Two minutes of every attack on every door at once, and what well-behaved clients see meanwhile.

    python -m tests.benchmark.doors_soak [--seconds N]

A sender keeps one connection and exports 512 spans a second, another one does so over gRPC, a dashboard
asks for services and for traces. The attackers are a process of their own. It ends by itself, with
1 when a percentile or the memory is beyond its bound, and writes JSON into bench-output/.
"""

import argparse
import contextlib
import http.client
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from urllib.parse import urlsplit

import grpc

from indexer.run.memory import total_bytes
from indexer.settings import load_settings
from tests.benchmark.attacks import TRACES, Doors
from tests.benchmark.embedded import Embedded, embedded
from tests.benchmark.export_bodies import Bodies, trace_ids
from tests.benchmark.plan import OUTPUT, PROJECT, scratch
from tests.benchmark.report import machine, percentile
from tests.benchmark.sender import Export

SECONDS = 120.0
P99_MS_MAX = 1_000.0
SENDER_PAUSE_S = 1.0
"""Five times as often as an SDK's batch processor, with full batches."""
DASHBOARD_PAUSE_S = 0.25
REST_S = 5.0
"""How long memory is looked at once the attackers have gone."""
MIB = 1 << 20


class Client:
    """Asks again and again, and notes how long each answer took and which were refused."""

    def __init__(
        self, name: str, ask: Callable[[int], bool], over: threading.Event, pause_s: float
    ) -> None:
        self.name = name
        self.milliseconds: list[float] = []
        self.refused = self.failed = 0
        self._ask, self._over, self._pause_s = ask, over, pause_s
        self._thread = threading.Thread(target=self._run, name=name)
        self._thread.start()

    def ended(self) -> dict[str, float | int | str]:
        """What it has seen."""
        self._thread.join(60)
        return {
            "client": self.name,
            "answers": len(self.milliseconds),
            "asked_to_come_back": self.refused,
            "failed": self.failed,
            **{
                f"p{one}_ms": round(percentile(self.milliseconds, one), 1)
                for one in (50, 99)
                if self.milliseconds
            },
        }

    def _run(self) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            began_s = time.perf_counter()
            try:
                answered = self._ask(number)
            except (OSError, http.client.HTTPException, grpc.RpcError):
                self.failed += 1
                answered = False
            else:
                self.refused += not answered
            if answered:
                self.milliseconds.append((time.perf_counter() - began_s) * 1e3)
            self._over.wait(self._pause_s)


class KeptConnection:
    """One HTTP connection, opened again where it was ended."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        headers = {"Content-Type": "application/x-protobuf"} if body is not None else {}
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            self._connection = None
            raise


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every bound holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.doors_soak")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="default: %(default)g")
    seconds: float = parser.parse_args(arguments).seconds
    with scratch("doors") as folder, embedded(folder, over_http=True) as running:
        doors = Doors(
            otlp_grpc=int(running.otlp.rpartition(":")[2]),
            otlp_http=running.otlp_http,
            internal=running.internal,
            dashboards=int(urlsplit(running.status()["http"]).port or 0),
        )
        report = _attacked(running, doors, seconds)
    path = OUTPUT / f"doors-soak-{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}.json"
    path.write_text(json.dumps({"machine": machine(), **report}, indent=2) + "\n")
    print(json.dumps(report, indent=2))
    return 1 if report["beyond"] else 0


def _attacked(running: Embedded, doors: Doors, seconds: float) -> dict[str, object]:
    over = threading.Event()
    bodies = Bodies(5)
    services = _dashboard(doors.dashboards, lambda _: "/otel/span_service_names")
    clients = [
        Client("OTLP over HTTP", _sender(doors.otlp_http, bodies), over, SENDER_PAUSE_S),
        Client("OTLP over gRPC", _grpc_sender(doors.otlp_grpc, bodies), over, SENDER_PAUSE_S),
        Client("services", services, over, DASHBOARD_PAUSE_S),
        Client("a trace", _dashboard(doors.dashboards, _trace), over, DASHBOARD_PAUSE_S),
    ]
    command = [sys.executable, "-m", "tests.benchmark.attacks", *map(str, astuple(doors))]
    attackers = subprocess.Popen(
        [*command, str(seconds)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    peak: dict[str, float] = {}
    while attackers.poll() is None:
        for part, mib in running.parts.rss_mib().items():
            peak[part] = max(peak.get(part, 0.0), mib)
        time.sleep(0.5)
    over.set()
    seen = [client.ended() for client in clients]
    time.sleep(REST_S)
    assert attackers.stdout is not None
    bound = {part: round(size / MIB) for part, size in total_bytes(load_settings()).items()}
    return {
        "seconds": seconds,
        "clients": seen,
        "attacks": json.loads(attackers.stdout.read()),
        "peak_mib": peak,
        "mib_at_most": bound,
        "mib_after": running.parts.rss_mib(),
        "beyond": _beyond(seen, peak, bound),
    }


def _beyond(
    seen: Sequence[dict[str, float | int | str]], peak: dict[str, float], bound: dict[str, int]
) -> list[str]:
    slow = [
        f"{one['client']}: p99 {one.get('p99_ms', 'none')} ms, at most {P99_MS_MAX:g}"
        for one in seen
        if float(one.get("p99_ms", "inf")) > P99_MS_MAX
    ]
    return slow + [
        f"{part}: {peak[part]:g} MiB, at most {most}"
        for part, most in bound.items()
        if peak.get(part, 0.0) > most
    ]


def _sender(port: int, bodies: Bodies) -> Callable[[int], bool]:
    connection = KeptConnection(port)
    return lambda number: (
        connection.ask("POST", "/v1/traces", bodies.body(number, time.time_ns()))[0] == 200
    )


def _grpc_sender(port: int, bodies: Bodies) -> Callable[[int], bool]:
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    export: Export = channel.unary_unary(TRACES)

    def ask(number: int) -> bool:
        with contextlib.suppress(grpc.RpcError):
            export(bodies.body(1_000_000 + number, time.time_ns()), timeout=10)
            return True
        return False

    return ask


def _dashboard(port: int, path: Callable[[int], str]) -> Callable[[int], bool]:
    connection = KeptConnection(port)
    return lambda number: connection.ask("GET", path(number))[0] == 200


def _trace(number: int) -> str:
    """One that was sent a second before."""
    earlier = max(1, int((number - 8) * DASHBOARD_PAUSE_S / SENDER_PAUSE_S))
    trace_id = random.Random(number).choice(trace_ids(5, earlier))
    return f"/otel/trace/{trace_id}/nested_spans"


if __name__ == "__main__":
    sys.exit(main())
