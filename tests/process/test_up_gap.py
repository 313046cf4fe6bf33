"""No span falls between two chairs: what was acknowledged is answered, at every moment.

A span is hot, then in a file that the index lacks, then in the index. Flushes happen all the time
here, and the worker is stopped and continued so that it meets each of those moments late. One seed
decides everything but the scheduler: it is printed, and SPAN_TEST_SEED sets it.
"""

import os
import random
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.processes import Running, Site
from tests.support.up import (
    Load,
    Ports,
    ask,
    flush,
    prepare,
    sending,
    spans_in_index,
    spans_of,
    start_up,
    wait_indexed,
    whole,
)

pytestmark = [pytest.mark.process]

SPANS, SOAK_SPANS = 3_000, 100_000
SEEDS, SOAK_SEEDS = 1, 3
FLUSH_ROWS = 300
PAUSE_S = 0.01
"""Between two requests at most: slow enough for many flushes, which are a second apart."""
PATIENCE_S = 3.0
ASKING = 2
"""Threads that ask."""
NEWEST = 40
"""Traces whose spans are on their way; most questions are for those."""


class Questions:
    """Questions for random traces, and what their answers lacked."""

    def __init__(self, site: Site, load: Load, over: threading.Event) -> None:
        self.site = site
        self.load = load
        self.over = over
        self.lacking: list[str] = []
        self.met: Counter[str] = Counter()

    def ask(self, seed: int) -> None:
        """Until it is over, or a span was missing."""
        chance = random.Random(seed)
        while not self.over.is_set() and not self.lacking:
            traces = self.load.traces
            if traces:
                self.ask_for(chance.choice(traces[-NEWEST:] if chance.random() < 0.9 else traces))

    def ask_for(self, trace: int) -> None:
        expected = self.load.acknowledged(trace)
        answer = ask(self.site, trace, timeout_s=PATIENCE_S)
        if answer is None or not answer["complete"]:
            lacks = answer["missing"] if answer else [{"error_type": "no answer"}]
            self.met.update(one["error_type"] for one in lacks)
            return
        lacking = expected - spans_of(answer)
        if lacking:
            self.lacking.append(f"{sorted(lacking)} not in {answer}; {self.site.status()}")
        tiers = {"hot" if span["file_path"] is None else "cold" for span in answer["spans"]}
        self.met[f"complete, {' and '.join(sorted(tiers))}"] += 1


def disturb(worker: int, ports: Ports, over: threading.Event, seed: int) -> None:
    """Stop and continue the worker, and flush out of turn meanwhile, at random."""
    chance = random.Random(seed)
    while not over.wait(chance.uniform(0.05, 0.6)):
        os.kill(worker, signal.SIGSTOP)
        try:
            if chance.random() < 0.3:
                flush(ports)
            over.wait(chance.choice([0.02, 0.1, 0.3, 1.5]) * chance.random())
        finally:
            os.kill(worker, signal.SIGCONT)


@pytest.fixture
def seeds(seed: int, soak: bool) -> list[int]:
    """One, or several that come from it."""
    return [seed + number for number in range(SOAK_SEEDS if soak else SEEDS)]


def test_every_acknowledged_span_is_in_every_complete_answer(
    make_site, seeds: list[int], soak: bool
) -> None:
    """While it is flushed and the worker lags; and in the end each is in the index once."""
    for seed in seeds:
        site = make_site(f"seed-{seed}")
        ports = prepare(site, FLUSH_MAX_ROWS=FLUSH_ROWS)
        up = start_up(site)
        spans = SOAK_SPANS if soak else SPANS
        load = Load(random.Random(seed))
        met = _asked_while_sending(site, ports, load, seed, spans)
        _everything_is_indexed_once(site, ports, load, up)
        print(f"SPAN_TEST_SEED={seed}", met)
        site.close()


def _asked_while_sending(
    site: Site, ports: Ports, load: Load, seed: int, spans: int
) -> Counter[str]:
    """What the answers were, by kind; fails with the seed when one lacked a span."""
    over = threading.Event()
    questions = Questions(site, load, over)
    worker = site.status()["process_id"]
    with ThreadPoolExecutor(ASKING + 1) as pool:
        under_way = [pool.submit(questions.ask, seed + 1 + n) for n in range(ASKING)]
        under_way.append(pool.submit(disturb, worker, ports, over, seed))
        try:
            with sending(load, ports, spans=spans, pause_s=PAUSE_S) as all_sent:
                all_sent()
        finally:
            over.set()
    for one in under_way:
        one.result()
    assert questions.lacking == [], f"SPAN_TEST_SEED={seed}"
    assert load.refusals == [], f"SPAN_TEST_SEED={seed}"
    met = questions.met
    for kind in ("complete, cold", "complete, cold and hot"):
        assert met[kind], f"SPAN_TEST_SEED={seed}: the answers were {met}"
    return met


def _everything_is_indexed_once(site: Site, ports: Ports, load: Load, up: Running) -> None:
    for trace in load.traces:
        assert spans_of(whole(site, trace)) == load.acknowledged(trace)
    flush(ports)
    wait_indexed(site)
    assert spans_in_index(site) == load.all_sent == load.all_acknowledged
    assert site.status()["hot"]["lost_spans"] == 0, up.err
    assert site.end(up) == 0, up.err
    assert site.call("audit").code == 0
