"""`kill -9` at any moment: what was acknowledged is in the log or in one file, and nothing twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from indexer.ingest.flush import Flusher
from indexer.ingest.wal import Wal
from indexer.otlp.spans import span_table
from tests.ingest.bodies import files_below, numbers_in, pending
from tests.support.processes import REPOSITORY

pytestmark = pytest.mark.process

KILLS, SOAK_KILLS = 5, 300


def test_what_was_acknowledged_survives_every_kill(tmp_path, process, seed, soak):
    """The flush that was cut off is repeated, and then everything is somewhere exactly once."""
    chance = random.Random(seed)
    log, root = tmp_path / "log", tmp_path / "spans"
    acknowledged, cut_off = set(), 0
    for kill in range(SOAK_KILLS if soak else KILLS):
        where, most_s = ("spawned", 1.5) if kill % 3 == 2 else ("here", 0.5)
        first = max(acknowledged, default=0) + 1000
        said = _until_killed([log, root, first, where], chance.uniform(0, most_s))
        assert said
        acknowledged |= said
        wal = Wal.open(log)
        cut_off += wal.begun_range() is not None
        flusher = Flusher(wal, root, process)
        flusher.start()
        flusher.stop()
        flusher.flush_due()
        found = _in_files(root) + _in_log(wal)
        last = wal.state().recent_files
        wal.close()
        assert acknowledged <= set(found)
        assert set(found.values()) == {1}
        assert {file.path for file in last} == set(map(str, _files(root)))
    print(f"{len(acknowledged)} acknowledged, {len(last)} files, {cut_off} flushes cut off")


def _until_killed(arguments, seconds):
    """The numbers that a process said before it was killed, some time after its first one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.ingest.churn", *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONWARNINGS": "ignore:resource_tracker"},
    )
    with process:
        first = process.stdout.readline()
        killer = time.monotonic() + seconds
        said = [first]
        while time.monotonic() < killer:
            said.append(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    return {int(line) for line in said if line.endswith("\n")}


def _files(root):
    """Finished ones: a writing process dies a moment after its parent."""
    return [path for path in files_below(root) if not path.name.startswith(".")]


def _in_files(root):
    """How often each number is in a file."""
    return Counter(number for path in _files(root) for number in numbers_in(path))


def _in_log(wal):
    ids = span_table([body for _, body in pending(wal)])["trace_id"].to_pylist()
    return Counter(int(one, 16) - 1 for one in ids)
