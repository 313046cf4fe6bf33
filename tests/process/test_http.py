"""The dashboards' service of real workers: where it is, how it is, and when it is not."""

import json
import math
import os
import signal
import socket
from contextlib import closing

import pytest
from prometheus_client.parser import text_string_to_metric_families

from indexer.telemetry import metrics
from tests.support.processes import free_ports, wait_until
from tests.support.span_files import spans
from tests.support.tcp import Dashboards
from tests.support.up import flush, prepare, start_up, wait_indexed, whole

pytestmark = [pytest.mark.process]

TOKEN = "0123456789abcdef"  # noqa: S105 - of a test


def started(running):
    return next(one for one in running.events if one["event"] == "worker.started")


def test_the_worker_says_where_it_serves_and_serves_there(site):
    """The log line and both statuses name one address, and a stop gives it back."""
    worker = site.worker()
    site.write("a.parquet", spans(3))
    local = site.wait_promoted(1)
    served = Dashboards(site)
    url = f"http://{served.address[0]}:{served.address[1]}"
    assert started(worker)["http"] == local["http"] == url
    assert url in started(worker)["message"]
    assert served.get("/healthz").json == {"status": "alive"}
    assert served.get("/readyz").json == {"status": "ready"}
    over_tcp = served.get("/status").json
    assert over_tcp.keys() == local.keys()
    of_the_moment = dict.fromkeys(("swept_at", "catalog_bytes", "in_use"))
    assert over_tcp | of_the_moment == site.status() | of_the_moment
    assert set(served.get("/openapi.json").json["paths"]) >= {"/healthz", "/readyz", "/metrics"}
    with served.connected():  # a client that holds its connection open and does not ask
        assert site.end(worker, signal.SIGTERM) == 0
    with pytest.raises(ConnectionRefusedError), served.connected():
        pass


def test_the_service_can_be_off(site):
    """Nothing listens, and the status says so."""
    site.set(INDEXER_HTTP_LISTEN="")
    worker = site.worker()
    assert site.status()["http"] is None
    assert started(worker)["http"] is None
    assert "dashboards" not in started(worker)["message"]


@pytest.mark.parametrize("command", [(), ("up",)])
def test_a_worker_that_others_could_ask_without_a_token_does_not_start(site, command):
    """Exit 2, and a line that names the variables; nothing was started or made before it."""
    site.set(INDEXER_HTTP_LISTEN=f"0.0.0.0:{free_ports(1)[0]}")
    done = site.call(*command)
    assert done.code == 2, done.err
    error, hint = done.err.splitlines()
    assert "INDEXER_HTTP_LISTEN" in error
    assert "INDEXER_HTTP_TOKEN" in error
    assert "INDEXER_HTTP_ALLOW_OPEN" in hint
    assert not site.pointer.exists()


def test_a_port_that_is_taken_is_told_before_anything_else(site):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        site.set(INDEXER_HTTP_LISTEN=f"127.0.0.1:{taken.getsockname()[1]}")
        done = site.call()
    assert done.code == 2
    assert "INDEXER_HTTP_LISTEN" in done.err
    assert not site.pointer.exists()


def test_with_a_token_others_may_ask(site):
    """A worker on every interface; the token is in no line of its log."""
    (port,) = free_ports(1)
    site.set(INDEXER_HTTP_LISTEN=f"0.0.0.0:{port}", INDEXER_HTTP_TOKEN=TOKEN)
    worker = site.worker()
    served = Dashboards(site)
    served.address = ("127.0.0.1", port)
    assert served.get("/healthz").code == 200
    assert served.get("/readyz").code in {200, 503}
    assert served.get("/status").code == 401
    assert served.get("/status", Authorization=f"Bearer {TOKEN}").json["state"] == "running"
    assert TOKEN not in worker.err


def test_a_worker_that_is_not_ready_says_why(site):
    """A backlog, a root that is gone, and ready again; alive all the while."""
    site.set(INDEXER_READY_BACKLOG=1, INDEXER_SETTLE_SECONDS=3600)
    site.worker()
    served = Dashboards(site)
    wait_until(lambda: served.get("/readyz").code == 200, "a worker that is ready")
    for name in ("a", "b"):
        (site.root / f"{name}.parquet").write_bytes(b"PAR1 not finished")
    behind = wait_until(lambda: _refused(served), "a worker that is behind")
    assert behind["reasons"] == ["2 files wait to be indexed, more than 1"]
    for name in ("a", "b"):
        (site.root / f"{name}.parquet").unlink()
    assert site.request("POST", "/sweep").code == 200
    wait_until(lambda: served.get("/readyz").code == 200, "a worker that is ready again")
    os.rename(site.root, site.folder / "away")
    gone = wait_until(lambda: _refused(served), "a worker without its storage")
    assert any("cannot be listed" in one for one in gone["reasons"])
    assert served.get("/healthz").code == 200


def test_a_run_tells_every_metric_that_is_declared(site):
    """``up``, one file and one answer: each family has a value, and each gauge is a number.

    But those of canaries, which nobody asked for.
    """
    ports = prepare(site)
    running = start_up(site)
    assert started(running)["http"]
    flush(ports)
    site.write("a.parquet", spans(3))
    wait_indexed(site)
    whole(site, 1)
    served = Dashboards(site)
    served.get("/nowhere")
    said = served.get("/metrics")
    assert said.headers["content-type"] == metrics.MEDIA_TYPE
    families = {one.name: one for one in text_string_to_metric_families(said.body.decode())}
    declared = {one.describe()[0].name for one in metrics.DECLARED}
    assert families.keys() >= declared
    silent = [name for name in declared if not families[name].samples]
    assert silent == []
    values = [(one.name, one.value) for name in declared for one in families[name].samples]
    unknown = {name for name, value in values if math.isnan(value)}
    assert unknown == {"span_indexer_canary_freshness_seconds"}
    samples = {
        (one.name, *sorted(one.labels.values())): one.value
        for family in families.values()
        for one in family.samples
    }
    assert samples["span_indexer_spans_indexed_total",] == 3
    assert samples["span_indexer_file_lag_seconds_count",] == 1
    assert samples["span_indexer_hot_reachable",] == 1
    assert samples["span_indexer_answers_total", "/api/v1/traces/{trace_id}", "yes"] >= 1
    assert samples["span_indexer_http_requests_total", "404", "GET", "none"] == 1


def _refused(served):
    """The problem that a worker which is not ready answers; None while it is."""
    said = served.get("/readyz")
    if said.code == 200:
        return None
    assert (said.code, said.headers["content-type"]) == (503, "application/problem+json")
    return json.loads(said.body)
