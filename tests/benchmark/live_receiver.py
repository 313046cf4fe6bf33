"""A process with live tables, or with a receiver that throws everything away, to send to.

    python -m tests.benchmark.live_receiver {live,nothing} [--queries N] [--askers M]

It says its port in a line of JSON, has M askers ask N queries a second, and ends with its standard
input, after a line of JSON with what it has seen.
"""

import argparse
import json
import resource
import sys
import threading
import time
from contextlib import closing
from typing import Any

import duckdb

from indexer import live
from indexer.live.address import receiver_address
from indexer.live.receiver import Receiver
from indexer.otlp.requests import response

URL = "otlp://127.0.0.1:0"
QUERIES = (
    "SELECT count(*), max(timestamp) FROM live.traces",
    "SELECT service_name, count(*), max(duration_time_unix_nano) FROM live.otlp_traces GROUP BY 1",
)
"""What a person who watches asks, in turns."""


class Asking:
    """Queries at a steady rate by some askers, none before its last one is answered."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, rate: float, askers: int) -> None:
        self.milliseconds: list[float] = []
        self._pause_s = askers / rate
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=[connection.cursor()]) for _ in range(askers)
        ]
        for thread in self._threads:
            thread.start()

    def ended(self) -> None:
        """Ask no more."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, connection: duckdb.DuckDBPyConnection) -> None:
        while True:
            began_s = time.perf_counter()
            sql = QUERIES[len(self.milliseconds) % len(QUERIES)]
            connection.execute(sql).fetchall()
            taken_s = time.perf_counter() - began_s
            self.milliseconds.append(round(taken_s * 1e3, 3))
            if self._over.wait(max(0.0, self._pause_s - taken_s)):
                return


def main() -> int:
    """0 when the input has ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.live_receiver")
    parser.add_argument("sink", choices=("live", "nothing"))
    parser.add_argument("--queries", type=float, default=0)
    parser.add_argument("--askers", type=int, default=1)
    options = parser.parse_args()
    seen = _nothing() if options.sink == "nothing" else _live(options.queries, options.askers)
    used = resource.getrusage(resource.RUSAGE_SELF)
    seen["processor_seconds"] = round(used.ru_utime + used.ru_stime, 2)
    print(json.dumps(seen), flush=True)
    return 0


def _nothing() -> dict[str, Any]:
    answer = response("traces")
    receiver = Receiver(receiver_address(URL), {"traces": lambda _body, _is_json: answer})
    print(json.dumps({"port": receiver.addresses["grpc"].port}), flush=True)
    sys.stdin.read()
    receiver.stop()
    return {}


def _live(queries: float, askers: int) -> dict[str, Any]:
    with closing(duckdb.connect()) as connection, live.attach(connection, URL) as attached:
        print(json.dumps({"port": attached.addresses["grpc"].port}), flush=True)
        asking = Asking(connection, queries, askers) if queries else None
        sys.stdin.read()
        if asking:
            asking.ended()
        found = connection.execute("FROM live.stats WHERE ring = 'traces'")
        names = [column[0] for column in found.description]
        stats = dict(zip(names, found.fetchall()[0], strict=True))
    return {"stats": stats, "query_ms": asking.milliseconds if asking else []}


if __name__ == "__main__":
    sys.exit(main())
