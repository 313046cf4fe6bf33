"""Answers over HTTP beside the same server sending a stored body of the same bytes.

One ``up`` is sent all spans over OTLP, as services send them, and is asked when they are in files.
Traces are drawn from all of them, so that hardly one is asked for twice. The other side is a
process with the same HTTP server that has nothing to find. Beside the time of an answer stands what
it takes from the processor, which is what many clients share.

A trace is asked for again while spans come in, against the floor of a machine at rest: one that was
acknowledged just before, of 10,000 spans a second, and any, beside a file of 20,000 spans a second.
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import grpc

from tests.benchmark.arrivals import NEWEST, arriving, make_arrivals
from tests.benchmark.embedded import Embedded, Parts, embedded
from tests.benchmark.export_bodies import SERVICES, SPANS, TRACE_SPANS, Bodies, trace_ids
from tests.benchmark.load import Sending, sending
from tests.benchmark.panels import API, Asked, ask, connection
from tests.benchmark.plan import PROJECT, Plan, scratch
from tests.benchmark.report import Line, percentile
from tests.benchmark.sender import EXPORT_TIMEOUT_S, METHOD, Export
from tests.support.processes import free_ports

SEED, SEED_OF_RECENT = 21, 22
CLIENTS = 16
BESIDE_AT_MOST = 6.0
"""Of the floor's p50, for a trace while spans come in: twice what one may take without."""
RECENT_RATE = 10_000.0
"""Spans a second."""
RECENT_AT_LEAST = 10
"""Requests that are acknowledged before one of their traces is asked for."""
ARRIVALS_MORE = 10
"""Files above one a second: reading the answers takes time too."""
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
        path=lambda drawn, requests: _path_of_trace(_trace(drawn, requests)),
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
            *(
                line
                for question in QUESTIONS
                for line in _compared(question, running, requests, folder, plan)
            ),
            *_beside(running, requests, folder, plan),
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


def _beside(running: Embedded, requests: int, folder: Path, plan: Plan) -> Iterator[Line]:
    """A trace, by one client, while spans come in as requests and as files."""
    drawn = random.Random(SEED_OF_RECENT)  # other traces than those that were asked for before
    paths = [_path_of_trace(_trace(drawn, requests)) for _ in range(plan.floor_paths)]
    with closing(connection(running.http)) as client:
        body = ask(client, paths[0]).body
    with _stored(body, folder) as (floor, parts):
        least = _asked(floor, paths, 1, plan.panel_s, parts)
    seconds = int(plan.panel_s) + ARRIVALS_MORE
    files = replace(NEWEST, files=seconds, spans=plan.arriving_spans)
    arrivals = make_arrivals(files, folder / "spans", folder / "made")
    with sending(running, seed=SEED_OF_RECENT, seconds=seconds, rate=RECENT_RATE) as sent:
        recent = _asked(running.http, _recent(sent, drawn), 1, plan.panel_s, running.parts)
        yield _line_beside("a trace of just before, beside 10,000 spans/s", recent, least)
    with arriving(arrivals):
        old = _asked(running.http, paths, 1, plan.panel_s, running.parts)
    yield _line_beside("a trace, beside a file of 20,000 spans a second", old, least)


def _recent(sent: Sending, drawn: random.Random) -> Iterator[str]:
    """Paths of traces that were acknowledged in the last seconds; each as it is asked for."""
    ends = time.monotonic() + STARTED_WITHIN_S
    while len(sent.recent) < RECENT_AT_LEAST:
        assert time.monotonic() < ends, "nothing is acknowledged"
        time.sleep(0.05)
    while True:
        number = drawn.choice(list(sent.recent))
        yield _path_of_trace(drawn.choice(trace_ids(SEED_OF_RECENT, number)))


def _line_beside(name: str, ours: "_Answers", floor: "_Answers") -> Line:
    assert all(len(json.loads(one.body)) == TRACE_SPANS for one in ours.all), "spans are missing"
    p50, least_p50 = (percentile(side.ms, 50) for side in (ours, floor))
    return Line(
        name=f"{name}, p50 of one client",
        measured=p50,
        unit="ms",
        compared=least_p50,
        compared_with="the same server at rest, a stored body",
        ratio=p50 / least_p50,
        at_most=BESIDE_AT_MOST,
        details={
            "p99_ms": round(percentile(ours.ms, 99), 2),
            "a_second": round(len(ours.all) / ours.seconds, 1),
            "complete": sum(each.complete for each in ours.all) / len(ours.all),
        },
    )


def _path_of_trace(trace_id: str) -> str:
    return f"{API}/traces/{trace_id}/spans"


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
    address: tuple[str, int], paths: Iterable[str], clients: int, seconds: float, parts: Parts
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
