"""Work that takes too long is a problem with its name; no work, or new work, is none."""

import asyncio

import pytest

from indexer.run import heartbeat as module
from indexer.run.heartbeat import Heartbeat
from tests.support.fake_clock import FakeClock

PATIENCE_S = 100.0


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def heartbeat(clock):
    return Heartbeat(clock, stalled_after_s=60)


def test_a_thread_at_rest_never_stalls(clock, heartbeat):
    clock.advance(10_000)
    assert not heartbeat.problem
    heartbeat.begin("listing")
    heartbeat.rest()
    clock.advance(10_000)
    assert not heartbeat.problem


def test_work_that_goes_on_is_no_stall(clock, heartbeat):
    for _ in range(10):
        heartbeat.begin("registering")
        clock.advance(59)
        assert not heartbeat.problem


def test_work_that_takes_too_long_is_named(clock, heartbeat):
    heartbeat.begin("listing the storage")
    clock.advance(61)
    assert heartbeat.problem == (
        "the index thread has not come round for 61 s; it began: listing the storage"
    )


async def test_a_stall_and_its_end_are_one_line_each(clock, heartbeat, caplog, monkeypatch):
    caplog.set_level("INFO")
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.001)
    stop = asyncio.Event()
    watching = asyncio.create_task(heartbeat.watch(stop))
    heartbeat.begin("listing")
    clock.advance(61)
    await said(caplog, 1)
    heartbeat.rest()
    await said(caplog, 2)
    stop.set()
    await watching
    assert [record.event for record in caplog.records] == ["index.stalled", "index.resumed"]


async def said(caplog, lines):
    """Until there are so many, and the watch has looked some times more."""
    async with asyncio.timeout(PATIENCE_S):
        while len(caplog.records) < lines:  # noqa: ASYNC110 - of another task, which tells nobody
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)
