"""The index thread's turns: a failed commit and a fault of ours are states, and not its end."""

import asyncio
from types import SimpleNamespace

import pytest

from indexer.catalog.database import Catalog
from indexer.errors import CatalogBusy, CatalogWriteFailed
from indexer.index import learnt_summaries
from indexer.index.learnt_summaries import LearntSummaries
from indexer.index.session import owning
from indexer.run import index_loop
from indexer.run.heartbeat import Heartbeat
from indexer.run.index_loop import IndexLoop
from indexer.run.open_index import OpenIndex
from indexer.settings import load_settings
from indexer.spans.key_summary import ABSENT, FileKeySummary
from indexer.system import retry
from indexer.system.clock import SystemClock
from indexer.system.retry import AT_ONCE
from tests.support.span_files import spans, write

PATIENCE_S = 100.0


class Index:
    """What a loop works on; its sweeps raise what is given, one after the other."""

    def __init__(self, *faults):
        self.faults = list(faults)
        self.reopened = 0
        self.swept = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.catalog = SimpleNamespace(
            wal_bytes=lambda: 0, checkpoint=lambda: None, check=lambda: None
        )
        self.pipeline = SimpleNamespace(
            sweep_wanted=False,
            sweep=self.sweep,
            look=lambda _: None,
            wake=lambda: None,
            drain=lambda _, between: between(),
            next_due_s=lambda: None,
            promotion=SimpleNamespace(step=lambda: None),
            scan_checks=SimpleNamespace(step=lambda: None, next_due_s=lambda: None),
            progress=SimpleNamespace(transactions=0),
        )

    def sweep(self):
        if self.faults:
            raise self.faults.pop(0)
        self.loop.call_soon_threadsafe(self.swept.set)

    deleted = ""

    def open(self):
        pass

    def reopen(self):
        self.reopened += 1

    def close(self):
        pass


@pytest.mark.parametrize(
    ("fault", "event", "said"),
    [
        (CatalogWriteFailed("no room"), "catalog.failed", "no room (Free disk space"),
        (ZeroDivisionError("oh"), "index.fault", "a fault of this program: ZeroDivisionError: oh"),
    ],
)
async def test_whatever_a_turn_raises_is_said_and_the_loop_goes_on(
    monkeypatch, caplog, fault, event, said
):
    monkeypatch.setattr(retry, "CATALOG", AT_ONCE)
    stop, clock = asyncio.Event(), SystemClock()
    index = Index(fault, fault)
    loop = IndexLoop(index, clock, stop, Heartbeat(clock, stalled_after_s=60), sweep_every_s=3600)
    await loop.open()
    running = asyncio.create_task(loop.run())
    await asyncio.wait_for(index.swept.wait(), PATIENCE_S)
    stop.set()
    loop.wake()
    await asyncio.wait_for(running, PATIENCE_S)
    await loop.close()
    assert [record.event for record in caplog.records] == [event] * 2
    assert all(said in record.message for record in caplog.records)
    assert index.reopened == 2
    assert not loop.failure


@pytest.mark.parametrize(("tries_refused", "reopened"), [(2, 0), (9, 0), (10, 1)])
async def test_a_checkpoint_that_others_are_in_the_way_of_is_tried_again(
    monkeypatch, caplog, tries_refused, reopened
):
    """It is no failed commit: the catalog stays open, unless they are for long."""
    monkeypatch.setattr(retry, "CATALOG", AT_ONCE)
    monkeypatch.setattr(index_loop, "IDLE_CHECKPOINT_AFTER_S", 0.0)
    stop, clock, done = asyncio.Event(), SystemClock(), asyncio.Event()
    index = Index()
    refused = [CatalogBusy("other transactions are in the way")] * tries_refused

    def checkpoint():
        if refused:
            index.pipeline.progress.transactions += len(refused) == 1  # a commit comes meanwhile
            raise refused.pop()
        index.loop.call_soon_threadsafe(done.set)

    index.catalog.checkpoint = checkpoint
    index.catalog.wal_bytes = lambda: index_loop.IDLE_CHECKPOINT_WAL_BYTES + 1
    index.pipeline.progress.transactions = 1
    loop = IndexLoop(index, clock, stop, Heartbeat(clock, stalled_after_s=60), sweep_every_s=3600)
    await loop.open()
    running = asyncio.create_task(loop.run())
    await asyncio.wait_for(done.wait(), PATIENCE_S)
    stop.set()
    loop.wake()
    await asyncio.wait_for(running, PATIENCE_S)
    await loop.close()
    assert (index.reopened, loop.failure) == (reopened, "")
    assert [one.event for one in caplog.records][:1] == ["catalog.failed"] * reopened


async def test_a_catalog_that_duckdb_has_given_up_is_opened_again_with_nothing_to_write(
    tmp_path, monkeypatch
):
    """A statement of a reader can be what ends it; no commit would notice."""
    write(tmp_path / "spans" / "a.parquet", spans(3))
    monkeypatch.setenv("JUNJO_SPAN_STORAGE_PATH", str(tmp_path / "spans"))
    monkeypatch.setenv("JUNJO_DUCKDB_PATH", str(tmp_path / "index.duckdb"))
    settings, stop = load_settings(), asyncio.Event()
    with owning(settings, "a test") as owned:
        index = OpenIndex(settings, SystemClock(), owned.generations, stop.is_set)
        loop = IndexLoop(
            index,
            SystemClock(),
            stop,
            Heartbeat(SystemClock(), stalled_after_s=60),
            sweep_every_s=3600,
        )
        await loop.open()
        await loop.sweep()
        index.catalog.connection.close()
        await loop.sweep()
        assert "closed" in loop.failure
        await loop.sweep()
        assert loop.failure == ""
        index.catalog.check()
        await loop.close()


async def test_what_searches_learn_is_written_by_the_loop_also_at_its_end(tmp_path, monkeypatch):
    """A search wakes it; what has not waited long enough is not lost when it ends."""
    write(tmp_path / "spans" / "a.parquet", spans(3))
    monkeypatch.setenv("JUNJO_SPAN_STORAGE_PATH", str(tmp_path / "spans"))
    monkeypatch.setenv("JUNJO_DUCKDB_PATH", str(tmp_path / "index.duckdb"))
    monkeypatch.setattr(learnt_summaries, "WAIT_S", 0)
    settings, stop, clock = load_settings(), asyncio.Event(), SystemClock()
    learnt = LearntSummaries(clock, 1 << 20)
    with owning(settings, "a test") as owned:
        index = OpenIndex(settings, clock, owned.generations, stop.is_set)
        loop = IndexLoop(
            index,
            clock,
            stop,
            Heartbeat(clock, stalled_after_s=60),
            sweep_every_s=3600,
            learnt=learnt,
        )
        await loop.open()
        await loop.sweep()
        (file,) = index.pipeline.register.files.values()
        running = asyncio.create_task(loop.run())
        await asyncio.to_thread(learnt.put, absent(file, "k"))
        while learnt.next_due_s() is not None:  # noqa: ASYNC110 - the loop says to nobody what it did
            await asyncio.sleep(0.01)
        stop.set()
        loop.wake()
        await asyncio.wait_for(running, PATIENCE_S)
        learnt.put(absent(file, "j"))
        await loop.close()
    catalog = Catalog.open(owned.generations.pointer, read_only=True)
    keys = catalog.connection.execute("SELECT key FROM file_key_summaries ORDER BY key").fetchall()
    catalog.close()
    assert keys == [("j",), ("k",)]


def absent(file, key):
    return FileKeySummary(
        relative_path=file.relative_path,
        footer_digest=file.footer_digest,
        stamp=file.stamp,
        owner="span",
        key=key,
        summary=ABSENT,
    )
