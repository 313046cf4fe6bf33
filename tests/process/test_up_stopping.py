"""A stop whose last flush fails: one line says so, and nothing is lost by it."""

import os
import random
import signal
from datetime import UTC, datetime

import pytest

from indexer.system.counted_nouns import counted
from tests.support.processes import Site, wait_until
from tests.support.up import (
    Load,
    prepare,
    processes_of,
    sending,
    span_files,
    spans_in_index,
    start_up,
    wait_receiving,
)

pytestmark = [pytest.mark.process]


def test_a_last_flush_that_fails_is_said_in_a_line_and_made_up_for(site: Site, seed: int) -> None:
    """Exit 1, what stays in the log and why, no traceback; the next stop has all of it in files."""
    ports = prepare(site)
    running = site.start("ingest")
    wait_receiving(running)
    load = Load(random.Random(seed))
    with sending(load, ports, spans=300, pause_s=0) as all_sent:
        all_sent()
    in_the_way = site.root / f"{datetime.now(UTC):year=%Y}"
    in_the_way.write_text("a file where a folder should be")
    assert site.end(running) == 1
    assert "Traceback" not in running.err
    (said,) = [line for line in running.err.splitlines() if line.startswith("error: ")]
    assert said.startswith(
        "error: the last flush failed, "
        f"{counted(len(load.all_acknowledged), 'span stays', 'spans stay')} in the log "
    )
    assert "File exists" in said
    assert "ingestion.stopped" not in running.err
    in_the_way.unlink()
    assert span_files(site) == []
    again = site.start("ingest")
    wait_receiving(again)
    assert site.end(again) == 0, again.err
    assert site.call("--once").code == 0
    assert spans_in_index(site) == load.all_acknowledged


@pytest.mark.parametrize("moment", ["parts begin", "nothing to finish"])
def test_signals_that_come_twice_end_it_once_and_cleanly(site: Site, moment: str) -> None:
    """Ctrl-C reaches the parts, and ``up`` sends them SIGTERM: while they import, or leave."""
    prepare(site)
    if moment == "parts begin":
        running = site.start("up")
        wait_until(lambda: len(processes_of(running)) > 2, "both parts")
    else:
        running = start_up(site)
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait() == 0, running.err
    assert "Traceback" not in running.err
    assert "Warning" not in running.err


def test_a_stop_says_what_it_waits_for_and_warns_of_nothing(site: Site) -> None:
    """SIGTERM to `up` alone: the ingestion goes first, and the worker knows that it does."""
    ports = prepare(site)
    running = start_up(site)
    load = Load(random.Random(1))
    with sending(load, ports, spans=20, pause_s=0) as sent:
        sent()
    assert site.end(running) == 0, running.err
    said = [event["event"] for event in running.events]
    assert "hot.lost" not in said
    order = ["hot.ending", "ingestion.stopping", "ingestion.stopped"]
    order += ["worker.stopping", "worker.stopped"]
    assert [one for one in said if one in order] == order
    (writing,) = [event for event in running.events if event["event"] == "ingestion.stopping"]
    assert writing["message"].startswith("stopping: writing ")
    assert site.call("audit").code == 0
    assert spans_in_index(site) == load.all_acknowledged
