"""What spans cost on their way from OTLP into the index, beside parsing them once.

Processor time of every process of ``up``, from the first request until the index has the last span,
is held against that of google.protobuf parsing the same bodies here: the least that a receiver in
Python does with them. The memory of all processes together is looked at all the while.
"""

import gc
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.benchmark.embedded import SETTLED_WITHIN_S, Embedded, Parts, embedded
from tests.benchmark.export_bodies import SPANS, Bodies
from tests.benchmark.plan import Plan, scratch
from tests.benchmark.report import Line, median
from tests.benchmark.sender import CONNECTIONS, EXPORT_TIMEOUT_S, METHOD, REFUSED_PAUSE_S, Export

SEED = 31
PARSES_AT_MOST = 10.0
PEAK_MIB_AT_MOST = 600.0
LOOK_EVERY_S = 0.25
ASK_EVERY_S = 0.5
"""Each look at the status has the worker look at the hot tier."""


@dataclass(slots=True)
class _Peak:
    """The most that all processes together had in hand, and each one's part of it."""

    mib: float = 0.0
    by_part: dict[str, float] = field(default_factory=dict)
    rss_mib: float = 0.0
    """The same of memory that counts shared pages once for each process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    parse_s: float
    used_s: dict[str, float]
    took_s: float
    peak: _Peak


def measure(plan: Plan) -> list[Line]:
    """Processor time and peak memory of as many spans as the plan says."""
    requests = plan.indexed_spans // SPANS
    bodies = Bodies(SEED)
    now = time.time_ns()
    made = [bodies.body(number, now) for number in range(requests)]
    turns = [_turn(made) for _ in range(plan.rounds)]
    return [_processor_line(turns, requests * SPANS), _memory_line(turns, requests * SPANS)]


def _processor_line(turns: Sequence[_Turn], spans: int) -> Line:
    ours = median([sum(turn.used_s.values()) for turn in turns])
    theirs = median([turn.parse_s for turn in turns])
    a_million = 1e6 / spans
    return Line(
        name=f"OTLP to indexed, {spans:,} spans",
        measured=ours * a_million,
        unit="processor s a million",
        compared=theirs * a_million,
        compared_with="google.protobuf parsing them once",
        ratio=ours / theirs,
        at_most=PARSES_AT_MOST,
        details={
            "turns": [
                {"parse_s": turn.parse_s, "used_s": turn.used_s, "took_s": turn.took_s}
                for turn in turns
            ]
        },
    )


def _memory_line(turns: Sequence[_Turn], spans: int) -> Line:
    highest = max((turn.peak for turn in turns), key=lambda peak: peak.mib)
    return Line(
        name=f"peak memory of all processes, {spans:,} spans in",
        measured=highest.mib,
        unit="MiB",
        at_most=PEAK_MIB_AT_MOST,
        details={"by_part": highest.by_part, "sum_of_rss_mib": highest.rss_mib},
    )


def _turn(bodies: Sequence[bytes]) -> _Turn:
    parse_s = _parse_s(bodies)
    with scratch("indexed") as folder, embedded(folder) as running:
        running.flush()  # its first request has the worker load its routes, once and not a million
        before = running.parts.processor_s()
        began_s = time.monotonic()
        with _watched(running.parts) as peak:
            _send(running.otlp, bodies)
            running.flush()
            _until_indexed(running, len(bodies) * SPANS)
        took_s = time.monotonic() - began_s
        used = running.parts.processor_s()
    return _Turn(
        parse_s=round(parse_s, 3),
        used_s={part: round(s - before.get(part, 0.0), 2) for part, s in used.items()},
        took_s=round(took_s, 2),
        peak=peak,
    )


def _parse_s(bodies: Sequence[bytes]) -> float:
    gc.collect()
    before_ns = time.process_time_ns()
    for body in bodies:
        ExportTraceServiceRequest.FromString(body)
    return (time.process_time_ns() - before_ns) / 1e9


def _send(target: str, bodies: Sequence[bytes]) -> None:
    """All of them over a few connections, as fast as they are acknowledged."""
    waiting = iter(bodies)
    taking = threading.Lock()

    def send(_: int) -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(target, options=options) as channel:
            export: Export = channel.unary_unary(METHOD)
            while True:
                with taking:
                    body = next(waiting, None)
                if body is None:
                    return
                _acknowledged(export, body)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(send, range(CONNECTIONS)))


def _acknowledged(export: Export, body: bytes) -> None:
    gives_up_s = time.monotonic() + SETTLED_WITHIN_S
    while True:
        try:
            assert export(body, timeout=EXPORT_TIMEOUT_S) == b"", "spans were rejected"
        except grpc.RpcError:
            assert time.monotonic() < gives_up_s, "a request is refused again and again"
            time.sleep(REFUSED_PAUSE_S)
        else:
            return


def _until_indexed(running: Embedded, spans: int) -> None:
    gives_up_s = time.monotonic() + SETTLED_WITHIN_S
    while (indexed := running.status()["spans"]) != spans:
        assert time.monotonic() < gives_up_s, f"{indexed} of {spans} spans are in the index"
        time.sleep(ASK_EVERY_S)


@contextmanager
def _watched(parts: Parts) -> Iterator[_Peak]:
    peak, over = _Peak(), threading.Event()

    def look() -> None:
        while not over.wait(LOOK_EVERY_S):
            held = parts.pss_mib()
            if sum(held.values()) > peak.mib:
                peak.mib, peak.by_part = sum(held.values()), held
            peak.rss_mib = max(peak.rss_mib, sum(parts.rss_mib().values()))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
