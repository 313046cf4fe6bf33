"""OTLP in, at full speed and at steady rates: what is acknowledged, how fast, and at what cost.

``python -m indexer up`` as an operator starts it. A load of ten attributes a span comes from a
process of its own, for a bounded time: as fast as it is acknowledged, which shows where the end
is; at the rate that must be possible, which shows how long an export takes there; and at half of
it while somebody looks at traces that have just ended.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.benchmark import ingest_peers
from tests.benchmark.embedded import Embedded, embedded
from tests.benchmark.export_bodies import SPANS
from tests.benchmark.load import Asking, Sending, Timed, sending
from tests.benchmark.plan import Plan, scratch
from tests.benchmark.report import Line, percentile

SPANS_AT_LEAST = 20_000.0
SPANS_AIM = 50_000.0
REQUIRED_RATE = 20_200.0
"""Spans a second that are sent where 20,000 must be acknowledged: a sender is late now and then."""
EXPORT_P99_AT_MOST_MS = 100.0
TRACE_AT_MOST_MS = {50: 20.0, 99: 100.0}
STEADY_RATE = 10_000.0
"""Spans a second: a service that is busy all day, and half of what must be possible."""
QUARTERS = 4


@dataclass(slots=True)
class _Run:
    """One load and what was seen of it."""

    name: str
    sent: Sending
    asking: Asking | None = None
    rss_mib: list[dict[str, float]] = field(default_factory=list)
    processor_s: dict[str, float] = field(default_factory=dict)
    held: int = 0
    held_details: dict[str, Any] = field(default_factory=dict)
    settled_s: float = 0.0


def measure(plan: Plan) -> list[Line]:
    """As fast as it goes, at the required rate, and at half of it with questions."""
    fast = _run("as fast as acknowledged", plan.load_s, seed=7, rate=None)
    required = _run("at 20,000/s", plan.load_s, seed=9, rate=REQUIRED_RATE)
    steady = _run("at 10,000/s", plan.load_s, seed=8, rate=STEADY_RATE, asks=True)
    assert steady.asking is not None
    return [
        *_lines(fast, None, None),
        *ingest_peers.measure(plan, fast.sent.rate),
        *_lines(required, SPANS_AT_LEAST, EXPORT_P99_AT_MOST_MS),
        *_lines(steady, None, EXPORT_P99_AT_MOST_MS),
        *_answer_lines(steady, steady.asking),
    ]


def _run(name: str, seconds: float, *, seed: int, rate: float | None, asks: bool = False) -> _Run:
    with (
        scratch("ingest") as folder,
        embedded(folder) as running,
        sending(running, seed=seed, seconds=seconds, rate=rate) as sent,
    ):
        before_s = running.parts.processor_s()
        run = _Run(name=name, sent=sent, asking=Asking(running, sent) if asks else None)
        _watch_memory(run, running, seconds)
        sent.ended()
        if run.asking is not None:
            run.asking.ended()
        ended_s = time.monotonic()
        run.held, run.held_details = running.held(sent.acknowledged)
        run.settled_s = time.monotonic() - ended_s
        run.processor_s = {
            part: round(used - before_s.get(part, 0.0), 2)
            for part, used in running.parts.processor_s().items()
        }
    return run


def _watch_memory(run: _Run, running: Embedded, seconds: float) -> None:
    """At each quarter of the time."""
    began_s = time.monotonic()
    for quarter in range(1, QUARTERS + 1):
        time.sleep(max(0.0, began_s + seconds * quarter / QUARTERS - time.monotonic()))
        run.rss_mib.append(running.parts.rss_mib())


def _lines(run: _Run, spans_at_least: float | None, p99_at_most: float | None) -> list[Line]:
    sent, took_ms = run.sent, milliseconds(run.sent.exports)
    return [
        Line(
            name=f"acknowledged, {run.name}",
            measured=sent.rate,
            unit="spans/s",
            at_least=spans_at_least,
            details={
                "aim": SPANS_AIM,
                "spans": sent.acknowledged,
                "requests": len(sent.exports),
                "spans_a_request": SPANS,
                **sent.facts,
                "processor_s": {**run.processor_s, "sender": sent.facts["processor_seconds"]},
                "processor_s_a_million_spans": _a_million(run),
            },
        ),
        Line(
            name=f"export p99, {run.name}",
            measured=percentile(took_ms, 99),
            unit="ms",
            at_most=p99_at_most,
            details={
                "p50_ms": round(percentile(took_ms, 50), 3),
                "p95_ms": round(percentile(took_ms, 95), 3),
                "max_ms": round(max(took_ms), 3),
            },
        ),
        _loss_line(run),
        *_memory_lines(run),
    ]


def _loss_line(run: _Run) -> Line:
    return Line(
        name=f"lost, {run.name}",
        measured=run.sent.acknowledged - run.held,
        unit="spans",
        at_least=0,
        at_most=0,
        details={
            "acknowledged": run.sent.acknowledged,
            "held": run.held,
            **run.held_details,
            "given_up_requests": run.sent.facts["given_up"],
            "settled_after_s": round(run.settled_s, 2),
        },
    )


def _memory_lines(run: _Run) -> list[Line]:
    """What each part has in hand at the end; its plateau is the end over the half."""
    half, end = run.rss_mib[QUARTERS // 2 - 1], run.rss_mib[-1]
    return [
        Line(
            name=f"memory of the {part}, {run.name}",
            measured=end.get(part, 0.0),
            unit="MiB",
            details={
                "quarters_mib": [at.get(part, 0.0) for at in run.rss_mib],
                "end_over_half": round(end.get(part, 0.0) / half[part], 3) if half.get(part) else 0,
            },
        )
        for part in ("ingestion", "writer", "worker")
    ]


def _answer_lines(run: _Run, asking: Asking) -> list[Line]:
    took_ms = milliseconds(asking.answers)
    details = {
        "questions": len(took_ms),
        "incomplete": asking.incomplete,
        "p95_ms": round(percentile(took_ms, 95), 3),
        "max_ms": round(max(took_ms), 3),
    }
    return [
        Line(
            name=f"a recent trace p{percent}, {run.name}",
            measured=percentile(took_ms, percent),
            unit="ms",
            at_most=bound,
            details=details,
        )
        for percent, bound in TRACE_AT_MOST_MS.items()
    ]


def milliseconds(timed: Sequence[Timed]) -> list[float]:
    """How long each took."""
    return [one.milliseconds for one in timed]


def _a_million(run: _Run) -> dict[str, float]:
    millions = run.sent.acknowledged / 1e6
    return {part: round(used / millions, 2) for part, used in run.processor_s.items()}
