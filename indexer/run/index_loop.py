"""The index thread's loop: all work on files and on the catalog, one turn at a time.

A turn sweeps when one is due, looks where hints point, reads and registers what is ready, and
folds the catalog's log in once nothing has happened for a while. A commit that fails, or a
fault of this program, is a state of the loop and not its end: the catalog is opened again, later
and later while it keeps failing.
"""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from indexer.errors import CatalogBusy, CatalogWriteFailed, IndexerError
from indexer.index.learnt_summaries import LearntSummaries
from indexer.index.snapshot import SnapshotCopy
from indexer.run.heartbeat import Heartbeat
from indexer.run.hints import Hints
from indexer.run.open_index import OpenIndex
from indexer.system import retry
from indexer.system.clock import Clock
from indexer.system.program_name import as_typed
from indexer.telemetry import metrics
from indexer.telemetry.log import (
    CATALOG_FAILED,
    CATALOG_RESUMED,
    INDEX_FAULT,
    log,
    log_fault,
)

T = TypeVar("T")

IDLE_CHECKPOINT_WAL_BYTES = 4 << 20
IDLE_CHECKPOINT_AFTER_S = 2.0
"""Fold the log in once nothing has happened for a while, so that no file waits for it."""
CHECKPOINTS_REFUSED_MAX = 10
"""In a row: what is in the way for half a minute is no question, which are ended by then."""
_SHORTEST_PAUSE_S = 0.005


class IndexLoop:
    """Turns over one index on a thread of its own, until ``stop``."""

    def __init__(
        self,
        index: OpenIndex,
        clock: Clock,
        stop: asyncio.Event,
        heartbeat: Heartbeat,
        *,
        sweep_every_s: float,
        committed: Callable[[], None] = lambda: None,
        learnt: LearntSummaries | None = None,
    ) -> None:
        """``committed`` is called on the index thread when a turn has changed the index.

        ``learnt`` has what searches learn, which is recorded when it is due.
        """
        self._committed = committed
        self._learnt = learnt
        self._index = index
        self._heartbeat = heartbeat
        self._clock = clock
        self._stop = stop
        self._sweep_every_s = sweep_every_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="index")
        self._wake = asyncio.Event()
        self._hints = Hints()
        self._snapshot_turn = asyncio.Lock()
        self._copy: SnapshotCopy | None = None
        self._closed = False
        self._sweep_due_s = 0.0
        self._checkpoint_due_s = math.inf
        self._checkpoints_refused = 0
        self._seen_transactions = 0
        self._failures = 0
        self._resume_s = 0.0
        self.failure = ""
        """Why nothing is written at the moment; empty while commits succeed."""
        self.swept_unix_s: float | None = None
        """When the last sweep was done."""

    async def open(self) -> None:
        """Open the index on its thread. Raises what keeps the catalog from opening."""
        await self._on_thread(self._index.open)
        if self._learnt is not None:
            events = asyncio.get_running_loop()

            def wake_soon() -> None:
                events.call_soon_threadsafe(self._wake.set)

            self._learnt.notify = wake_soon

    async def run(self) -> None:
        """Turn after turn until ``stop``."""
        while not self._stop.is_set():
            self._wake.clear()
            if self._index.deleted:
                await self._stop.wait()
                return
            await self._on_thread(self._turn)
            if self._has_work() or self._stop.is_set():
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._idle_s())

    async def close(self) -> None:
        """Close the index after the turn in hand, and end the thread."""
        if self._learnt is not None:
            self._learnt.notify = lambda: None
            await self._on_thread(self._record_learnt)
        await self._on_thread(self._index.close)
        self._closed = True
        self._thread.shutdown()

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    def hint(self, paths: set[str]) -> None:
        """Absolute paths where something may have happened."""
        if not self._hints.add(paths):
            self._sweep_due_s = 0.0
        self._wake.set()

    def sweep_soon(self) -> None:
        """The next turn lists the storage."""
        self._sweep_due_s = 0.0
        self._wake.set()

    async def sweep(self) -> None:
        """Sweep now and work it off. Raises CatalogDeleted."""
        self._index.check_deleted()
        await self._on_thread(lambda: self._turn(sweep=True))

    async def snapshot(self) -> Path:
        """Publish a copy of the catalog as it is now, made beside the index thread.

        One at a time. Raises CatalogWriteFailed, CatalogDeleted, and CatalogBusy when the catalog
        is closed meanwhile, or other transactions are in the way.
        """
        async with self._snapshot_turn:
            try:
                copy = await self._on_thread(self._begin_snapshot)
            except CatalogWriteFailed:
                self._wake.set()  # the loop has to know when to resume
                raise
            return copy if isinstance(copy, Path) else await self._publish(copy)

    async def _publish(self, copy: SnapshotCopy) -> Path:
        published = None
        self._copy = copy
        try:
            published = await copy.run()
        finally:
            self._copy = None
            if not self._closed:
                await self._on_thread(lambda: self._index.end_snapshot(copy, published))
        return published

    def cancel_snapshot(self) -> None:
        """A copy that is being made is in nobody's way when the catalog is closed."""
        if self._copy is not None:
            self._copy.cancel()

    async def _on_thread(self, work: Callable[[], T]) -> T:
        def and_rest() -> T:
            try:
                return work()
            finally:
                self._heartbeat.rest()

        return await asyncio.get_running_loop().run_in_executor(self._thread, and_rest)

    def _has_work(self) -> bool:
        """Something that need not wait. After a failed commit everything does."""
        return not self._failures and (bool(self._hints) or self._index.pipeline.sweep_wanted)

    def _idle_s(self) -> float:
        """Seconds until time alone makes something due."""
        now_s = self._clock.monotonic_s()
        if self._failures:
            return max(0.0, self._resume_s - now_s)
        pipeline_due_s = self._index.pipeline.next_due_s()
        due = [self._sweep_due_s, self._checkpoint_due_s]
        check_due_s = self._index.pipeline.scan_checks.next_due_s()
        learnt_due_s = None if self._learnt is None else self._learnt.next_due_s()
        due += [one for one in (pipeline_due_s, check_due_s, learnt_due_s) if one is not None]
        return max(_SHORTEST_PAUSE_S, min(due) - now_s)

    def _turn(self, *, sweep: bool = False) -> None:
        if self._failures and self._clock.monotonic_s() < self._resume_s and not sweep:
            return
        try:
            if self._failures:
                self._heartbeat.begin("opening the catalog again")
                self._index.reopen()
                self._sweep_due_s = 0.0
            self._work(sweep=sweep)
        except (CatalogWriteFailed, CatalogBusy) as error:
            self._fail(error)
        except Exception as fault:  # noqa: BLE001 - logged; a state of the loop and not its end
            again = self._resume_later(f"a fault of this program: {type(fault).__name__}: {fault}")
            log_fault(INDEX_FAULT, again, fault)

    def _work(self, *, sweep: bool) -> None:
        pipeline = self._index.pipeline
        now_s = self._clock.monotonic_s()
        if sweep or pipeline.sweep_wanted or now_s >= self._sweep_due_s:
            self._sweep_due_s = now_s + self._sweep_every_s
            self._hints.take()
            self._heartbeat.begin("listing the storage")
            self._index.catalog.check()
            pipeline.sweep()
            self.swept_unix_s = time.time()
        self._look()
        pipeline.wake()
        pipeline.drain(self._stop.is_set, self._look)
        if not self._hints:
            self._heartbeat.begin("extracting attributes")
            pipeline.promotion.step()
            pipeline.scan_checks.step()
            if self._learnt is not None:
                self._learnt.step(pipeline.register)
        if self._failures:
            log(CATALOG_RESUMED, "the catalog takes commits again")
            self._failures, self.failure = 0, ""
        self._checkpoint_when_idle(pipeline.progress.transactions)

    def _record_learnt(self) -> None:
        """At the end, so that the next start knows it. Without it nothing is lost but time."""
        if self._learnt is not None and not self._index.deleted:
            with suppress(IndexerError):
                self._learnt.record(self._index.pipeline.register)

    def _look(self) -> None:
        self._heartbeat.begin("reading and registering files")
        self._index.pipeline.look(self._hints.take())

    def _checkpoint_when_idle(self, transactions: int) -> None:
        now_s = self._clock.monotonic_s()
        if transactions != self._seen_transactions:
            self._seen_transactions = transactions
            self._committed()
            large = self._index.catalog.wal_bytes() > IDLE_CHECKPOINT_WAL_BYTES
            self._checkpoint_due_s = now_s + IDLE_CHECKPOINT_AFTER_S if large else math.inf
        elif now_s >= self._checkpoint_due_s:
            self._heartbeat.begin("folding the catalog's log in")
            self._checkpoint_due_s = math.inf
            self._checkpoint(now_s)

    def _checkpoint(self, now_s: float) -> None:
        """The log is as good as it was where others are in the way, and is folded in later.

        Raises CatalogBusy where they always are: then the catalog is opened again.
        """
        try:
            self._index.catalog.checkpoint()
            self._checkpoints_refused = 0
        except CatalogBusy:
            self._checkpoints_refused += 1
            if self._checkpoints_refused == CHECKPOINTS_REFUSED_MAX:
                self._checkpoints_refused = 0
                raise
            self._checkpoint_due_s = now_s + IDLE_CHECKPOINT_AFTER_S

    def _begin_snapshot(self) -> SnapshotCopy | Path:
        self._heartbeat.begin("folding the catalog's log in for a snapshot")
        try:
            return self._index.begin_snapshot()
        except CatalogWriteFailed as error:
            self._fail(error)
            raise

    def _fail(self, error: CatalogWriteFailed | CatalogBusy) -> None:
        metrics.COMMITS_FAILED.inc()
        log(CATALOG_FAILED, self._resume_later(f"{error.message} ({as_typed(error.advice)})"))

    def _resume_later(self, reason: str) -> str:
        """The catalog is opened again after a while; until then nothing is written. Says when."""
        self._failures += 1
        self.failure = reason
        backoff_s = retry.CATALOG.pause_s(self._failures)
        self._resume_s = self._clock.monotonic_s() + backoff_s
        return f"{reason} Again in {backoff_s:.0f} s."
