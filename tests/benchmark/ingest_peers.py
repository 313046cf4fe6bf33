"""What other people's programs make of the same spans: a receiver alone, and a Parquet encoder.

They are of ``.venv-peers``, which ``make bench-peers`` sets up; without it there are no such rows.
rotel receives from the same sender and throws everything away, so it is a ceiling: nothing is
durable there. Datasette's exporter is given the records that it makes of spans, already in memory,
while ours is given the requests as they arrive: its rows need no decoding, ours do.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmark.load import Sending
from tests.benchmark.plan import PROJECT, Plan
from tests.benchmark.report import Line, median

PYTHON = PROJECT / ".venv-peers" / "bin" / "python"
STARTED_WITHIN_S = 30.0
POLL_S = 0.1


def measure(plan: Plan, ours: float) -> list[Line]:
    """Both, beside ours: the spans a second that were acknowledged as fast as that goes."""
    if not PYTHON.exists():
        sys.stderr.write(f"no rows of other programs: {PYTHON} is not there (make bench-peers)\n")
        return []
    return [_received(plan, ours), _encoded(plan)]


def _received(plan: Plan, ours: float) -> Line:
    with _rotel() as target:
        sent = Sending(target, seed=7, seconds=plan.load_s, rate=None)
        try:
            sent.ended()
        finally:
            sent.kill()
    return Line(
        name="acknowledged, beside a receiver that keeps nothing",
        measured=ours,
        unit="spans/s",
        compared=sent.rate,
        compared_with="rotel to blackhole",
        ratio=ours / sent.rate,
        details={"rotel_spans": sent.acknowledged, **sent.facts},
    )


def _encoded(plan: Plan) -> Line:
    command = [str(PYTHON), "-m", "tests.benchmark.encoders", str(plan.rounds)]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)
    ours, theirs = median(found["ours"]), median(found["theirs"])
    return Line(
        name="spans to Parquet, ours from requests",
        measured=ours,
        unit="spans/s",
        compared=theirs,
        compared_with="datasette-otel-file-exporter from records",
        ratio=ours / theirs,
        details=found,
    )


@contextmanager
def _rotel() -> Iterator[str]:
    """Where it receives."""
    (agent,) = PYTHON.parents[1].glob("lib/python*/site-packages/rotel/rotel-agent")
    grpc, http = (_free_port() for _ in range(2))
    command = [str(agent), "start", "--exporter", "blackhole"]
    command += ["--otlp-grpc-endpoint", f"127.0.0.1:{grpc}"]
    command += ["--otlp-http-endpoint", f"127.0.0.1:{http}"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROTEL_")}
    process = subprocess.Popen(command, env=kept, stdout=subprocess.DEVNULL)
    try:
        _until_listening(grpc, process)
        yield f"127.0.0.1:{grpc}"
    finally:
        process.terminate()
        process.wait()


def _until_listening(port: int, process: "subprocess.Popen[bytes]") -> None:
    gives_up_s = time.monotonic() + STARTED_WITHIN_S
    while True:
        assert process.poll() is None, "it ended while it started"
        assert time.monotonic() < gives_up_s, "it did not start"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(POLL_S)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
