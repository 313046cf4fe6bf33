"""Callers share runs, and each gets one that began after it asked."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from indexer.errors import WalBusy
from indexer.ingest.shared_runs import SharedRuns
from tests.support.processes import wait_until


class Work:
    """Counts its runs; each ends when the test lets it."""

    def __init__(self):
        self.begun = 0
        self.permits = threading.Semaphore(0)

    def __call__(self):
        self.begun += 1
        number = self.begun
        assert self.permits.acquire(timeout=100)
        return number


@pytest.fixture
def threads():
    with ThreadPoolExecutor(8) as pool:
        yield pool


def callers(runs, count):
    wait_until(lambda: runs._callers == count, f"{count} callers")


def test_whoever_comes_during_a_run_shares_the_next_one(threads):
    work = Work()
    runs = SharedRuns(work, name="Work", callers_max=4)
    first = threads.submit(runs.join)
    wait_until(lambda: work.begun == 1, "the first run")
    others = [threads.submit(runs.join) for _ in range(3)]
    callers(runs, 4)
    work.permits.release(8)
    assert first.result(100) == 1
    assert [other.result(100) for other in others] == [2, 2, 2]
    assert runs.join() == 3


def test_more_callers_than_may_are_refused_and_room_comes_back(threads):
    work = Work()
    runs = SharedRuns(work, name="Work", callers_max=2)
    waiting = [threads.submit(runs.join) for _ in range(2)]
    callers(runs, 2)
    with pytest.raises(WalBusy, match="2 calls of Work"):
        runs.join()
    work.permits.release(8)
    assert sorted(one.result(100) for one in waiting) in ([1, 1], [1, 2])
    assert runs.join() > 1


def test_what_a_run_raises_reaches_its_callers_and_no_later_one(threads):
    fails = [True]

    def work():
        if fails.pop() if fails else False:
            raise OSError(28, "No space left on device")
        return "done"

    runs = SharedRuns(work, name="Work", callers_max=2)
    with pytest.raises(OSError, match="No space"):
        runs.join()
    assert runs.join() == "done"


def test_no_caller_gets_a_run_that_began_before_it_asked(threads):
    """The promise of FlushWAL: everything acknowledged before the call is in what it did."""
    acknowledged = 0
    lock = threading.Lock()

    def work():
        with lock:
            return acknowledged

    runs = SharedRuns(work, name="Work", callers_max=8)

    def ask(_):
        nonlocal acknowledged
        with lock:
            acknowledged += 1
            mine = acknowledged
        return runs.join() >= mine

    assert all(threads.map(ask, range(400)))
