"""A task that dies is logged, shown until it is well again, and begun again or the end of all."""

import asyncio

import pytest

from indexer.run.supervisor import STEADY_S, Supervisor
from indexer.system import retry
from indexer.system.retry import AT_ONCE
from tests.support.fake_clock import FakeClock

PATIENCE_S = 100.0


class Dying:
    """A task that dies so often before it runs until it is told to end."""

    def __init__(self, stop, deaths, fault=KeyError):
        self.stop = stop
        self.left = deaths
        self.fault = fault
        self.runs = asyncio.Event()

    async def __call__(self):
        if self.left:
            self.left -= 1
            if self.fault is None:
                return
            raise self.fault("a reason")
        self.runs.set()
        await self.stop.wait()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(retry, "TASK", AT_ONCE)


@pytest.mark.parametrize("fault", [KeyError, None])
async def test_a_task_that_dies_is_begun_again_and_shown_until_it_is_well(clock, caplog, fault):
    stop = asyncio.Event()
    one, task = Supervisor(clock, stop), Dying(stop, 2, fault)
    keeping = asyncio.create_task(one.keep("reader", task))
    await asyncio.wait_for(task.runs.wait(), PATIENCE_S)
    (problem,) = one.problems
    assert "'reader' died 2 times" in problem
    assert ("a reason" if fault else "it ended by itself") in problem
    assert [record.event for record in caplog.records] == ["task.died"] * 2
    assert all(record.exc_info for record in caplog.records)
    clock.advance(STEADY_S)
    assert one.problems == ()
    stop.set()
    await asyncio.wait_for(keeping, PATIENCE_S)
    assert not one.fatal


async def test_without_an_essential_task_all_is_stopped_with_the_reason(clock):
    stop = asyncio.Event()
    one, other = Supervisor(clock, stop), Dying(stop, 0)
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
        tasks.create_task(one.keep("dashboards", Dying(stop, 1), essential=True))
        tasks.create_task(one.keep("other", other))
    assert one.fatal == "dashboards died: KeyError: 'a reason'"


async def test_a_task_that_ends_when_it_is_told_to_is_no_death(clock, caplog):
    stop = asyncio.Event()
    one, task = Supervisor(clock, stop), Dying(stop, 0)
    keeping = asyncio.create_task(one.keep("reader", task))
    await asyncio.wait_for(task.runs.wait(), PATIENCE_S)
    stop.set()
    await asyncio.wait_for(keeping, PATIENCE_S)
    assert not caplog.records
    assert one.problems == ()
