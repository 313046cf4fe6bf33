"""``up`` starts, answers and ends where nothing of Linux alone is there, as on macOS.

No Mac was at hand: names, files and functions of Linux are taken away from every Python of the
program instead (tests/support/without_linux), and what macOS refuses is refused.
"""

import os
import random
import sys

import pytest

from tests.support.processes import REPOSITORY, Site, wait_until
from tests.support.span_files import spans
from tests.support.up import (
    Load,
    flush,
    kill_alone,
    prepare,
    processes_of,
    sending,
    spans_of,
    start_up,
    wait_indexed,
    whole,
)

pytestmark = [pytest.mark.process]

FOLDER = REPOSITORY / "tests" / "support" / "without_linux"
PROBE = """
import ctypes, os, select, sys
gone = [hasattr(os, "pidfd_open"), hasattr(select, "epoll"), os.path.exists("/proc/self")]
try:
    ctypes.CDLL(None).prctl
except AttributeError:
    gone.append(False)
print(sys.platform, any(gone), len(gone))
"""


@pytest.fixture
def site_without_linux(site: Site) -> Site:
    """Each Python that starts here finds the module that takes Linux away."""
    before = site.env.get("PYTHONPATH")
    site.set(PYTHONPATH=os.pathsep.join([str(FOLDER), *([before] if before else [])]))
    return site


def test_up_receives_answers_watches_and_ends(site_without_linux: Site, seed: int) -> None:
    """Spans of the log, of a flushed file and of a file of somebody else; then nobody is left."""
    site = site_without_linux
    probe = site.start_command([sys.executable, "-c", PROBE])
    assert probe.wait() == 0, probe.err
    assert probe.out.split() == ["darwin", "False", "4"]
    ports = prepare(site)
    up = start_up(site)
    load = Load(random.Random(seed))
    with sending(load, ports, spans=100, pause_s=0) as all_sent:
        all_sent()
    for trace in load.traces:
        assert spans_of(whole(site, trace)) == load.acknowledged(trace)
    site.write("a.parquet", spans(3, trace=900))
    wait_until(lambda: len(site.trace(900)) == 3, "an event of the file, and its spans")
    flush(ports)
    wait_indexed(site)
    kill_alone(up)
    wait_until(lambda: not processes_of(up), lambda: f"their end: {processes_of(up)}")
    assert "Traceback" not in up.err
