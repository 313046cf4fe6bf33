"""From a file's rename into the storage until the worker answers with its spans.

This is what somebody waits for who looks at a trace that has just ended. A real worker, its own
socket, and nothing but the question that a dashboard would ask, again and again until it is
answered. The asking itself costs the worker time, which is therefore reported too. What the least
is that any index does comes from ``commit_floor``, in the same run.
"""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from indexer.clients.unix_socket import LocalClient, socket_path
from tests.benchmark.commit_floor import event_and_commit_ms
from tests.benchmark.corpus import write_files
from tests.benchmark.layout import Shape, trace_ids
from tests.benchmark.plan import PROJECT, Plan, environment, scratch
from tests.benchmark.question import ANSWERED_WITHIN_S, Question
from tests.benchmark.report import Line, median, percentile

P50_AT_MOST_MS = 25.0
P99_AT_MOST_MS = 100.0
"""Aims for one small file at an idle worker."""
BUSY_P50_AT_MOST_MS = 40.0
"""The same beside a large file a second."""
OF_FLOOR_AT_MOST = 4.0
"""The same p50 beside one file event and one commit of the rows."""
BUSY = "a file of 500 spans, beside 20,000 a second"
PAUSES_S = (0.03, 0.1)
"""Between arrivals at an idle worker, at random, so that no timer of the worker is in step."""
BUSY_PAUSES_S = (0.3, 0.9)


def measure(plan: Plan) -> list[Line]:
    """Small files at an idle worker, and small beside large ones."""
    small = Shape(files=plan.arrivals, spans=500, seed=3)
    beside = Shape(files=2 * plan.busy_s, spans=500, seed=4)
    large = Shape(files=plan.busy_s, spans=20_000, seed=5)
    least = Shape(files=plan.arrivals // 2, spans=500, seed=7)
    with scratch("fresh") as folder:
        floor_ms = median(event_and_commit_ms(folder, least, PAUSES_S))
    with scratch("fresh") as folder, _worker(folder) as target:
        idle = _Arrivals(folder, target, small, PAUSES_S)
        busy = _Arrivals(folder, target, beside, BUSY_PAUSES_S)
        heavy = _Arrivals(folder, target, large, None)
        idle.arrive(until_s=None)
        ends_s = time.monotonic() + plan.busy_s
        with _in_background(lambda: heavy.arrive(until_s=ends_s)):
            busy.arrive(until_s=ends_s)
        asking_ms = _asking(target)
    return [
        *idle.lines("a file of 500 spans, idle", asking_ms, (P50_AT_MOST_MS, P99_AT_MOST_MS)),
        idle.beside("a file of 500 spans, idle", floor_ms),
        *busy.lines(BUSY, asking_ms, (BUSY_P50_AT_MOST_MS, None)),
        busy.beside(BUSY, floor_ms),
        *heavy.lines("a file of 20,000 spans, one a second", asking_ms, (None, None)),
    ]


class _Arrivals:
    """Files made beforehand that arrive one by one, each with its latency."""

    def __init__(
        self, folder: Path, target: str, shape: Shape, pauses_s: tuple[float, float] | None
    ) -> None:
        made = folder / "made" / f"seed{shape.seed}"
        self._paths = [made / f"seed{shape.seed}-{n:06d}.parquet" for n in range(shape.files)]
        write_files(shape, self._paths)
        self._storage = _day(folder)
        self._socket = target
        self._shape = shape
        self._pauses_s = pauses_s
        self._random = random.Random(shape.seed)
        self.milliseconds: list[float] = []

    def arrive(self, until_s: float | None) -> None:
        """All files, or as many as fit before ``until_s``; without pauses, one every second."""
        question = Question(self._socket)
        for file, path in enumerate(self._paths):
            if until_s is not None and time.monotonic() >= until_s:
                break
            began_s = time.monotonic()
            self.milliseconds.append(self._latency(question, file, path) * 1e3)
            if self._pauses_s is None:
                time.sleep(max(0.0, began_s + 1.0 - time.monotonic()))
            else:
                time.sleep(self._random.uniform(*self._pauses_s))
        question.close()

    def _latency(self, question: Question, file: int, path: Path) -> float:
        trace_id = trace_ids(self._shape, file)[0]
        os.utime(path)
        started = time.perf_counter()
        os.rename(path, self._storage / path.name)
        return question.until_answered(trace_id) - started

    def lines(self, name: str, asking_ms: float, bounds: Sequence[float | None]) -> list[Line]:
        """p50 and p99."""
        details = {
            "files": len(self.milliseconds),
            "p90_ms": round(percentile(self.milliseconds, 90), 3),
            "max_ms": round(max(self.milliseconds), 3),
            "one_asking_ms": round(asking_ms, 3),
        }
        return [
            Line(
                name=f"fresh p{percent}: {name}",
                measured=percentile(self.milliseconds, percent),
                unit="ms",
                at_most=bound,
                details=details,
            )
            for percent, bound in zip((50, 99), bounds, strict=True)
        ]

    def beside(self, name: str, floor_ms: float) -> Line:
        """p50, as a ratio of one file event and one commit."""
        p50_ms = median(self.milliseconds)
        return Line(
            name=f"fresh p50 as a ratio: {name}",
            measured=p50_ms,
            unit="ms",
            compared=floor_ms,
            compared_with="one event, one commit",
            ratio=p50_ms / floor_ms,
            at_most=OF_FLOOR_AT_MOST,
        )


@contextmanager
def _worker(folder: Path) -> Iterator[str]:
    """A worker that watches an all but empty storage; the path of its socket."""
    storage, catalog = folder / "spans", folder / "index.duckdb"
    first = Shape(files=1, spans=500, seed=6)
    write_files(first, [_day(folder) / "first.parquet"])
    process = subprocess.Popen(
        [sys.executable, "-m", "indexer"], cwd=PROJECT, env=environment(storage, catalog)
    )
    try:
        target = os.path.relpath(socket_path(catalog))  # a socket's path must be short
        _until_ready(catalog, target, trace_ids(first, 0)[0])
        yield target
    finally:
        process.terminate()
        try:
            process.wait(ANSWERED_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _until_ready(catalog: Path, target: str, trace_id: str) -> None:
    gives_up_s = time.monotonic() + ANSWERED_WITHIN_S
    while not LocalClient(catalog).is_reachable():
        assert time.monotonic() < gives_up_s, "the worker did not start"
        time.sleep(0.05)
    question = Question(target)
    question.until_answered(trace_id)
    while not question.ask("/status")["watching"]:
        assert time.monotonic() < gives_up_s, "the worker does not watch"
        time.sleep(0.05)
    question.close()
    time.sleep(0.5)


def _asking(target: str) -> float:
    """Milliseconds of one asking that finds nothing: what the latency is known to."""
    question = Question(target)
    taken = []
    for number in range(1, 101):
        started = time.perf_counter()
        question.ask(f"/api/v1/traces/{number:032x}")
        taken.append((time.perf_counter() - started) * 1e3)
    question.close()
    return median(taken)


@contextmanager
def _in_background(work: Any) -> Iterator[None]:
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    if failures:
        raise failures[0]


def _day(folder: Path) -> Path:
    return folder / "spans" / "year=2026" / "month=11" / "day=01"
