"""A canary is measured from its export until it is found, and one that is not found is counted."""

import asyncio
import math

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.errors import HotUnavailable, InvalidSettings, TransientError
from indexer.run.canary import FOUND_WITHIN_S, KEPT, SERVICE, Canary, canary, quantile
from indexer.settings import load_settings
from indexer.telemetry import metrics
from tests.support.fake_clock import FakeClock


class Store:
    """Takes what is sent; a question finds it once it was asked so often."""

    def __init__(self, *, questions=1, fails=0):
        self.sent = []
        self.asked = []
        self._questions, self._fails = questions, fails

    def send(self, body):
        self.sent.append(ExportTraceServiceRequest.FromString(body))

    def is_found(self, trace_id):
        self.asked.append(trace_id)
        if len(self.asked) <= self._fails:
            raise HotUnavailable("it loads")
        return len(self.asked) >= self._questions


def counted(outcome):
    name = "span_indexer_canaries_total"
    return metrics.REGISTRY.get_sample_value(name, {"outcome": outcome}) or 0.0


def freshness(share):
    name = "span_indexer_canary_freshness_seconds"
    return metrics.REGISTRY.get_sample_value(name, {"quantile": share})


@pytest.fixture(autouse=True)
def _no_quantiles():
    yield
    metrics.set_canary_quantiles(lambda _: math.nan)


def test_it_is_a_span_of_a_service_of_its_own_that_is_asked_for_by_its_trace():
    store, found = Store(), counted("found")
    Canary(store.send, store.is_found, FakeClock(), every_s=1).measure()
    (resource,) = store.sent[0].resource_spans
    (span,) = resource.scope_spans[0].spans
    assert resource.resource.attributes[0].value.string_value == SERVICE
    assert store.asked == [span.trace_id.hex()]
    assert counted("found") == found + 1


def test_its_freshness_is_the_time_until_a_question_finds_it():
    store = Store(questions=4, fails=1)
    Canary(store.send, store.is_found, FakeClock(), every_s=1).measure()
    assert freshness("0.5") == pytest.approx(0.002 + 0.004 + 0.008)
    assert freshness("0.95") == freshness("0.5")


def test_one_that_no_question_finds_is_counted_and_no_freshness():
    store, missing = Store(questions=10**9), counted("missing")
    clock = FakeClock()
    began_s = clock.monotonic_s()
    Canary(store.send, store.is_found, clock, every_s=1).measure()
    assert counted("missing") == missing + 1
    assert FOUND_WITHIN_S <= clock.monotonic_s() - began_s < FOUND_WITHIN_S + 1
    assert math.isnan(freshness("0.5"))


def test_one_that_the_receiver_refuses_is_counted_and_not_asked_for():
    def refuse(_):
        raise TransientError("busy")

    store, refused = Store(), counted("refused")
    Canary(refuse, store.is_found, FakeClock(), every_s=1).measure()
    assert counted("refused") == refused + 1
    assert not store.asked


async def test_canaries_end_when_the_worker_does():
    stop, store = asyncio.Event(), Store(questions=10**9)
    running = asyncio.create_task(
        Canary(store.send, store.is_found, FakeClock(), every_s=1).run(stop)
    )
    stop.set()
    await asyncio.wait_for(running, 100)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2), (0.95, 4), (0.0, 1)])
def test_a_quantile_is_one_of_the_values(share, expected):
    assert quantile([1, 2, 3, 4], share) == expected


def test_quantiles_are_of_the_latest_canaries():
    measured = Canary(lambda _: None, lambda _: True, FakeClock(), every_s=1)
    for _ in range(KEPT + 1):
        measured.measure()
    assert len(measured._took_s) == KEPT


@pytest.mark.parametrize("listen", ["", "127.0.0.1:0"])
def test_without_a_known_port_of_otlp_over_http_there_is_none(listen, tmp_path):
    settings = load_settings(
        INDEXER_CANARY_INTERVAL="1",
        INGESTION_OTLP_HTTP_LISTEN=listen,
        JUNJO_SPAN_STORAGE_PATH=str(tmp_path),
    )
    with pytest.raises(InvalidSettings, match="needs a port"):
        canary(settings, FakeClock(), lambda: None)
