"""Answers over HTTP beside the same server sending a stored body of the same bytes.

One ``up`` is sent all spans over OTLP, as services send them, and is asked when they are in files.
Traces are drawn from all of them, so that hardly one is asked for twice. The other side is a
process with the same HTTP server that has nothing to find. Beside the time of an answer stands what
it takes from the processor, which is what many clients share.
"""

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from tests.benchmark.embedded import Embedded, Parts, embedded
from tests.benchmark.export_bodies import SERVICES, SPANS, Bodies, trace_ids
from tests.benchmark.panels import API, Asked, ask, connection
from tests.benchmark.plan import PROJECT, Plan, scratch
from tests.benchmark.report import Line, percentile
from tests.benchmark.sender import EXPORT_TIMEOUT_S, METHOD, Export
from tests.support.processes import free_ports

SEED = 21
CLIENTS = 16
STARTED_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What is asked, and how it may compare with a stored body: p50 of one client, rate of many."""

    name: str
    path: Callable[[random.Random, int], str]
    p50_at_most: float
    rate_at_least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answers:
    """What clients were answered in so many seconds."""

    all: list[Asked]
    seconds: float
    processor_s: float
    """Of the side that answered."""

    @property
    def ms(self) -> list[float]:
        return [one.ms for one in self.all]

    @property
    def processor_ms(self) -> float:
        """Of an answer."""
        return 1e3 * self.processor_s / len(self.all)


QUESTIONS = (
    _Question(
        name="a trace of eight spans",
        path=lambda drawn, requests: f"{API}/traces/{_trace(drawn, requests)}/spans",
        p50_at_most=3.0,
        rate_at_least=0.3,
    ),
    _Question(
        name="latest 100 roots of a service",
        path=lambda drawn, _: f"{API}/services/{drawn.choice(SERVICES)}/spans/root?limit=100",
        p50_at_most=6.0,
        rate_at_least=0.2,
    ),
)


def measure(plan: Plan) -> list[Line]:
    """Each question with one client and with many."""
    with scratch("floors") as folder, embedded(folder, over_http=True) as running:
        requests = plan.floor_spans // SPANS
        _send(running, requests)
        running.flush()
        held, details = running.held(requests * SPANS)
        assert held == requests * SPANS, details
        return [
            line
            for question in QUESTIONS
            for line in _compared(question, running, requests, folder, plan)
        ]


def _send(running: Embedded, requests: int) -> None:
    bodies = Bodies(SEED)
    with grpc.insecure_channel(running.otlp) as channel:
        export: Export = channel.unary_unary(METHOD)
        for number in range(requests):
            export(bodies.body(number, time.time_ns()), timeout=EXPORT_TIMEOUT_S)


def _trace(drawn: random.Random, requests: int) -> str:
    return drawn.choice(trace_ids(SEED, drawn.randrange(requests)))


def _compared(
    question: _Question, running: Embedded, requests: int, folder: Path, plan: Plan
) -> Iterator[Line]:
    drawn = random.Random(SEED)
    ours = running.http
    with closing(connection(ours)) as client:
        body = ask(client, question.path(drawn, requests)).body
    with _stored(body, folder) as (floor, parts):
        for clients in (1, CLIENTS):
            paths = [question.path(drawn, requests) for _ in range(plan.floor_paths)]
            found = _asked(ours, paths, clients, plan.panel_s, running.parts)
            least = _asked(floor, paths, clients, plan.panel_s, parts)
            yield _line(question, clients, found, least)


def _line(question: _Question, clients: int, ours: "_Answers", floor: "_Answers") -> Line:
    p50, least_p50 = (percentile(side.ms, 50) for side in (ours, floor))
    rate, most_rate = (len(side.all) / side.seconds for side in (ours, floor))
    one = clients == 1
    return Line(
        name=f"{question.name}, {'p50 of one client' if one else f'{clients} clients'}",
        measured=p50 if one else rate,
        unit="ms" if one else "a second",
        compared=least_p50 if one else most_rate,
        compared_with="the same server, a stored body",
        ratio=p50 / least_p50 if one else rate / most_rate,
        at_most=question.p50_at_most if one else None,
        at_least=None if one else question.rate_at_least,
        details={
            "p50_ms": round(p50, 2),
            "p99_ms": round(percentile(ours.ms, 99), 2),
            "a_second": round(rate, 1),
            "processor_ms": round(ours.processor_ms, 2),
            "floor_processor_ms": round(floor.processor_ms, 2),
            "bytes": len(floor.all[0].body),
            "complete": sum(each.complete for each in ours.all) / len(ours.all),
        },
    )


def _asked(
    address: tuple[str, int], paths: list[str], clients: int, seconds: float, parts: Parts
) -> "_Answers":
    """Each path once and in turn by so many clients, until time or paths are over."""
    waiting = iter(paths)
    before_s = sum(parts.processor_s().values())
    began = time.monotonic()
    ends = began + seconds

    def run(_: int) -> list[Asked]:
        taken = []
        with closing(connection(address)) as client:
            for path in waiting:
                taken.append(ask(client, path))
                if time.monotonic() > ends:
                    break
        return taken

    with ThreadPoolExecutor(clients) as pool:
        answers = [one for taken in pool.map(run, range(clients)) for one in taken]
    return _Answers(
        all=answers,
        seconds=time.monotonic() - began,
        processor_s=sum(parts.processor_s().values()) - before_s,
    )


@contextmanager
def _stored(body: bytes, folder: Path) -> Iterator[tuple[tuple[str, int], Parts]]:
    """The address of the other side, and its process."""
    (port,) = free_ports(1)
    file = folder / "body"
    file.write_bytes(body)
    command = [sys.executable, "-m", "tests.benchmark.stored_body", str(port), str(file)]
    process = subprocess.Popen(command, cwd=PROJECT)
    try:
        _until_answering(("127.0.0.1", port))
        yield ("127.0.0.1", port), Parts(process.pid)
    finally:
        process.kill()
        process.wait()


def _until_answering(address: tuple[str, int]) -> None:
    ends = time.monotonic() + STARTED_WITHIN_S
    while not _answers(address):
        assert time.monotonic() < ends, "the stored body is not served"
        time.sleep(0.05)


def _answers(address: tuple[str, int]) -> bool:
    try:
        with closing(connection(address)) as client:
            ask(client, "/")
    except OSError:
        return False
    return True
