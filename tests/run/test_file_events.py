"""Events come back whatever ends them, and the log has a line when the state changes, not more."""

import asyncio
import logging
import os
from contextlib import asynccontextmanager

import pytest

from indexer.discover.inotify import EventsOverflowed, FolderEvents
from indexer.run.file_events import FileEvents
from indexer.system.clock import SystemClock

PATIENCE_S = 100.0


class Heard:
    """Who follows the hints: what was hinted at, and how often a sweep was asked for."""

    def __init__(self):
        self.paths = set()
        self.sweeps = 0

    def hint(self, paths):
        self.paths |= paths

    def sweep_soon(self):
        self.sweeps += 1


@asynccontextmanager
async def watching(root):
    stop, heard = asyncio.Event(), Heard()
    events = FileEvents(str(root), heard, SystemClock(), stop)
    running = asyncio.create_task(events.run())
    try:
        yield events, heard
    finally:
        stop.set()
        await asyncio.wait_for(running, PATIENCE_S)


async def until(condition):
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - of another task, which has no event for it
            await asyncio.sleep(0.02)


async def until_heard(heard, root, name):
    """Write the file again and again until it was hinted at."""
    async with asyncio.timeout(PATIENCE_S):
        while str(root / name) not in heard.paths:
            (root / name).write_bytes(b"")
            await asyncio.sleep(0.05)


def events_said(caplog):
    said = [getattr(one, "event", "") for one in caplog.records]
    return [one for one in said if one.startswith("watch.")]


@pytest.mark.parametrize("act", [os.mkdir, os.mknod])
async def test_a_name_that_is_not_utf_8_costs_the_events_of_others_nothing(tmp_path, caplog, act):
    odd = os.fsencode(tmp_path) + b"/caf\xe9"
    async with watching(tmp_path) as (events, heard):
        await until_heard(heard, tmp_path, "before.parquet")
        act(odd)
        await until_heard(heard, tmp_path, "after.parquet")
        os.rename(odd, odd + b".parquet")
        await until(lambda: os.fsdecode(odd + b".parquet") in heard.paths)
        await until_heard(heard, tmp_path, "later.parquet")
        assert events.is_watching
        assert not events.problem
    assert not events_said(caplog)


async def test_what_a_watch_that_ended_has_missed_is_left_to_a_sweep(tmp_path, caplog, monkeypatch):
    """The kernel keeps so many events, and then says that it has dropped some."""
    async with watching(tmp_path) as (events, heard):
        await until_heard(heard, tmp_path, "before.parquet")
        swept = heard.sweeps
        with monkeypatch.context() as patch:
            patch.setattr(FolderEvents, "read", overflow)
            (tmp_path / "lost.parquet").write_bytes(b"")
            await until(lambda: not events.is_watching or heard.sweeps > swept)
        await until(lambda: heard.sweeps > swept)
        await until_heard(heard, tmp_path, "after.parquet")
        assert events.is_watching
        assert not events.problem
    assert set(events_said(caplog)) == {"watch.restarted"}
    assert "dropped" in caplog.text


def overflow(_):
    raise EventsOverflowed("the kernel has dropped file events")


async def test_a_missing_root_is_a_problem_and_one_line_until_it_is_back(
    tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr("indexer.run.file_events.ROOT_RETRY_S", 0.01)
    caplog.set_level(logging.INFO)
    root = tmp_path / "spans"
    async with watching(root) as (events, heard):
        await until(lambda: events.problem)
        await asyncio.sleep(0.5)  # some dozen looks
        assert "No such file or directory" in events.problem
        assert not events.is_watching
        root.mkdir()
        await until_heard(heard, root, "a.parquet")
        assert not events.problem
    assert events_said(caplog) == ["watch.failed", "watch.resumed"]
