"""`kill -9` of the ingestion or of the worker costs no acknowledged span, and doubles none.

Both run as processes of their own, as two services of a deployment do. One seed decides everything
but the scheduler: it is printed, and SPAN_TEST_SEED sets it.
"""

import random
import time

import grpc
import pytest

from indexer.wire.generated import ingestion_pb2 as wire
from indexer.wire.generated.ingestion_pb2_grpc import InternalIngestionServiceStub
from tests.support.processes import Running, Site
from tests.support.up import (
    Load,
    Ports,
    flush,
    kill_alone,
    prepare,
    sending,
    spans_in_index,
    spans_of,
    wait_hot,
    wait_indexed,
    wait_receiving,
    whole,
)

pytestmark = [pytest.mark.process]

ROUNDS, SOAK_ROUNDS = 2, 40
SENDERS, PAUSE_S = 4, 0.03
"""So that a request is mostly in hand when the ingestion is killed."""
FLUSH_S = 0.1
"""About as long as the flush lasts that is under way when something is killed."""
ASKED = 5
"""Of the newest traces, looked at after a round; all traces after the last one."""
NEWEST = 40


class Pair:
    """An ingestion and a worker, each started again after it was killed."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.ingestion = site.start("ingest")
        self.worker = site.start()

    def kill(self, what: str) -> None:
        """One of them or both; of the ingestion the process alone, or with its writing one."""
        if what in {"ingestion", "both"}:
            kill_alone(self.ingestion)
        if what == "ingestion with its writer":
            self.ingestion.kill()
        if what in {"worker", "both"}:
            self.worker.kill()

    def start_again(self) -> None:
        if self.ingestion.has_ended:
            self.ingestion = self.site.start("ingest")
        if self.worker.has_ended:
            self.worker = self.site.start()

    def wait_ready(self) -> None:
        wait_receiving(self.ingestion)
        self.site.wait_ready(self.worker)
        wait_hot(self.site)

    @property
    def said(self) -> str:
        return self.ingestion.err + self.worker.err


def test_no_acknowledged_span_is_lost_by_a_kill(site: Site, seed: int, soak: bool) -> None:
    """Whatever is killed while spans are sent: afterwards each is found, and none is there twice.

    A span whose request broke off may have been kept, or not.
    """
    chance = random.Random(seed)
    ports = prepare(site, FLUSH_MAX_ROWS=200, INGESTION_GRPC_HOST="127.0.0.1")
    load = Load(random.Random(seed + 1))
    pair = Pair(site)
    pair.wait_ready()
    for _ in range(SOAK_ROUNDS if soak else ROUNDS):
        what = chance.choice(["ingestion", "ingestion with its writer", "worker", "both"])
        with sending(load, ports, pause_s=PAUSE_S, senders=SENDERS):
            time.sleep(chance.uniform(0.2, 2))
            with grpc.insecure_channel(f"127.0.0.1:{ports.internal}") as channel:
                if chance.random() < 0.7:  # a flush takes few milliseconds of a second
                    _begin_flush(channel)
                    time.sleep(chance.uniform(0, FLUSH_S))
                pair.kill(what)
            time.sleep(chance.uniform(0, 0.5))
            pair.start_again()
            if chance.random() < 0.3:  # also while it starts
                time.sleep(chance.uniform(0, 1))
                pair.kill(what)
                pair.start_again()
            pair.wait_ready()
            for trace in chance.choices(load.traces[-NEWEST:], k=ASKED):
                expected = load.acknowledged(trace)
                lacking = expected - spans_of(whole(site, trace))
                assert not lacking, f"SPAN_TEST_SEED={seed}: {what}: {pair.said}"
    _everything_is_found(site, ports, load, seed)
    assert site.status()["hot"]["lost_spans"] == 0, f"SPAN_TEST_SEED={seed}: {pair.said}"
    _both_stop(site, pair.ingestion, pair.worker)


def _begin_flush(channel: grpc.Channel) -> None:
    """FlushWAL, whose answer nobody waits for."""
    InternalIngestionServiceStub(channel).FlushWAL.future(wire.FlushWALRequest())


def _everything_is_found(site: Site, ports: Ports, load: Load, seed: int) -> None:
    acknowledged, sent = load.all_acknowledged, load.all_sent
    print(f"{len(acknowledged)} of {len(sent)} spans acknowledged, {len(load.refusals)} refusals")
    assert acknowledged
    found = set().union(*(spans_of(whole(site, trace)) for trace in load.traces))
    assert acknowledged <= found <= sent, f"SPAN_TEST_SEED={seed}"
    flush(ports)
    wait_indexed(site)
    assert acknowledged <= spans_in_index(site) <= sent, f"SPAN_TEST_SEED={seed}"


def _both_stop(site: Site, ingestion: Running, worker: Running) -> None:
    assert site.end(ingestion) == 0, ingestion.err
    assert site.end(worker) == 0, worker.err
    assert site.call("audit").code == 0
