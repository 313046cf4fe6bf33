"""The worker: watch, then list, then loop, until told to stop.

Three things wait here and nowhere else: file events, the sweep's clock, and local commands. All
work on files and on the catalog happens on one index thread, one turn at a time; a signal lets
the turn finish its transaction, closes the catalog and ends the process.
"""

import asyncio
import math
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from indexer.catalog.database import Catalog
from indexer.catalog.generations import Generations
from indexer.catalog.reader_lock import ReaderLock
from indexer.clients.application import routers
from indexer.clients.operations.local import application
from indexer.clients.service import DashboardService
from indexer.clients.unix_socket import bind, socket_path
from indexer.discover.watch import hints
from indexer.errors import CatalogBusy, CatalogWriteFailed, IndexerError, QueriesBusy
from indexer.http.admission import Admission
from indexer.http.limits import ConnectionLimits
from indexer.http.server import HttpServer
from indexer.index.pipeline import Pipeline
from indexer.index.session import open_catalog, open_pipeline, owning
from indexer.query.answers import Answers
from indexer.query.payload import AnswerLimits
from indexer.query.snapshot import publish_snapshot
from indexer.read.payload import keep_page_maps
from indexer.run import port_limits, ports
from indexer.run.hot_tier import FOLLOW_EVERY_S, HotTier
from indexer.run.status import worker_status
from indexer.settings import Settings
from indexer.system import retry
from indexer.system.budget import ByteBudget
from indexer.system.clock import Clock
from indexer.system.interpreter import answer_beside_work
from indexer.telemetry import metrics
from indexer.telemetry.log import (
    CATALOG_FAILED,
    CATALOG_RESUMED,
    HOT_LOOK_FAILED,
    WATCH_FAILED,
    WORKER_STARTED,
    WORKER_STOPPED,
    log,
)
from indexer.telemetry.own_traces import OwnTraces, own_traces

T = TypeVar("T")

HINTS_MAX = 10_000
"""Paths waiting to be looked at; beyond, one sweep is cheaper."""
IDLE_CHECKPOINT_WAL_BYTES = 4 << 20
IDLE_CHECKPOINT_AFTER_S = 2.0
"""Fold the log in once nothing has happened for a while, so that no file waits for it."""
WATCH_RETRY_S = 1.0
GRACE_S = 1
"""How long a stop waits for a client to take its answer."""


class Worker:
    """One process's service over one storage and one catalog."""

    def __init__(self, settings: Settings, clock: Clock, generations: Generations) -> None:
        self.settings = settings
        self._clock = clock
        self._generations = generations
        self._catalog: Catalog | None = None
        self._pipeline: Pipeline | None = None
        self._index_thread = ThreadPoolExecutor(1, thread_name_prefix="index")
        self._hints: set[str] = set()
        self._hints_lock = threading.Lock()
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()
        self._sweep_due_s = 0.0
        self._swept_at: float | None = None
        self._seen_transactions = 0
        self._checkpoint_due_s = math.inf
        self._failures = 0
        self._failure = ""
        self._resume_s = 0.0
        self._watching = False
        self._snapshots: tuple[int, Path] | None = None
        self._gate = ReaderLock()
        self._hot = HotTier(settings, clock) if settings.ingestion_host else None
        self._dashboards: DashboardService | None = None
        self._own_traces = OwnTraces()
        self._answer_limits = AnswerLimits(
            files=settings.answer_files_max, payload_bytes=settings.bytes_of("answer_bytes_max")
        )
        self._answers_budget = ByteBudget(settings.bytes_of("answers_bytes_max"), busy=QueriesBusy)

    def request_stop(self) -> None:
        """Finish the transaction in hand and end. Safe in a signal handler of the loop."""
        self._stop.set()
        self._wake.set()

    async def run(self) -> None:
        """Serve until ``request_stop``. Raises what keeps the catalog or the port from opening."""
        keep_page_maps(self.settings.bytes_of("page_cache_bytes"))
        self._own_traces = own_traces(self.settings.otlp_http_listen)
        self._dashboards = self._listen()
        try:
            await self._on_index_thread(self._open)
        except CatalogBusy:
            if self._stop.is_set():
                return
            raise
        listener = bind(self.settings.catalog_pointer)
        server = HttpServer(
            Admission().around(application(self)),
            [listener],
            limits=ConnectionLimits(),
            grace_s=GRACE_S,
        )
        tasks = [asyncio.create_task(server.run_until_stopped())]
        if self._dashboards is not None:
            tasks.append(asyncio.create_task(self._dashboards.run(grace_s=GRACE_S)))
        if self._hot is not None:
            tasks.append(asyncio.create_task(self._follow_hot(self._hot)))
        if self.settings.watch:
            tasks.append(asyncio.create_task(self._watch()))
        self._say_started()
        try:
            await self._loop()
        finally:
            self._stop.set()
            server.stop()
            if self._hot is not None:
                self._hot.close()
            if self._dashboards is not None:
                tasks.append(asyncio.create_task(self._dashboards.end()))
            await asyncio.gather(*tasks, return_exceptions=True)
            socket_path(self.settings.catalog_pointer).unlink(missing_ok=True)
            await self._on_index_thread(self._close)
            self._index_thread.shutdown()
            self._own_traces.close()
            log(WORKER_STOPPED, "stopped; every registered file is in the catalog")

    @property
    def _http_url(self) -> str | None:
        return None if self._dashboards is None else self._dashboards.url

    def _listen(self) -> DashboardService | None:
        """Bound before all else: what keeps it from that keeps the worker from starting."""
        endpoint = ports.dashboards(self.settings)
        if endpoint is None:
            return None
        return DashboardService(
            self,
            endpoint=endpoint,
            admission=port_limits.dashboards_admission(self.settings),
            limits=port_limits.dashboards_limits(self.settings),
            questions=self.settings.questions,
            routers=routers(self.settings.bytes_of("span_cache_bytes")),
            tracer_provider=self._own_traces.provider,
        )

    @property
    def backlog_files_max(self) -> int:
        """Files that may wait while the worker counts as ready."""
        return self.settings.backlog_files_max

    @property
    def answers(self) -> Answers:
        """The questions of commands and dashboards, over readers' connections."""
        return Answers(
            cursor=lambda: self._open_catalog().cursor(),
            storage=self._open_pipeline().storage,
            directory=lambda: self._open_pipeline().register.directory,
            guard=self._gate.reading,
            pending=lambda: len(self._open_pipeline().backlog),
            hot=None if self._hot is None else self._hot.ask,
            limits=self._answer_limits,
            budget=self._answers_budget,
        )

    def status(self) -> dict[str, Any]:
        """The worker's state and what the index holds."""
        return worker_status(
            self.settings,
            self._open_catalog(),
            self._open_pipeline(),
            self.answers,
            failure=self._failure,
            http_url=self._http_url,
            watching=self._watching,
            swept_unix_s=self._swept_at,
            hot=None if self._hot is None else self._hot.status(),
        )

    async def snapshot(self) -> Path:
        """Publish a copy of the catalog as it is now; the same copy while nothing changed."""
        try:
            return await self._on_index_thread(self._snapshot)
        finally:
            self._wake.set()  # should it have failed, the loop has to know when to resume

    async def swept(self) -> None:
        """Sweep now and work it off."""
        await self._on_index_thread(lambda: self._turn(sweep=True))

    def _say_started(self) -> None:
        where = f"; dashboards ask at {self._http_url}" if self._http_url else ""
        log(
            WORKER_STARTED,
            f"indexing {self.settings.storage_root} into {self.settings.catalog_pointer}{where}",
            http=self._http_url,
        )

    async def _loop(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            await self._on_index_thread(self._turn)
            if self._has_work() or self._stop.is_set():
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._idle_s())

    def _idle_s(self) -> float:
        """Seconds until time alone makes something due."""
        now_s = self._clock.monotonic_s()
        if self._failures:
            return max(0.0, self._resume_s - now_s)
        pipeline_due_s = self._open_pipeline().next_due_s()
        due = [self._sweep_due_s, self._checkpoint_due_s]
        due += [] if pipeline_due_s is None else [pipeline_due_s]
        return max(0.005, min(due) - now_s)

    async def _watch(self) -> None:
        """Turn file events into hints; without events the sweep goes on alone."""
        while not self._stop.is_set():
            try:
                async for paths in hints(self.settings.storage_root, self._stop):
                    if not self._watching:  # watch first, then list: nothing falls between
                        self._watching = True
                        self._sweep_due_s = 0.0
                        self._wake.set()
                    if paths:
                        self._hint(paths)
            except (OSError, RuntimeError) as error:
                log(
                    WATCH_FAILED,
                    f"no file events: {error}; sweeping every {self.settings.poll_interval_s:g} s",
                )
            self._watching = False
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), WATCH_RETRY_S)

    async def _follow_hot(self, hot: HotTier) -> None:
        """Files are confirmed and lost spans noticed, whether or not anybody asks."""
        while not self._stop.is_set():
            pause_s = FOLLOW_EVERY_S
            try:
                pause_s = await asyncio.to_thread(hot.follow, self.answers.reading)
            except Exception as error:  # noqa: BLE001 - told, and looked at again in a second
                log(HOT_LOOK_FAILED, f"no look at the hot tier: {type(error).__name__}: {error}")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause_s)

    def _hint(self, paths: set[str]) -> None:
        with self._hints_lock:
            self._hints |= paths
            if len(self._hints) > HINTS_MAX:
                self._hints.clear()
                self._sweep_due_s = 0.0
        self._wake.set()

    def _has_hints(self) -> bool:
        with self._hints_lock:
            return bool(self._hints)

    def _has_work(self) -> bool:
        """Something that need not wait. After a failed commit everything does."""
        return not self._failures and (self._has_hints() or self._open_pipeline().sweep_wanted)

    def _take_hints(self) -> set[str]:
        with self._hints_lock:
            taken, self._hints = self._hints, set()
        return taken

    async def _on_index_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._index_thread, work)

    def _turn(self, *, sweep: bool = False) -> None:
        """One round of work. A commit that fails is a state of the worker, not its end."""
        if self._failures and self._clock.monotonic_s() < self._resume_s and not sweep:
            return
        try:
            if self._failures:
                self._reopen()
            self._work(sweep=sweep)
        except CatalogWriteFailed as error:
            self._fail(error)

    def _fail(self, error: CatalogWriteFailed) -> None:
        """The catalog is opened again after a while; until then nothing is written."""
        self._failures += 1
        metrics.COMMITS_FAILED.inc()
        self._failure = f"{error.message} ({error.advice})"
        backoff_s = retry.CATALOG.pause_s(self._failures)
        self._resume_s = self._clock.monotonic_s() + backoff_s
        log(CATALOG_FAILED, f"{self._failure} Again in {backoff_s:.0f} s.")

    def _work(self, *, sweep: bool) -> None:
        pipeline = self._open_pipeline()
        now_s = self._clock.monotonic_s()
        if sweep or pipeline.sweep_wanted or now_s >= self._sweep_due_s:
            self._sweep_due_s = now_s + self.settings.poll_interval_s
            self._take_hints()
            pipeline.sweep()
            self._swept_at = time.time()
        self._absorb()
        pipeline.wake()
        pipeline.drain(self._stop.is_set, self._absorb)
        if not self._has_hints():
            pipeline.promotion.step()
        if self._failures:
            log(CATALOG_RESUMED, "the catalog takes commits again")
            self._failures, self._failure = 0, ""
        self._checkpoint_when_idle(pipeline.progress.transactions)

    def _checkpoint_when_idle(self, transactions: int) -> None:
        now_s = self._clock.monotonic_s()
        if transactions != self._seen_transactions:
            self._seen_transactions = transactions
            large = self._open_catalog().wal_bytes() > IDLE_CHECKPOINT_WAL_BYTES
            self._checkpoint_due_s = now_s + IDLE_CHECKPOINT_AFTER_S if large else math.inf
        elif now_s >= self._checkpoint_due_s:
            self._checkpoint_due_s = math.inf
            self._open_catalog().checkpoint()

    def _absorb(self) -> None:
        self._open_pipeline().look(self._take_hints())

    def _open(self) -> None:
        self._catalog = open_catalog(self.settings, self._generations, self._stop.is_set)
        self._pipeline = open_pipeline(self.settings, self._catalog, self._clock)
        self._snapshots = None

    def _close(self) -> None:
        if self._pipeline is not None:
            self._pipeline.close()
        if self._catalog is not None:
            with suppress(IndexerError):  # a full disk: the log is replayed at the next start
                self._catalog.checkpoint()
            with self._gate.alone():
                self._catalog.close()

    def _reopen(self) -> None:
        """After a failed commit: a new connection, and memory read back from the catalog."""
        old_pipeline, old_catalog = self._open_pipeline(), self._open_catalog()
        old_pipeline.close()
        with self._gate.alone():
            old_catalog.close()
            try:
                self._open()
            except IndexerError as error:
                raise CatalogWriteFailed(error.message, hint=error.advice) from error
        self._sweep_due_s = 0.0

    def _snapshot(self) -> Path:
        transactions = self._open_pipeline().progress.transactions
        if self._snapshots and self._snapshots[0] == transactions:
            return self._snapshots[1]
        try:
            path = publish_snapshot(self._open_catalog(), time.time_ns(), self.settings.file_modes)
        except CatalogWriteFailed as error:
            self._fail(error)
            raise
        self._snapshots = (transactions, path)
        return path

    def _open_catalog(self) -> Catalog:
        if self._catalog is None:
            raise CatalogWriteFailed("the catalog is not open yet")
        return self._catalog

    def _open_pipeline(self) -> Pipeline:
        if self._pipeline is None:
            raise CatalogWriteFailed("the catalog is not open yet")
        return self._pipeline


async def serve(settings: Settings, clock: Clock) -> None:
    """Own the catalog and run the worker until SIGTERM or SIGINT. Raises CatalogOwned."""
    answer_beside_work()
    with owning(settings, "python -m indexer") as generations:
        worker = Worker(settings, clock, generations)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.request_stop)
        await worker.run()
