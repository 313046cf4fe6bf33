"""A stop ends in time: by itself, or without the thread that does not come back."""

import asyncio
import subprocess
import sys

import pytest

from indexer.run.bounded_stop import run_until_stopped
from tests.support.processes import REPOSITORY

PATIENCE_S = 100.0
STUCK = """
import asyncio, concurrent.futures, logging, threading
from indexer.run.bounded_stop import run_until_stopped
logging.basicConfig(format="%(message)s")

async def main():
    stop, threads = asyncio.Event(), concurrent.futures.ThreadPoolExecutor(1)
    async def life():
        await asyncio.get_running_loop().run_in_executor(threads, threading.Event().wait)
    stop.set()
    await run_until_stopped(life(), stop, timeout_s=0.1)

asyncio.run(main())
"""


async def test_a_life_that_ends_after_the_stop_is_awaited():
    stop, ended = asyncio.Event(), []

    async def life():
        await stop.wait()
        ended.append(True)

    asyncio.get_running_loop().call_later(0.05, stop.set)
    await asyncio.wait_for(run_until_stopped(life(), stop, timeout_s=60), PATIENCE_S)
    assert ended


async def test_what_keeps_a_life_from_beginning_is_raised():
    async def life():
        raise KeyError("in the way")

    with pytest.raises(KeyError):
        await run_until_stopped(life(), asyncio.Event(), timeout_s=60)


def test_a_thread_that_does_not_come_back_is_left_behind():
    done = subprocess.run(
        [sys.executable, "-c", STUCK],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 1
    assert "not stopped within 0.1 s" in done.stderr
