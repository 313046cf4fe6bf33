"""Send export requests over a few connections for a bounded time, and tell what was acknowledged.

A process of its own, so that its work is not that of whoever measures. A request is sent until it
is acknowledged: at the end everything that was sent is acknowledged, or said to be given up.
One line a request, ``number unix_s milliseconds``, and a line of JSON last.

    python -m tests.benchmark.sender TARGET --seed N --seconds S [--rate SPANS_A_SECOND]
"""

import argparse
import json
import resource
import sys
import threading
import time
from typing import TypeAlias

import grpc

from tests.benchmark.export_bodies import SPANS, Bodies

Export: TypeAlias = "grpc.UnaryUnaryMultiCallable[bytes, bytes]"
METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
CONNECTIONS = 4
EXPORT_TIMEOUT_S = 10.0
"""The OpenTelemetry SDKs' own."""
GIVE_UP_S = 30.0
"""How long requests that were refused are sent again once the time is over."""
REFUSED_PAUSE_S = 0.1


class Sender:
    """What the connections share."""

    def __init__(self, target: str, seed: int, seconds: float, rate: float | None) -> None:
        self._target, self._bodies = target, Bodies(seed)
        self._pause_s = SPANS / rate if rate else 0.0
        self._lock = threading.Lock()
        self._numbers = 0
        self.refused = self.given_up = 0
        self.latest_s = 0.0
        self._began_s = time.monotonic()
        self._ends_s = self._began_s + seconds

    def connection(self) -> None:
        """Send requests one after the other until the time is over."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(self._target, options=options) as channel:
            export: Export = channel.unary_unary(METHOD)
            while (number := self._next()) is not None:
                self._send(export, number)

    def _next(self) -> int | None:
        """The number of a request, at the time when it is due; None when time is over."""
        with self._lock:
            due_s = self._began_s + self._numbers * self._pause_s
            if max(due_s, time.monotonic()) >= self._ends_s:
                return None
            number, self._numbers = self._numbers, self._numbers + 1
        time.sleep(max(0.0, due_s - time.monotonic()))
        if self._pause_s:
            self.latest_s = max(self.latest_s, time.monotonic() - due_s)
        return number

    def _send(self, export: Export, number: int) -> None:
        body = self._bodies.body(number, time.time_ns())
        while True:
            started = time.perf_counter()
            try:
                answer = export(body, timeout=EXPORT_TIMEOUT_S)
            except grpc.RpcError:
                with self._lock:
                    self.refused += 1
                if time.monotonic() > self._ends_s + GIVE_UP_S:
                    self.given_up += 1
                    return
                time.sleep(REFUSED_PAUSE_S)
                continue
            assert answer == b"", f"spans were rejected: {answer!r}"
            taken_ms = (time.perf_counter() - started) * 1e3
            with self._lock:
                sys.stdout.write(f"{number} {time.time():.4f} {taken_ms:.3f}\n")
                sys.stdout.flush()
            return


def main() -> int:
    """0 once everything is acknowledged or given up."""
    options = _options()
    sender = Sender(options.target, options.seed, options.seconds, options.rate)
    began_unix_s = time.time()
    threads = [threading.Thread(target=sender.connection) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    used = resource.getrusage(resource.RUSAGE_SELF)
    facts = {
        "began_unix_s": began_unix_s,
        "refused": sender.refused,
        "given_up": sender.given_up,
        "latest_s": round(sender.latest_s, 3),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 2),
    }
    print(json.dumps(facts), flush=True)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.sender")
    parser.add_argument("target")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--rate", type=float)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
