"""``python -m indexer poll`` as a process: it polls, has its state alone, and stops when told."""

from __future__ import annotations

import signal
import threading

import pytest

from indexer.errors import InvalidSettings
from indexer.run.poller import serve_poll
from indexer.settings import load_settings
from tests.hot.servers import serving
from tests.support.processes import Site, wait_until
from tests.support.upstream import Upstream


def test_without_a_host_there_is_nothing_to_poll(monkeypatch):
    monkeypatch.delenv("INGESTION_GRPC_HOST", raising=False)
    with pytest.raises(InvalidSettings, match="INGESTION_GRPC_HOST"):
        serve_poll(load_settings())


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_polls_until_it_is_told_to_stop(site: Site, number: signal.Signals):
    upstream = Upstream(25)
    with serving(upstream) as port:
        site.set(
            INGESTION_GRPC_HOST="127.0.0.1",
            INGESTION_GRPC_PORT=port,
            INGESTION_POLLER_STATE_PATH=site.folder / "poller.sqlite",
            SPAN_BATCH_SIZE=10,
            SPAN_POLL_INTERVAL=0.1,
        )
        running = site.start("poll")
        wait_until(lambda: len(list(site.root.rglob("*.parquet"))) == 3, lambda: running.err)
        upstream.add(1)
        wait_until(lambda: len(list(site.root.rglob("*.parquet"))) == 4, lambda: running.err)
        second = site.run("poll")
        assert second.code == 2
        assert "another process polls" in second.err
        assert site.end(running, number) == 0
    assert "Traceback" not in running.err
    assert {event["event"] for event in running.events} == {
        "poll.started",
        "spans.polled",
        "poll.stopping",
        "poll.stopped",
    }
    assert site.call("--once").code == 0
    assert len(site.call("files", "--json").json) == 4


@pytest.mark.process
def test_the_command_stops_while_its_service_is_away(site: Site):
    site.set(
        INGESTION_GRPC_HOST="127.0.0.1",
        INGESTION_GRPC_PORT=1,
        INGESTION_POLLER_STATE_PATH=site.folder / "poller.sqlite",
    )
    running = site.start("poll")
    wait_until(lambda: "poll.failed" in running.err, lambda: running.err)
    assert site.end(running) == 0


@pytest.mark.process
def test_a_stop_finishes_the_batch_in_hand(site: Site):
    upstream, release = Upstream(5), threading.Event()
    upstream.before = lambda: release.wait(100)
    with serving(upstream) as port:
        site.set(
            INGESTION_GRPC_HOST="127.0.0.1",
            INGESTION_GRPC_PORT=port,
            INGESTION_POLLER_STATE_PATH=site.folder / "poller.sqlite",
        )
        running = site.start("poll")
        wait_until(lambda: upstream.calls, lambda: running.err)
        running.signal(signal.SIGTERM)
        release.set()
        assert running.wait() == 0
    assert len(list(site.root.rglob("*.parquet"))) == 1
    assert len(upstream.calls) == 1
