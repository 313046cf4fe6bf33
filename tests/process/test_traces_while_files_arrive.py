"""Whoever asks while files come, and come anew, sees whole files, and never fewer than before.

A trace is answered from a file that is being indexed, then from the rows that are kept of it, then
from the index. Every answer is held against all that ended before it began, whoever asked.
"""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.support.examples import one_of
from tests.support.processes import Site, wait_until
from tests.support.span_files import Span, spans

pytestmark = [pytest.mark.process]

FILES = 40
TRACES = 12
"""Each is in several files; those of a file follow each other in no order."""
VERSIONS = 3
ROUTES = (
    "/api/v1/traces/{}",
    "/api/v1/observability/traces/{}/spans",
    "/otel/trace/{}/nested-spans",
)


@dataclass
class History:
    """How many versions of each file every trace has been answered with, as answers end."""

    seen: list[tuple[float, int, Mapping[int, int]]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, began_s: float, trace: int, found: Mapping[int, int]) -> None:
        """Raises AssertionError for an answer that knows less than one before it."""
        with self.lock:
            before = [one for end_s, of, one in self.seen if of == trace and end_s < began_s]
            self.seen.append((time.monotonic(), trace, found))
        for known, (file, versions) in itertools.product(before, found.items()):
            assert known[file] <= versions, (trace, file, known[file], versions)


def rows_of(file: int, version: int) -> list[Span]:
    """A version has all spans of those before it, and as many again: of three traces each."""
    drawn = random.Random(file)
    traces = drawn.sample(range(1, TRACES + 1), 3)
    return [
        one
        for trace in traces
        for earlier in range(version + 1)
        for one in spans(2, trace=trace, first=1_000 * file + 10 * earlier + 1)
    ]


HELD = {
    trace: {file for file in range(FILES) if any(one.trace == trace for one in rows_of(file, 0))}
    for trace in range(1, TRACES + 1)
}


def versions_of(trace: int, found: list[int]) -> dict[int, int]:
    """How many versions of each file are in an answer, all of whose spans are there once."""
    assert not [one for one, count in Counter(found).items() if count > 1], "twice"
    versions: dict[int, int] = {}
    for file in HELD[trace]:
        own = sorted(one % 1_000 for one in found if one // 1_000 == file)
        count = len(own) // 2
        assert own == [10 * version + at for version in range(count) for at in (1, 2)], own
        versions[file] = count
    assert sum(versions.values()) * 2 == len(found)
    return versions


@contextmanager
def questions(site: Site, history: History, seed: int) -> Iterator[None]:
    stop = threading.Event()

    def ask() -> None:
        drawn = random.Random(seed)
        while not stop.is_set():
            trace = drawn.randrange(1, TRACES + 1)
            began_s = time.monotonic()
            answer = site.get(drawn.choice(ROUTES).format(f"{trace:032x}"))
            try:
                assert answer.code == 200, answer.body
                told = json.loads(answer.body)
                told = told["spans"] if isinstance(told, dict) else told
                found = versions_of(trace, [int(one["span_id"], 16) for one in told])
                history.note(began_s, trace, found)
            except Exception as fault:
                history.faults.append(f"{type(fault).__name__}: {fault}")
                return

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("seed", one_of(*range(8)))
def test_an_answer_has_whole_files_and_no_fewer_than_one_before(site: Site, seed: int) -> None:
    site.worker()
    assert site.trace(1) == []  # with it the routes are loaded
    history = History()
    drawn = random.Random(seed)
    coming = [file for file in range(FILES) for _ in range(drawn.randrange(1, VERSIONS + 1))]
    drawn.shuffle(coming)
    written: Counter[int] = Counter()
    with questions(site, history, 1), questions(site, history, 2), questions(site, history, 3):
        for file in coming:
            site.write(f"{file:02}.parquet", rows_of(file, written[file]))
            written[file] += 1
            time.sleep(drawn.choice([0, 0, 0.002, 0.02, 0.1]))
            assert not history.faults, history.faults
        wait_until(lambda: whole(site, written) or history.faults, "all traces, whole")
    assert not history.faults, history.faults
    assert len(history.seen) > TRACES
    assert site.call("audit").code == 0


def whole(site: Site, written: Mapping[int, int]) -> bool:
    """Whether every trace is answered with the last version of all its files."""
    found = {
        trace: versions_of(trace, [int(one["span_id"], 16) for one in site.trace(trace)])
        for trace in HELD
    }
    return found == {
        trace: {file: written[file] for file in files} for trace, files in HELD.items()
    }
