"""Live tables as a sender and as somebody who asks meet them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.benchmark.ingest import STEADY_RATE, milliseconds
from tests.benchmark.load import Sending
from tests.benchmark.plan import PROJECT, Plan
from tests.benchmark.report import Line, percentile

AT_LEAST = 0.5
"""Of what the same receiver takes while it throws everything away."""
EXPORT_P99_MAX_MS = 100
QUERIES_PER_S = 10


@dataclass
class Receiving:
    """A process of ``live_receiver``, and what it has seen once it has ended."""

    target: str
    process_id: int
    seen: dict[str, Any] = field(default_factory=dict)


@contextmanager
def receiving(sink: str, queries: float = 0, askers: int = 1) -> Iterator[Receiving]:
    """One that runs until the block ends."""
    command = [sys.executable, "-m", "tests.benchmark.live_receiver", sink]
    process = subprocess.Popen(
        [*command, "--queries", str(queries), "--askers", str(askers)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        port = json.loads(process.stdout.readline())["port"]
        made = Receiving(f"127.0.0.1:{port}", process.pid)
        try:
            yield made
        finally:
            process.stdin.close()
            lines = process.stdout.read().splitlines()
        made.seen = json.loads(lines[-1])


def measure(plan: Plan) -> list[Line]:
    """The rate beside that of a receiver that keeps nothing, and the times at a steady rate."""
    kept, details = _rate("live", plan.load_s)
    thrown, _ = _rate("nothing", plan.load_s)
    return [
        Line(
            name="live tables: spans received",
            measured=kept,
            unit="spans/s",
            compared=thrown,
            compared_with="the receiver throwing them away",
            ratio=kept / thrown,
            at_least=AT_LEAST,
            details=details,
        ),
        *_steady(plan),
    ]


def _rate(sink: str, seconds: float) -> tuple[float, dict[str, Any]]:
    with receiving(sink) as running:
        sending = Sending(running.target, seed=11, seconds=seconds, rate=None)
        sending.ended()
    return sending.rate, running.seen


def _steady(plan: Plan) -> list[Line]:
    with receiving("live", QUERIES_PER_S) as running:
        sending = Sending(running.target, seed=12, seconds=plan.load_s, rate=STEADY_RATE)
        sending.ended()
    asked = running.seen["query_ms"]
    return [
        Line(
            name=f"live tables: an export of 512 spans at {STEADY_RATE:,} spans/s, p99",
            measured=percentile(milliseconds(sending.exports), 99),
            unit="ms",
            at_most=EXPORT_P99_MAX_MS,
            details={"p50": percentile(milliseconds(sending.exports), 50), **running.seen},
        ),
        Line(
            name="live tables: a query of the whole ring beside it, p50",
            measured=percentile(asked, 50),
            unit="ms",
            details={"p99": percentile(asked, 99), "queries": len(asked)},
        ),
    ]
