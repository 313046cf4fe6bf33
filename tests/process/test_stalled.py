"""A worker whose index thread does not come back says so, and still stops when it is told to."""

import signal
import sys

import pytest

from tests.support.processes import Site, wait_until
from tests.support.span_files import spans

pytestmark = pytest.mark.process

BLOCKED = """
import sys, threading
from indexer.cli.main import main
from indexer.index.pipeline import Pipeline
Pipeline.sweep = lambda pipeline: threading.Event().wait()
sys.exit(main([]))
"""
"""A worker that lists a volume which does not answer."""


def test_a_blocked_index_thread_shows_and_does_not_keep_the_process(site: Site) -> None:
    site.write("a.parquet", spans(2))
    assert site.call("--once").code == 0
    site.set(INDEXER_STALLED_AFTER=1, INDEXER_STOP_TIMEOUT=1)
    worker = site.start_command([sys.executable, "-c", BLOCKED])
    stalled = wait_until(
        lambda: (status := site.status()) and status["problems"] and status, "a stalled worker"
    )
    assert "has not come round" in stalled["problems"][0]
    assert "listing the storage" in stalled["problems"][0]
    ready = site.get("/readyz")
    assert ready.code == 503
    assert "listing the storage" in ready.json["detail"]
    answer = site.get(f"/api/v1/traces/{1:032x}").json
    assert len(answer["spans"]) == 2
    assert not answer["complete"]
    # Neither has it listed the storage since its start, so that files may have come before that.
    reasons = [one["error_type"] for one in answer["missing"]]
    assert reasons == ["IndexStalled", "StorageUnavailable"]
    assert site.end(worker, signal.SIGTERM) == 1
    assert [one["event"] for one in worker.events][-1] == "stop.timed_out"
    assert site.call("audit").code == 0
