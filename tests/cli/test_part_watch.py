"""What the process of ``up`` becomes: how parts end, and that it has loaded next to nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.cli import part_watch
from indexer.cli.part_watch import Part, watch

PROJECT = Path(part_watch.__file__).parents[2]
WAITS = "import signal; signal.pause()"


@pytest.fixture
def start():
    """Starts a part that runs a program of Python."""

    def begin(program):
        reading, writing = os.pipe()
        words = [sys.executable, "-I", "-S", "-c", program]
        dup = [(os.POSIX_SPAWN_DUP2, reading, 0)]
        part = Part(os.posix_spawn(sys.executable, words, {}, file_actions=dup), writing)
        os.close(reading)
        return part

    return begin


def test_a_part_that_ends_has_the_other_stopped_and_is_a_failure(start, tmp_path):
    ended, other = start("raise SystemExit(0)"), start(WAITS)
    assert watch(ended, other, str(tmp_path / "index.duckdb")) == 1
    assert (ended.poll(), other.poll()) == (0, -signal.SIGTERM)


def test_a_part_that_is_closed_is_gone_and_its_code_is_known(start):
    part = start(WAITS)
    assert part.poll() is None
    assert part.close() == -signal.SIGKILL
    assert part.poll() == -signal.SIGKILL


def test_it_needs_no_module_but_pythons_own_also_to_ask_the_worker():
    code = (
        f"import sys; sys.path.insert(0, {str(PROJECT)!r}); import indexer.cli.part_watch;"
        "print(*sys.modules, sep=','); import indexer.clients.unix_socket"
    )
    words = [sys.executable, "-I", "-S", "-c", code]
    loaded = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split(",")
    assert {"asyncio", "ssl", "argparse", "subprocess", "indexer.settings"}.isdisjoint(loaded)
